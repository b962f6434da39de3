//! Decisions: what a subject may do, and why.

use std::sync::Arc;

use super::condition::Term;
use super::marks::GrantPlace;
use super::question::Question;
use super::snapshot::{RoleSet, Snapshot};
use super::table::place;

/// Where an assignment of a role holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reach {
    /// For every resource.
    #[default]
    Everywhere,
    /// For the resources of one type.
    Type(String),
    /// For one resource.
    Resource {
        /// Its type.
        kind: String,
        /// Its id.
        id: String,
    },
}

impl Reach {
    /// From its stored form: no type for everywhere, no id for all resources of the type.
    #[must_use]
    pub fn of(kind: &str, id: &str) -> Self {
        match (kind, id) {
            ("", _) => Self::Everywhere,
            (kind, "") => Self::Type(kind.to_owned()),
            (kind, id) => Self::Resource {
                kind: kind.to_owned(),
                id: id.to_owned(),
            },
        }
    }

    /// Its stored form: the type and the id, each empty for all.
    #[must_use]
    pub fn parts(&self) -> (&str, &str) {
        match self {
            Self::Everywhere => ("", ""),
            Self::Type(kind) => (kind, ""),
            Self::Resource { kind, id } => (kind, id),
        }
    }

    /// Whether every resource within the other is within this one.
    pub(super) fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Everywhere, _) => true,
            (Self::Type(own), Self::Resource { kind, .. }) => own == kind,
            _ => self == other,
        }
    }

    fn covers(&self, kind: &str, id: &str) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Type(own) => own == kind,
            Self::Resource {
                kind: own,
                id: only,
            } => own == kind && only == id,
        }
    }
}

/// A role that was given to a subject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Assignment {
    /// The role.
    pub role: String,
    /// Where it holds.
    pub reach: Reach,
    /// It does not hold from this time on, in microseconds since 1970.
    pub expires_at: Option<i64>,
}

impl Assignment {
    /// A role that holds everywhere and without an end.
    #[must_use]
    pub fn everywhere(role: impl Into<String>) -> Self {
        Self {
            role: role.into(),
            reach: Reach::Everywhere,
            expires_at: None,
        }
    }

    /// Whether it holds at this time, in microseconds since 1970.
    #[must_use]
    pub fn lives(&self, now: i64) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }
}

/// What a subject holds at one time.
#[derive(Debug)]
pub struct Held {
    version: u64,
    /// One of them holds everywhere.
    pub(super) sets: Vec<(Reach, Arc<RoleSet>)>,
    until: Option<i64>,
}

impl Held {
    /// Nothing at all, for a session that may do less than its account.
    #[must_use]
    pub const fn emptied(&self) -> Self {
        Self {
            version: self.version,
            sets: Vec::new(),
            until: self.until,
        }
    }

    /// Whether this still is what the subject holds: by the same version of the policy, and no assignment has
    /// expired since.
    #[must_use]
    pub fn is_current(&self, snapshot: &Snapshot, now: i64) -> bool {
        self.version == snapshot.version() && self.until.is_none_or(|until| now < until)
    }
}

/// A decision with its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// A grant without a condition.
    Granted,
    /// A grant whose condition holds.
    ConditionHolds,
    /// The subject is an account that is disabled.
    SubjectDisabled,
    /// No permission has this name.
    UnknownPermission,
    /// No role of the subject grants it for this resource.
    NotGranted,
    /// No condition of a grant holds.
    ConditionFails,
}

impl Decided {
    /// Whether it is allowed.
    #[must_use]
    pub const fn allows(self) -> bool {
        matches!(self, Self::Granted | Self::ConditionHolds)
    }
}

/// A way on which a subject comes to a grant, or could.
#[derive(Clone, Debug, PartialEq)]
pub struct Way<'a> {
    /// The assigned role, its ancestors, and last the one with the grant.
    pub roles: Vec<&'a str>,
    /// Where the assignment holds.
    pub reach: &'a Reach,
    /// Whether the assignment is for this resource.
    pub covers: bool,
    /// The condition, as text.
    pub condition: Option<String>,
    /// The comparisons of the condition that do not hold, as text.
    pub failing: Vec<String>,
}

impl Way<'_> {
    /// Whether it leads to a grant that counts.
    #[must_use]
    pub fn allows(&self) -> bool {
        self.covers && self.failing.is_empty()
    }
}

impl Snapshot {
    /// What a subject with these assignments holds now.
    #[must_use]
    pub fn held(&self, assignments: &[Assignment], now: i64) -> Held {
        let living = || assignments.iter().filter(|given| given.lives(now));
        let mut reaches: Vec<&Reach> = living().map(|given| &given.reach).collect();
        reaches.push(&Reach::Everywhere);
        reaches.sort_unstable();
        reaches.dedup();
        let set = |reach: &Reach| {
            let of = living().filter(|given| given.reach == *reach);
            self.role_set(of.map(|given| given.role.as_str()))
        };
        Held {
            version: self.version(),
            sets: reaches
                .into_iter()
                .map(|reach| (reach.clone(), set(reach)))
                .collect(),
            until: living().filter_map(|given| given.expires_at).min(),
        }
    }

    /// The permission that a question is about: its place in the order of names, and its name.
    #[must_use]
    pub fn permission_asked(&self, question: &Question<'_>) -> Option<(usize, &str)> {
        let (kind, action) = (question.resource.kind, question.action.name);
        let found = self.permissions.find(kind, action)?;
        Some((found as usize, self.permissions.name(found)))
    }

    /// The decision for a subject that holds this.
    #[must_use]
    pub fn decide(&self, held: &Held, question: &Question<'_>) -> Decided {
        self.find(held, question).0
    }

    /// The same for somebody who acts on it: the grant that allows it counts as used.
    #[must_use]
    pub fn decide_and_note(&self, held: &Held, question: &Question<'_>) -> Decided {
        let (decided, grant) = self.find(held, question);
        if let Some((set, grant)) = grant {
            set.used.note(grant);
        }
        decided
    }

    /// The decision, and what allows it.
    fn find<'a>(
        &self,
        held: &'a Held,
        question: &Question<'_>,
    ) -> (Decided, Option<(&'a RoleSet, GrantPlace)>) {
        let resource = &question.resource;
        let Some(permission) = self.permissions.find(resource.kind, question.action.name) else {
            return (Decided::UnknownPermission, None);
        };
        let covering = || {
            let covers = |(reach, _): &&(Reach, _)| reach.covers(resource.kind, resource.id);
            held.sets.iter().filter(covers).map(|(_, set)| &**set)
        };
        if let Some(set) = covering().find(|set| set.grants(permission)) {
            let grant = GrantPlace::Always(permission);
            return (Decided::Granted, Some((set, grant)));
        }
        let mut decided = Decided::NotGranted;
        for set in covering() {
            for (place, condition) in set.conditions_at(permission) {
                if self.conditions[condition as usize].holds(question) {
                    let grant = GrantPlace::Conditional(place);
                    return (Decided::ConditionHolds, Some((set, grant)));
                }
                decided = Decided::ConditionFails;
            }
        }
        (decided, None)
    }

    /// Every way on which a subject comes to the permission of the question, those that fail too. A way goes
    /// to each grant once, on the shortest chain of roles.
    #[must_use]
    pub fn ways<'a>(
        &'a self,
        assignments: &'a [Assignment],
        question: &Question<'_>,
        now: i64,
    ) -> Vec<Way<'a>> {
        let resource = &question.resource;
        let Some(permission) = self.permissions.find(resource.kind, question.action.name) else {
            return Vec::new();
        };
        let everyone = (self.everyone(), &Reach::Everywhere);
        let given = assignments.iter().filter(|given| given.lives(now));
        let given = given.map(|given| (self.roles.find(&given.role), &given.reach));
        let mut ways = Vec::new();
        for (role, reach) in given.chain([everyone]) {
            let Some(role) = role else { continue };
            for chain in self.chains(role) {
                let last = chain[chain.len() - 1];
                let roles: Vec<_> = chain.iter().map(|role| self.roles.name(*role)).collect();
                let covers = reach.covers(resource.kind, resource.id);
                let way = |condition: Option<u32>| {
                    let condition = condition.map(|at| &self.conditions[at as usize]);
                    let failing = condition
                        .iter()
                        .flat_map(|condition| condition.failing(question));
                    Way {
                        roles: roles.clone(),
                        reach,
                        covers,
                        failing: failing.map(Term::to_string).collect(),
                        condition: condition.map(ToString::to_string),
                    }
                };
                if self.grants.row(last).contains(&permission) {
                    ways.push(way(None));
                }
                let of = self
                    .conditional
                    .row(last)
                    .iter()
                    .filter(|(of, _)| *of == permission);
                ways.extend(of.map(|(_, condition)| way(Some(*condition))));
            }
        }
        ways
    }

    /// The shortest chains from a role to itself and to each of its ancestors.
    pub(super) fn chains(&self, role: u32) -> Vec<Vec<u32>> {
        let mut chains = vec![vec![role]];
        let mut next = 0;
        while let Some(chain) = chains.get(next).cloned() {
            next += 1;
            for &parent in self.parents.row(chain[chain.len() - 1]) {
                if chains.iter().all(|known| known.last() != Some(&parent)) {
                    chains.push(chain.iter().copied().chain([parent]).collect());
                }
            }
        }
        chains
    }

    /// The permissions that are held everywhere and without a condition, in the order of their names.
    pub fn permissions_held<'a>(&'a self, held: &'a Held) -> impl Iterator<Item = &'a str> {
        let mut sets = held.sets.iter();
        let everywhere = sets.find(|(reach, _)| *reach == Reach::Everywhere);
        let all = 0..place(self.permissions.len());
        all.filter(move |permission| everywhere.is_some_and(|(_, set)| set.grants(*permission)))
            .map(|permission| self.permissions.name(permission))
    }
}
