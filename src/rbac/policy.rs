//! A policy as it is written down: permissions, and roles with parents and grants (NIST RBAC: core and
//! hierarchy). [`Snapshot`](super::Snapshot) is made of it.

use std::collections::{HashMap, HashSet};

use super::condition::Condition;
use super::names::{is_permission_name, is_role_name};

/// The role that everybody has, also subjects without an account: for grants that depend on properties alone.
pub const EVERYONE: &str = "everyone";
/// Most roles on a way from a role to its farthest ancestor, both included.
pub const DEEPEST: usize = 16;

/// Permissions and roles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// The registered permissions, `resource:action`.
    pub permissions: Vec<String>,
    /// The roles.
    pub roles: Vec<Role>,
}

/// A role.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// The roles whose grants it has too.
    pub parents: Vec<String>,
    /// Its own grants.
    pub grants: Vec<Grant>,
}

/// A grant of permissions.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// A registered permission, or `resource:*` for all of a resource.
    pub permission: String,
    /// It holds only where this does.
    pub condition: Option<Condition>,
}

/// Why a policy is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyFault {
    /// A role or a permission has a name of another form.
    Name(String),
    /// Two roles, or two permissions, have this name.
    Twice(String),
    /// A role names a parent that does not exist.
    UnknownParent {
        /// The role.
        role: String,
        /// The parent.
        parent: String,
    },
    /// A role grants a permission that is not registered.
    UnknownPermission {
        /// The role.
        role: String,
        /// The permission.
        permission: String,
    },
    /// A condition is none. Only stored ones, which are texts, can be so.
    Condition(String),
    /// The role is its own ancestor.
    Cycle(String),
    /// The role has more than [`DEEPEST`] generations.
    TooDeep(String),
}

impl Grant {
    /// The resource, if this grants all of its permissions.
    #[must_use]
    pub fn wildcard(&self) -> Option<&str> {
        self.permission.strip_suffix(":*")
    }
}

impl Policy {
    /// Checks it.
    ///
    /// # Errors
    /// The first fault.
    pub fn check(&self) -> Result<(), PolicyFault> {
        let mut permissions = HashSet::new();
        for name in &self.permissions {
            if !is_permission_name(name) {
                return Err(PolicyFault::Name(name.clone()));
            }
            if !permissions.insert(name.as_str()) {
                return Err(PolicyFault::Twice(name.clone()));
            }
        }
        let mut roles = HashMap::new();
        for (at, role) in self.roles.iter().enumerate() {
            if !is_role_name(&role.name) {
                return Err(PolicyFault::Name(role.name.clone()));
            }
            if roles.insert(role.name.as_str(), at).is_some() {
                return Err(PolicyFault::Twice(role.name.clone()));
            }
        }
        for role in &self.roles {
            let unknown = |grant: &&Grant| match grant.wildcard() {
                // It may be registered later.
                Some(resource) => !is_role_name(resource),
                None => !permissions.contains(grant.permission.as_str()),
            };
            if let Some(grant) = role.grants.iter().find(unknown) {
                return Err(PolicyFault::UnknownPermission {
                    role: role.name.clone(),
                    permission: grant.permission.clone(),
                });
            }
            let unknown = |parent: &&String| !roles.contains_key(parent.as_str());
            if let Some(parent) = role.parents.iter().find(unknown) {
                return Err(PolicyFault::UnknownParent {
                    role: role.name.clone(),
                    parent: parent.clone(),
                });
            }
        }
        self.check_generations(&roles)
    }

    /// Looks at each role behind its parents, which must exist: `places` says where.
    fn check_generations(&self, places: &HashMap<&str, usize>) -> Result<(), PolicyFault> {
        let parents_of = |at: usize| {
            self.roles[at]
                .parents
                .iter()
                .map(|name| places[name.as_str()])
        };
        let mut children = vec![Vec::new(); self.roles.len()];
        let mut missing: Vec<usize> = Vec::with_capacity(self.roles.len());
        for (at, role) in self.roles.iter().enumerate() {
            missing.push(role.parents.len());
            for parent in parents_of(at) {
                children[parent].push(at);
            }
        }
        let mut generations = vec![1; self.roles.len()];
        let mut order: Vec<usize> = (0..self.roles.len())
            .filter(|at| missing[*at] == 0)
            .collect();
        let mut next = 0;
        while let Some(&at) = order.get(next) {
            next += 1;
            if generations[at] > DEEPEST {
                return Err(PolicyFault::TooDeep(self.roles[at].name.clone()));
            }
            for &child in &children[at] {
                generations[child] = generations[child].max(generations[at] + 1);
                missing[child] -= 1;
                if missing[child] == 0 {
                    order.push(child);
                }
            }
        }
        // What is left is in a cycle or below one: going up ends in it.
        let Some(mut at) = (0..self.roles.len()).find(|at| missing[*at] > 0) else {
            return Ok(());
        };
        let mut passed = HashSet::new();
        while passed.insert(at) {
            at = parents_of(at)
                .find(|parent| missing[*parent] > 0)
                .unwrap_or(at);
        }
        Err(PolicyFault::Cycle(self.roles[at].name.clone()))
    }
}
