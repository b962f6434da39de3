//! Nobody grants what they do not hold: what a change of the policy adds to roles must be within the
//! permissions of the account that makes it.

use std::collections::{HashMap, HashSet};

use crate::accounts::Actor;
use crate::error::Result;
use crate::metrics::Escalation;
use crate::policies::Live;
use crate::rbac::{Permission, Role};
use crate::sessions::escalation;

/// Checks what `after` adds to the roles of `before`, at a time in microseconds since 1970.
///
/// # Errors
/// [`crate::error::Error::Escalation`].
pub(super) fn check(actor: Actor<'_>, before: &Live, after: &Live, now: i64) -> Result<()> {
    let actor = match actor {
        Actor::Operator => return Ok(()),
        // Neither reaches this; a stranger holds nothing.
        Actor::Stranger => {
            return Err(crate::error::Error::Forbidden(
                Permission::RolesWrite.name(),
            ));
        }
        Actor::Owner(account) | Actor::Admin(account) => account,
    };
    let own = actor.power_by(before, now);
    if own.authority.allows(Permission::RolesAssignAny) {
        return Ok(());
    }
    let registered = new_resources(before, after);
    let known = before.policy.roles.iter();
    let known: HashMap<&str, &Role> = known.map(|role| (role.name.as_str(), role)).collect();
    for role in &after.policy.roles {
        let same = known.get(role.name.as_str()).copied();
        let widened = wildcards(role).any(|resource| registered.contains(resource));
        if same == Some(role) && !widened {
            continue;
        }
        let held: HashSet<_> = before
            .snapshot
            .effective(&role.name)
            .into_iter()
            .map(|(permission, condition)| (permission, condition.map(ToString::to_string)))
            .collect();
        for (permission, condition) in after.snapshot.effective(&role.name) {
            if held.contains(&(permission, condition.map(ToString::to_string)))
                || held.contains(&(permission, None))
            {
                continue;
            }
            let (authority, own) = (&own.authority, &own.held);
            let snapshot = &before.snapshot;
            if !snapshot.holds_everywhere(authority, own, permission, condition) {
                let attempt = if same == Some(role) {
                    Escalation::RegisterPermission
                } else {
                    Escalation::ChangeRole
                };
                return Err(escalation(actor, attempt, permission));
            }
        }
    }
    Ok(())
}

/// The resources of permissions that are new.
fn new_resources<'a>(before: &Live, after: &'a Live) -> HashSet<&'a str> {
    let names = after.permissions.keys();
    names
        .filter(|name| !before.permissions.contains_key(*name))
        .filter_map(|name| Some(name.split_once(':')?.0))
        .collect()
}

/// The resources of which a role grants every permission by itself.
fn wildcards(role: &Role) -> impl Iterator<Item = &str> {
    role.grants.iter().filter_map(|grant| grant.wildcard())
}
