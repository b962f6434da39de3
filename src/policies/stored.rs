//! Makes a policy of its rows.

use std::collections::BTreeMap;

use super::{EntityTypes, Exclusion, Live, RoleAbout};
use crate::rbac::condition::Condition;
use crate::rbac::{Grant, Policy, PolicyFault, Role, Snapshot};
use crate::store::StoredPolicy;

pub(super) fn live(stored: StoredPolicy) -> Result<Live, PolicyFault> {
    let mut roles = BTreeMap::new();
    let mut about = BTreeMap::new();
    for role in stored.roles {
        let empty = Role {
            name: role.name.clone(),
            ..Role::default()
        };
        roles.insert(role.name.clone(), empty);
        let known = RoleAbout {
            description: role.description,
            built_in: role.built_in,
        };
        about.insert(role.name, known);
    }
    let unknown = |role: &str| PolicyFault::Name(role.to_owned());
    for (role, parent) in stored.parents {
        let found = roles.get_mut(&role).ok_or_else(|| unknown(&role))?;
        found.parents.push(parent);
    }
    for grant in stored.grants {
        let role = roles.get_mut(&grant.role);
        let role = role.ok_or_else(|| unknown(&grant.role))?;
        role.grants.push(Grant {
            permission: grant.permission,
            condition: condition(&grant.condition_text)?,
        });
    }
    let exclusions = stored.exclusions.into_iter();
    let mut exclusions: BTreeMap<_, _> = exclusions
        .map(|(name, description)| {
            let roles = Vec::new();
            (name, Exclusion { description, roles })
        })
        .collect();
    for (name, role) in stored.excluded {
        exclusions.entry(name).or_default().roles.push(role);
    }
    let permissions: BTreeMap<_, _> = stored.permissions.into_iter().collect();
    let policy = Policy {
        permissions: permissions.keys().cloned().collect(),
        roles: roles.into_values().collect(),
    }
    .with_built_in();
    Ok(Live {
        snapshot: Snapshot::new(stored.version.unsigned_abs(), &policy)?,
        policy,
        roles: about,
        permissions,
        exclusions,
        entity_types: EntityTypes::new(stored.entity_types),
    })
}

/// The condition of a grant, which is stored as an empty text if there is none.
fn condition(text: &str) -> Result<Option<Condition>, PolicyFault> {
    if text.is_empty() {
        return Ok(None);
    }
    let read = Condition::parse(text);
    read.map(Some)
        .map_err(|_| PolicyFault::Condition(text.to_owned()))
}
