//! Authority at this service itself, and whether what one subject holds includes what another does.

use super::built_in::{built_in, resource};
use super::condition::Condition;
use super::decide::{Assignment, Held, Reach};
use super::policy::{EVERYONE, Policy};
use super::snapshot::{RoleSet, Snapshot};
use super::{BuiltIn, Grant, Permission, Role};
use crate::metrics::{Decision, RoleLabel};

/// A set of permissions, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PermissionSet(u64);

impl PermissionSet {
    /// Whether the set holds this permission.
    #[must_use]
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u32) != 0
    }

    /// The intersection of both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(
            permissions
                .into_iter()
                .fold(0, |bits, permission| bits | 1 << permission as u32),
        )
    }
}

/// The permissions of a set of roles, and its label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority {
    pub(super) permissions: PermissionSet,
    pub(super) role: RoleLabel,
}

impl Authority {
    /// The decision: denied unless a role allows it.
    #[must_use]
    pub const fn decide(&self, permission: Permission) -> Decision {
        if self.allows(permission) {
            Decision::Allow
        } else {
            Decision::Deny
        }
    }

    /// The strongest role, as a label.
    #[must_use]
    pub const fn role(&self) -> RoleLabel {
        self.role
    }

    /// Whether a role allows it.
    #[must_use]
    pub const fn allows(&self, permission: Permission) -> bool {
        self.permissions.contains(permission)
    }
}

impl Policy {
    /// Adds the permissions of this service, and the grants of its administrators. Both are fixed: what is
    /// stored of them is replaced.
    #[must_use]
    pub fn with_built_in(mut self) -> Self {
        let names = || built_in().map(|permission| permission.name().to_owned());
        self.permissions
            .retain(|name| built_in().all(|permission| permission.name() != name));
        self.permissions.extend(names());
        for role in [BuiltIn::Admin, BuiltIn::User] {
            self.roles.retain(|stored| stored.name != role.name());
            let of_role = |permission: &Permission| role.permissions().contains(permission);
            let grants = built_in().filter(of_role).map(|permission| Grant {
                permission: permission.name().to_owned(),
                condition: None,
            });
            self.roles.push(Role {
                name: role.name().to_owned(),
                parents: Vec::new(),
                grants: grants.collect(),
            });
        }
        if self.roles.iter().all(|role| role.name != EVERYONE) {
            self.roles.push(Role {
                name: EVERYONE.to_owned(),
                ..Role::default()
            });
        }
        self
    }
}

impl Snapshot {
    /// What a subject with these assignments, which holds this, may do at this service. A grant with a
    /// condition does not count, because the service's own operations give no properties.
    #[must_use]
    pub fn authority(&self, held: &Held, assignments: &[Assignment], now: i64) -> Authority {
        let of_resource = |reach: &Reach, permission| match reach {
            Reach::Everywhere => true,
            Reach::Type(kind) => kind == resource(permission),
            Reach::Resource { .. } => false,
        };
        let granted = self.built_in.iter().filter(|(at, permission)| {
            let sets = held.sets.iter();
            let mut sets = sets.filter(|(reach, _)| of_resource(reach, *permission));
            sets.any(|(_, set)| set.grants(*at))
        });
        let permissions = granted
            .map(|(_, permission)| *permission)
            .chain([Permission::Authenticated])
            .collect();
        let living = || assignments.iter().filter(|given| given.lives(now));
        let is = |role: BuiltIn| {
            move |given: &Assignment| given.role == role.name() && given.reach == Reach::Everywhere
        };
        let role = if living().any(is(BuiltIn::Admin)) {
            RoleLabel::Admin
        } else if living().any(|given| !is(BuiltIn::User)(given)) {
            RoleLabel::Custom
        } else if living().next().is_some() {
            RoleLabel::User
        } else {
            RoleLabel::None
        };
        Authority { permissions, role }
    }

    /// A permission that `other` holds somewhere and a subject with this authority, which holds `own`, does
    /// not hold there: its name.
    #[must_use]
    pub fn beyond(&self, authority: &Authority, own: &Held, other: &Held) -> Option<&str> {
        for (reach, set) in &other.sets {
            let holds =
                |permission, condition| self.holds(authority, own, reach, permission, condition);
            let missing = set
                .permissions()
                .find(|permission| !holds(*permission, None));
            let missing = missing.or_else(|| {
                let mut conditional = set.conditional().iter();
                let missing = conditional.find(|(permission, condition)| {
                    !holds(*permission, Some(&self.conditions[*condition as usize]))
                });
                missing.map(|(permission, _)| *permission)
            });
            if let Some(permission) = missing {
                return Some(self.permissions.name(permission));
            }
        }
        None
    }

    /// Whether a subject with this authority, which holds this, holds the permission everywhere: without a
    /// condition, or with this one. Nobody holds a permission that is not registered.
    #[must_use]
    pub fn holds_everywhere(
        &self,
        authority: &Authority,
        own: &Held,
        permission: &str,
        condition: Option<&Condition>,
    ) -> bool {
        let found = self.permissions.find_whole(permission);
        found.is_some_and(|at| self.holds(authority, own, &Reach::Everywhere, at, condition))
    }

    fn holds(
        &self,
        authority: &Authority,
        own: &Held,
        reach: &Reach,
        permission: u32,
        condition: Option<&Condition>,
    ) -> bool {
        // A session of a narrow scope holds less of this service than its account.
        if let Some((_, built_in)) = self.built_in.iter().find(|(at, _)| *at == permission) {
            return authority.allows(*built_in);
        }
        let sets = own.sets.iter().filter(|(own, _)| own.includes(reach));
        let same = |set: &RoleSet| {
            let mut own = set.conditions(permission);
            own.any(|at| condition == Some(&self.conditions[at as usize]))
        };
        sets.map(|(_, set)| set)
            .any(|set| set.grants(permission) || same(set))
    }

    /// What a role grants, inherited grants too: permissions, each with its condition.
    #[must_use]
    pub fn effective(&self, role: &str) -> Vec<(&str, Option<&Condition>)> {
        let Some(role) = self.roles.find(role) else {
            return Vec::new();
        };
        let mut grants = Vec::new();
        for role in self.with_ancestors(&[role]) {
            let always = self.grants.row(role).iter();
            grants.extend(always.map(|at| (self.permissions.name(*at), None)));
            let sometimes = self.conditional.row(role).iter();
            grants.extend(sometimes.map(|(at, condition)| {
                let condition = &self.conditions[*condition as usize];
                (self.permissions.name(*at), Some(condition))
            }));
        }
        grants
    }

    /// These roles and all that they inherit from, by name.
    #[must_use]
    pub fn inherited<'a>(&self, roles: impl Iterator<Item = &'a str>) -> Vec<&str> {
        let roles: Vec<u32> = roles.filter_map(|name| self.roles.find(name)).collect();
        let all = self.with_ancestors(&roles).into_iter();
        all.map(|at| self.roles.name(at)).collect()
    }
}
