//! A policy made for decisions: immutable, replaced as a whole when the policy changes.
//!
//! Roles and grants are rows of numbers. The grants of a set of roles, inherited ones too, are one bit for
//! each permission, and a short list of those with a condition. Such a set is made once and shared by all
//! who have the same roles: a set for each of ten thousand accounts would need 25 MB, and roles with the
//! permissions of their ancestors written out far more.

use std::sync::Arc;

use quick_cache::sync::Cache;

use super::Permission;
use super::built_in::built_in;
use super::condition::Condition;
use super::marks::Marks;
use super::policy::{EVERYONE, Policy, PolicyFault};
use super::table::{Names, Pairs, place};

/// Sets of roles that are kept; the least used are made again when they are needed.
const SETS: usize = 8192;

/// A policy, ready for decisions.
pub struct Snapshot {
    version: u64,
    pub(super) permissions: Pairs,
    pub(super) roles: Names,
    /// By role: its parents.
    pub(super) parents: Rows<u32>,
    /// By role: the permissions that it grants without a condition.
    pub(super) grants: Rows<u32>,
    /// By role: permissions, each with the place of its condition.
    pub(super) conditional: Rows<(u32, u32)>,
    pub(super) conditions: Vec<Condition>,
    /// The permissions of this service, each with its number.
    pub(super) built_in: Vec<(u32, Permission)>,
    everyone: Option<u32>,
    pub(super) sets: Cache<Box<[u32]>, Arc<RoleSet>>,
}

/// Lists of different lengths, one behind the other.
pub(super) struct Rows<T> {
    ends: Vec<usize>,
    items: Vec<T>,
}

impl<T> Rows<T> {
    fn of(rows: impl Iterator<Item = Vec<T>>) -> Self {
        let (mut ends, mut items) = (Vec::new(), Vec::new());
        for row in rows {
            items.extend(row);
            ends.push(items.len());
        }
        Self { ends, items }
    }

    pub(super) fn row(&self, at: u32) -> &[T] {
        let at = at as usize;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.items[start..self.ends[at]]
    }
}

/// The grants of some roles together.
#[derive(Debug)]
pub struct RoleSet {
    /// A bit for each permission that is granted without a condition.
    bits: Box<[u64]>,
    /// Permissions in ascending order, each with the place of a condition.
    conditional: Box<[(u32, u32)]>,
    /// What allowed something since it was last asked for.
    pub(super) used: Marks,
}

impl RoleSet {
    /// Whether the permission is granted without a condition.
    pub(super) fn grants(&self, permission: u32) -> bool {
        let word = self.bits.get((permission / 64) as usize);
        word.is_some_and(|word| word & (1 << (permission % 64)) != 0)
    }

    /// The permissions that are granted without a condition.
    pub(super) fn permissions(&self) -> impl Iterator<Item = u32> {
        let all = 0..place(self.bits.len() * 64);
        all.filter(|permission| self.grants(*permission))
    }

    /// Permissions, each with the place of a condition.
    pub(super) const fn conditional(&self) -> &[(u32, u32)] {
        &self.conditional
    }

    /// The places of the conditions of which one must hold.
    pub(super) fn conditions(&self, permission: u32) -> impl Iterator<Item = u32> {
        self.conditions_at(permission)
            .map(|(_, condition)| condition)
    }

    /// The same, each with its place in [`RoleSet::conditional`].
    pub(super) fn conditions_at(&self, permission: u32) -> impl Iterator<Item = (usize, u32)> {
        let first = self.conditional.partition_point(|(of, _)| *of < permission);
        let from = self.conditional[first..].iter().enumerate();
        from.take_while(move |(_, (of, _))| *of == permission)
            .map(move |(at, (_, condition))| (first + at, *condition))
    }
}

impl Snapshot {
    /// Makes it.
    ///
    /// # Errors
    /// When the policy has a fault.
    pub fn new(version: u64, policy: &Policy) -> Result<Self, PolicyFault> {
        policy.check()?;
        let permissions = Pairs::of(policy.permissions.iter().map(String::as_str));
        let roles = Names::of(policy.roles.iter().map(|role| role.name.as_str()));
        let mut conditions = Vec::new();
        let (mut parents, mut grants, mut conditional) = (Vec::new(), Vec::new(), Vec::new());
        for role in &policy.roles {
            let found = role.parents.iter().filter_map(|name| roles.find(name));
            parents.push(found.collect());
            let (mut always, mut sometimes) = (Vec::new(), Vec::new());
            for grant in &role.grants {
                let condition = grant.condition.clone().map(|condition| {
                    conditions.push(condition);
                    place(conditions.len() - 1)
                });
                let granted = match grant.wildcard() {
                    Some(resource) => permissions.of_first(resource),
                    None => permissions
                        .find_whole(&grant.permission)
                        .into_iter()
                        .collect(),
                };
                match condition {
                    None => always.extend(granted),
                    Some(condition) => {
                        sometimes.extend(
                            granted
                                .into_iter()
                                .map(|permission| (permission, condition)),
                        );
                    }
                }
            }
            grants.push(always);
            conditional.push(sometimes);
        }
        let built_in = built_in().filter_map(|permission| {
            let at = permissions.find_whole(permission.name())?;
            Some((at, permission))
        });
        Ok(Self {
            version,
            built_in: built_in.collect(),
            everyone: roles.find(EVERYONE),
            permissions,
            roles,
            parents: Rows::of(parents.into_iter()),
            grants: Rows::of(grants.into_iter()),
            conditional: Rows::of(conditional.into_iter()),
            conditions,
            sets: Cache::new(SETS),
        })
    }

    /// The version of the policy that this was made of.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// The role of everyone, if the policy has it.
    pub(super) const fn everyone(&self) -> Option<u32> {
        self.everyone
    }

    /// The grants of these roles and of those that everyone has. Unknown roles grant nothing.
    #[must_use]
    pub fn role_set<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Arc<RoleSet> {
        let found = names.into_iter().filter_map(|name| self.roles.find(name));
        let mut roles: Vec<u32> = found.chain(self.everyone).collect();
        roles.sort_unstable();
        roles.dedup();
        if let Some(known) = self.sets.get(roles.as_slice()) {
            return known;
        }
        let set = Arc::new(self.merge(&roles));
        self.sets.insert(roles.into(), Arc::clone(&set));
        set
    }

    fn merge(&self, roles: &[u32]) -> RoleSet {
        let mut bits = vec![0_u64; self.permissions.len().div_ceil(64)].into_boxed_slice();
        let mut conditional = Vec::new();
        for role in self.with_ancestors(roles) {
            for permission in self.grants.row(role) {
                bits[(permission / 64) as usize] |= 1 << (permission % 64);
            }
            conditional.extend_from_slice(self.conditional.row(role));
        }
        conditional.sort_unstable();
        conditional.dedup();
        RoleSet {
            used: Marks::new(bits.len(), conditional.len()),
            bits,
            conditional: conditional.into(),
        }
    }

    /// These roles and all that they inherit from, each once.
    pub(super) fn with_ancestors(&self, roles: &[u32]) -> Vec<u32> {
        let mut seen = vec![0_u64; self.roles.len().div_ceil(64)];
        let mut found = Vec::new();
        let mut open = roles.to_vec();
        while let Some(role) = open.pop() {
            let (word, bit) = ((role / 64) as usize, 1 << (role % 64));
            if seen[word] & bit == 0 {
                seen[word] |= bit;
                found.push(role);
                open.extend_from_slice(self.parents.row(role));
            }
        }
        found
    }
}
