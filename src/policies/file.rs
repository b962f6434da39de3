//! The policy as a file, for those who keep it in version control.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::rbac::condition::Condition;
use crate::rbac::names::{is_permission_name, is_role_name};
use crate::rbac::{BuiltIn, EVERYONE};
use crate::store::{StoredGrant, StoredPolicy, StoredRole};

/// Stands between a permission and its condition.
pub const IF: &str = " if ";

/// A policy as it is written down. What belongs to the service is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// The permissions of other services by name, each with its description.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
    /// The roles by name.
    #[serde(default)]
    pub roles: BTreeMap<String, RoleEntry>,
    /// Sets of roles that exclude each other, by name.
    #[serde(default)]
    pub exclusive_roles: BTreeMap<String, ExclusiveEntry>,
}

/// A role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoleEntry {
    /// What it is for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The roles whose grants it has too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<String>,
    /// Its grants: `posts:read`, `posts:*`, or `posts:write if resource.properties.owner == subject.id`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<String>,
}

/// A set of roles that exclude each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExclusiveEntry {
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The roles.
    pub roles: Vec<String>,
}

impl PolicyFile {
    /// The policy in the form of the file.
    #[must_use]
    pub fn of(policy: &StoredPolicy) -> Self {
        let fixed = |name: &str| BuiltIn::parse(name).is_some();
        let own = policy.roles.iter().filter(|role| !fixed(&role.name));
        let mut roles: BTreeMap<String, RoleEntry> = own
            .map(|role| {
                let entry = RoleEntry {
                    description: if role.built_in {
                        String::new()
                    } else {
                        role.description.clone()
                    },
                    ..RoleEntry::default()
                };
                (role.name.clone(), entry)
            })
            .collect();
        for (role, parent) in &policy.parents {
            if let Some(entry) = roles.get_mut(role) {
                entry.parents.push(parent.clone());
            }
        }
        for grant in &policy.grants {
            if let Some(entry) = roles.get_mut(&grant.role) {
                entry.grants.push(grant_text(grant));
            }
        }
        let mut exclusive_roles: BTreeMap<String, ExclusiveEntry> = BTreeMap::new();
        for (name, description) in &policy.exclusions {
            let entry = exclusive_roles.entry(name.clone()).or_default();
            entry.description.clone_from(description);
        }
        for (name, role) in &policy.excluded {
            let entry = exclusive_roles.entry(name.clone()).or_default();
            entry.roles.push(role.clone());
        }
        Self {
            permissions: policy.permissions.iter().cloned().collect(),
            roles,
            exclusive_roles,
        }
        .sorted()
    }

    /// The same with lists in their order and without repetitions, so that only true differences count.
    fn sorted(mut self) -> Self {
        let sort = |list: &mut Vec<String>| {
            list.sort_unstable();
            list.dedup();
        };
        self.roles.entry(EVERYONE.to_owned()).or_default();
        for role in self.roles.values_mut() {
            sort(&mut role.parents);
            sort(&mut role.grants);
        }
        for set in self.exclusive_roles.values_mut() {
            sort(&mut set.roles);
        }
        self
    }

    /// Checks names and conditions, and writes conditions in their one spelling.
    ///
    /// # Errors
    /// [`Error::Invalid`] for the first fault.
    pub fn read(mut self) -> Result<Self> {
        for name in self.permissions.keys() {
            if !is_permission_name(name) {
                return Err(fault("permissions", name, "is no name of a permission"));
            }
        }
        for (name, role) in &mut self.roles {
            if !is_role_name(name) {
                return Err(fault("roles", name, "is no name of a role"));
            }
            if BuiltIn::parse(name).is_some() {
                return Err(fault("roles", name, "belongs to the service"));
            }
            for grant in &mut role.grants {
                let (permission, condition) = split(grant);
                let Some(condition) = condition else { continue };
                let read = Condition::parse(condition);
                let read = read.map_err(|why| fault("roles", name, &why.to_string()))?;
                *grant = format!("{permission}{IF}{read}");
            }
        }
        for name in self.exclusive_roles.keys() {
            if !is_role_name(name) {
                return Err(fault("exclusive_roles", name, "is no name of a set"));
            }
        }
        Ok(self.sorted())
    }

    /// The rows of the policy, beside what of the service is stored already.
    pub fn rows(&self, stored: &StoredPolicy) -> StoredPolicy {
        let mut roles: Vec<StoredRole> = stored.roles.clone();
        roles.retain(|role| role.built_in);
        if roles.iter().all(|role| role.name != EVERYONE) {
            roles.push(StoredRole {
                name: EVERYONE.to_owned(),
                description: String::new(),
                built_in: true,
            });
        }
        let mut policy = StoredPolicy {
            version: stored.version,
            permissions: self.permissions.clone().into_iter().collect(),
            entity_types: stored.entity_types.clone(),
            ..StoredPolicy::default()
        };
        for (name, role) in &self.roles {
            if name != EVERYONE {
                roles.push(StoredRole {
                    name: name.clone(),
                    description: role.description.clone(),
                    built_in: false,
                });
            }
            let parents = role.parents.iter();
            policy
                .parents
                .extend(parents.map(|parent| (name.clone(), parent.clone())));
            policy.grants.extend(role.grants.iter().map(|grant| {
                let (permission, condition) = split(grant);
                StoredGrant {
                    role: name.clone(),
                    permission: permission.to_owned(),
                    condition_text: condition.unwrap_or_default().to_owned(),
                }
            }));
        }
        for (name, set) in &self.exclusive_roles {
            policy
                .exclusions
                .push((name.clone(), set.description.clone()));
            let roles = set.roles.iter();
            policy
                .excluded
                .extend(roles.map(|role| (name.clone(), role.clone())));
        }
        roles.sort_unstable();
        policy.roles = roles;
        policy.grants.sort_unstable();
        policy
    }
}

/// A grant as one text.
fn grant_text(grant: &StoredGrant) -> String {
    if grant.condition_text.is_empty() {
        grant.permission.clone()
    } else {
        format!("{}{IF}{}", grant.permission, grant.condition_text)
    }
}

fn split(grant: &str) -> (&str, Option<&str>) {
    match grant.split_once(IF) {
        Some((permission, condition)) => (permission, Some(condition)),
        None => (grant, None),
    }
}

fn fault(field: &'static str, name: &str, rule: &str) -> Error {
    Error::Invalid {
        field,
        rule: format!("{name}: {rule}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<PolicyFile> {
        yaml_serde::from_str::<PolicyFile>(text)
            .expect("YAML of this form")
            .read()
    }

    #[test]
    fn file_is_stored_and_exported_as_it_was_written() {
        let written = file(
            "permissions:\n  posts:write: Write.\nroles:\n  author:\n    description: Writes.\n    grants:\n    \
             - posts:write if resource.properties.owner==subject.id\n    - posts:*\n  editor:\n    parents: \
             [author]\nexclusive_roles:\n  audit:\n    roles: [editor, admin]\n",
        )
        .expect("sound");
        let rows = written.rows(&StoredPolicy::default());
        assert_eq!(PolicyFile::of(&rows), written);
        let text = yaml_serde::to_string(&written).expect("YAML");
        assert_eq!(file(&text).expect("sound"), written);
        assert_eq!(
            written.roles["author"].grants,
            [
                "posts:*",
                "posts:write if resource.properties.owner == subject.id"
            ]
        );
    }

    #[test]
    fn fault_in_a_file_is_named() {
        for (text, said) in [
            (
                "permissions: {posts: ''}",
                "posts: is no name of a permission",
            ),
            ("roles: {Admin: {}}", "Admin: is no name of a role"),
            ("roles: {admin: {}}", "admin: belongs to the service"),
            (
                "exclusive_roles: {'': {roles: []}}",
                ": is no name of a set",
            ),
            ("roles: {a: {grants: ['b:c if d']}}", "a: "),
        ] {
            let error = file(text).expect_err("refused").to_string();
            assert!(error.contains(said), "{error}");
        }
        assert!(yaml_serde::from_str::<PolicyFile>("roles: {a: {grant: []}}").is_err());
    }
}
