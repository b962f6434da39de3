//! What a subject holds, each permission with the way on which it comes to it.

use std::fmt;

use super::decide::{Assignment, Reach};
use super::policy::EVERYONE;
use super::snapshot::Snapshot;

/// A permission that a subject holds, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Effective {
    /// Its name.
    pub permission: String,
    /// The assigned role, its ancestors, and last the one with the grant.
    pub roles: Vec<String>,
    /// Where the assignment holds.
    pub reach: Reach,
    /// When the assignment ends, in microseconds since 1970.
    pub expires_at: Option<i64>,
    /// The condition of the grant, as text.
    pub condition: Option<String>,
}

impl fmt::Display for Effective {
    /// Such as `editor → author → posts:write for posts/7 if resource.properties.owner == subject.id`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for role in &self.roles {
            write!(f, "{role} → ")?;
        }
        f.write_str(&self.permission)?;
        match &self.reach {
            Reach::Everywhere => {}
            Reach::Type(kind) => write!(f, " for {kind}")?,
            Reach::Resource { kind, id } => write!(f, " for {kind}/{id}")?,
        }
        self.condition
            .iter()
            .try_for_each(|condition| write!(f, " if {condition}"))
    }
}

impl Snapshot {
    /// What a subject with these assignments holds now, in the order of permissions: at most this many ways, and
    /// whether there are more. A way goes to each grant once, on the shortest chain of roles.
    #[must_use]
    pub fn effective_of(
        &self,
        assignments: &[Assignment],
        now: i64,
        most: usize,
    ) -> (Vec<Effective>, bool) {
        let everyone = Assignment::everywhere(EVERYONE);
        let living = assignments.iter().filter(|given| given.lives(now));
        let mut found = Vec::new();
        for given in living.chain([&everyone]) {
            let Some(role) = self.roles.find(&given.role) else {
                continue;
            };
            for chain in self.chains(role) {
                let last = chain[chain.len() - 1];
                let always = self.grants.row(last).iter().map(|at| (*at, None));
                let sometimes = self.conditional.row(last).iter();
                let sometimes = sometimes.map(|(at, condition)| (*at, Some(*condition)));
                found.extend(always.chain(sometimes).map(|(permission, condition)| {
                    let condition = condition.map(|at| &self.conditions[at as usize]);
                    let roles = chain.iter().map(|role| self.roles.name(*role).to_owned());
                    Effective {
                        permission: self.permissions.name(permission).to_owned(),
                        roles: roles.collect(),
                        reach: given.reach.clone(),
                        expires_at: given.expires_at,
                        condition: condition.map(ToString::to_string),
                    }
                }));
            }
        }
        found.sort_unstable();
        let more = found.len() > most;
        found.truncate(most);
        (found, more)
    }
}
