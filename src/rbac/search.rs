//! Where a search has to look, so that it finds everything that is allowed: a few ids, the holders of some
//! roles, or all entities of a type.

use std::collections::BTreeSet;

use super::condition::{Left, Wanted};
use super::decide::{Held, Reach};
use super::question::Question;
use super::snapshot::{RoleSet, Snapshot};
use super::table::place;

/// How many of all entities of a type may be allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Share {
    /// None.
    #[default]
    None,
    /// Some, by their properties.
    Some,
    /// All.
    All,
}

/// Where to look. What is found there must be decided, unless all are allowed; nothing else is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places<'a> {
    /// Among all of the type.
    pub all: Share,
    /// Entities with these ids.
    pub ids: BTreeSet<String>,
    /// Accounts that hold these roles for the resource.
    pub roles: Vec<&'a str>,
}

impl Places<'_> {
    fn add(&mut self, left: Left) {
        match left {
            Left::Nobody => {}
            Left::Ids(ids) => self.ids.extend(ids),
            Left::Some => self.all = self.all.max(Share::Some),
            Left::All => self.all = Share::All,
        }
    }
}

impl Snapshot {
    /// Where the subjects are that may do this; nowhere if there is no such permission. What the question
    /// says of the subject does not count.
    #[must_use]
    pub fn places_of_subjects(&self, question: &Question<'_>) -> Places<'_> {
        let Some(permission) = self.permission_of(question) else {
            return Places::default();
        };
        let mut places = Places::default();
        self.look_at(
            &mut places,
            &self.role_set([]),
            permission,
            question,
            Wanted::Subject,
        );
        places.roles = self.roles_that_grant(permission, question);
        places
    }

    /// Where the resources are with which a subject that holds this may do it. What the question says of
    /// the resource, apart from the type, does not count.
    #[must_use]
    pub fn places_of_resources(&self, held: &Held, question: &Question<'_>) -> Places<'_> {
        let Some(permission) = self.permission_of(question) else {
            return Places::default();
        };
        let wanted = question.resource.kind;
        let mut places = Places::default();
        for (reach, set) in &held.sets {
            let for_all = match reach {
                Reach::Everywhere => true,
                Reach::Type(kind) => kind == wanted,
                Reach::Resource { kind, id } => {
                    let may = set.grants(permission) || set.conditions(permission).next().is_some();
                    if kind == wanted && may {
                        places.ids.insert(id.clone());
                    }
                    false
                }
            };
            if for_all {
                self.look_at(&mut places, set, permission, question, Wanted::Resource);
            }
        }
        places
    }

    /// The actions that the permissions of a type of resources name, in their order.
    pub fn actions<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        let permissions = self.permissions.of_first(kind).into_iter();
        permissions.filter_map(|permission| {
            let name = self.permissions.name(permission);
            name.split_once(':').map(|(_, action)| action)
        })
    }

    fn permission_of(&self, question: &Question<'_>) -> Option<u32> {
        self.permissions
            .find(question.resource.kind, question.action.name)
    }

    /// Adds the places where grants that hold for everybody lead.
    fn look_at(
        &self,
        places: &mut Places<'_>,
        set: &RoleSet,
        permission: u32,
        question: &Question<'_>,
        wanted: Wanted,
    ) {
        if set.grants(permission) {
            places.add(Left::All);
        }
        for condition in set.conditions(permission) {
            places.add(self.conditions[condition as usize].left(question, wanted));
        }
    }

    /// The roles that grant it to some subject, inherited grants too.
    fn roles_that_grant(&self, permission: u32, question: &Question<'_>) -> Vec<&str> {
        let may_hold = |condition: u32| {
            let condition = &self.conditions[condition as usize];
            condition.left(question, Wanted::Subject) != Left::Nobody
        };
        let grants = |role: u32| {
            let mut conditional = self.conditional.row(role).iter();
            self.grants.row(role).contains(&permission)
                || conditional.any(|(of, condition)| *of == permission && may_hold(*condition))
        };
        let all = 0..place(self.roles.len());
        let mut grant: Vec<bool> = all.clone().map(grants).collect();
        // A round for each generation at most.
        loop {
            let mut more = false;
            for role in all.clone() {
                let mut parents = self.parents.row(role).iter();
                if !grant[role as usize] && parents.any(|parent| grant[*parent as usize]) {
                    grant[role as usize] = true;
                    more = true;
                }
            }
            if !more {
                break;
            }
        }
        let granting = all.filter(|role| grant[*role as usize] && Some(*role) != self.everyone());
        granting.map(|role| self.roles.name(role)).collect()
    }
}
