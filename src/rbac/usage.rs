//! Which grants allowed something: evidence for taking away those that nobody needs.
//!
//! A decision marks its grant in the set of roles that has it, which costs a look at one word. Marks are
//! collected now and then.

use std::collections::BTreeSet;

use super::Permission;
use super::built_in;
use super::decide::{Held, Reach};
use super::marks::GrantPlace;
use super::snapshot::Snapshot;

/// A grant of a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsedGrant {
    /// The role that has it by itself.
    pub role: String,
    /// The permission. A wildcard counts for each permission that it stands for.
    pub permission: String,
    /// Its condition, as text; empty for none.
    pub condition: String,
}

/// What was used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Grants that allowed something.
    pub grants: BTreeSet<UsedGrant>,
    /// Assigned roles that led to one of them.
    pub roles: BTreeSet<String>,
}

impl Usage {
    /// Adds another.
    pub fn extend(&mut self, other: Self) {
        self.grants.extend(other.grants);
        self.roles.extend(other.roles);
    }

    /// Whether nothing was used.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.grants.is_empty() && self.roles.is_empty()
    }
}

impl Snapshot {
    /// Notes that a permission of this service was used by a subject that holds this.
    pub fn note_built_in(&self, held: &Held, permission: Permission) {
        let mut known = self.built_in.iter();
        let Some((at, _)) = known.find(|(_, known)| *known == permission) else {
            return;
        };
        let of = |reach: &Reach| match reach {
            Reach::Everywhere => true,
            Reach::Type(kind) => kind == built_in::resource(permission),
            Reach::Resource { .. } => false,
        };
        let mut sets = held.sets.iter().filter(|(reach, _)| of(reach));
        if let Some((_, set)) = sets.find(|(_, set)| set.grants(*at)) {
            set.used.note(GrantPlace::Always(*at));
        }
    }

    /// What was used since the last time.
    #[must_use]
    pub fn take_usage(&self) -> Usage {
        let mut usage = Usage::default();
        for (assigned, set) in self.sets.iter() {
            let (always, conditional) = set.used.take();
            if always.is_empty() && conditional.is_empty() {
                continue;
            }
            let conditional: Vec<(u32, u32)> = conditional
                .iter()
                .map(|at| set.conditional()[*at])
                .collect();
            for role in &*assigned {
                let mut led = false;
                for ancestor in self.with_ancestors(&[*role]) {
                    led |= self.add_used(ancestor, &always, &conditional, &mut usage);
                }
                if led {
                    usage.roles.insert(self.roles.name(*role).to_owned());
                }
            }
        }
        usage
    }

    /// Adds the grants of one role that are among those used. Returns whether there were any.
    fn add_used(
        &self,
        role: u32,
        always: &[u32],
        conditional: &[(u32, u32)],
        usage: &mut Usage,
    ) -> bool {
        let name = self.roles.name(role);
        let grant = |permission: u32, condition: String| UsedGrant {
            role: name.to_owned(),
            permission: self.permissions.name(permission).to_owned(),
            condition,
        };
        let mut found = false;
        for permission in self.grants.row(role) {
            if always.binary_search(permission).is_ok() {
                found = true;
                usage.grants.insert(grant(*permission, String::new()));
            }
        }
        for used in self.conditional.row(role) {
            if conditional.contains(used) {
                found = true;
                let condition = self.conditions[used.1 as usize].to_string();
                usage.grants.insert(grant(used.0, condition));
            }
        }
        found
    }
}
