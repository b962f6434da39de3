//! What nobody uses: roles, grants and permissions, from evidence.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::PolicyChanges;
use crate::error::Result;
use crate::rbac::{Grant, UsedGrant};
use crate::store::StoredUsage;

/// Most entries of each list.
const MOST: usize = 1000;

/// What was not used for a while.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Idle {
    /// Since when use is noted; `None` if nothing was used yet.
    pub since: Option<DateTime<Utc>>,
    /// Roles that led to no grant that allowed anything, each with its last use, if there was one.
    pub roles: Vec<(String, Option<DateTime<Utc>>)>,
    /// Grants that allowed nothing: the role, the grant, and its last use, if there was one.
    pub grants: Vec<(String, Grant, Option<DateTime<Utc>>)>,
    /// Permissions that were never used.
    pub permissions: Vec<String>,
    /// Whether a list is not whole.
    pub truncated: bool,
}

impl PolicyChanges {
    /// What was not used for this long.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn idle(&self, time: TimeDelta) -> Result<Idle> {
        let usage = self.store.usage().await?;
        let before = self.clock.now() - time;
        let live = self.policies.kept();
        let is_idle = |used: &Option<DateTime<Utc>>| used.is_none_or(|used| used < before);
        let mut idle = Idle {
            since: usage.since,
            ..Idle::default()
        };
        for role in &live.policy.roles {
            let used = usage.roles.get(&role.name).copied();
            if is_idle(&used) {
                idle.roles.push((role.name.clone(), used));
            }
            for grant in &role.grants {
                let used = last_use(&usage, &role.name, grant);
                if is_idle(&used) {
                    idle.grants.push((role.name.clone(), grant.clone(), used));
                }
            }
        }
        let used: BTreeSet<&str> = usage
            .grants
            .keys()
            .map(|grant| grant.permission.as_str())
            .collect();
        let never = live.policy.permissions.iter();
        let never = never.filter(|permission| !used.contains(permission.as_str()));
        idle.permissions = never.cloned().collect();
        idle.permissions.sort_unstable();
        idle.truncated = [idle.roles.len(), idle.grants.len(), idle.permissions.len()]
            .iter()
            .any(|length| *length > MOST);
        idle.roles.truncate(MOST);
        idle.grants.truncate(MOST);
        idle.permissions.truncate(MOST);
        Ok(idle)
    }
}

/// When a grant last allowed something: a wildcard, when any of its permissions did.
fn last_use(usage: &StoredUsage, role: &str, grant: &Grant) -> Option<DateTime<Utc>> {
    let condition = grant.condition.as_ref();
    let condition = condition.map(ToString::to_string).unwrap_or_default();
    let of = |permission: String| UsedGrant {
        role: role.to_owned(),
        permission,
        condition: condition.clone(),
    };
    let Some(resource) = grant.wildcard() else {
        return usage.grants.get(&of(grant.permission.clone())).copied();
    };
    // The names of a resource's permissions stand together; `;` follows the colon.
    let names = of(format!("{resource}:"))..of(format!("{resource};"));
    let found = usage.grants.range(names);
    let found = found.filter(|(used, _)| used.condition == condition);
    found.map(|(_, at)| *at).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rbac::condition::Condition;

    #[test]
    fn last_use_of_a_wildcard_is_that_of_any_of_its_permissions() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).expect("a time");
        let used = |role: &str, permission: &str, condition: &str| UsedGrant {
            role: role.to_owned(),
            permission: permission.to_owned(),
            condition: condition.to_owned(),
        };
        let condition = "subject.id == resource.id";
        let usage = StoredUsage {
            grants: [
                (used("author", "posts:read", ""), at(1)),
                (used("author", "posts:write", ""), at(2)),
                (used("author", "posts:write", condition), at(3)),
                (used("author", "postscripts:read", ""), at(4)),
                (used("editor", "posts:read", ""), at(5)),
            ]
            .into(),
            ..StoredUsage::default()
        };
        let grant = |permission: &str, condition: Option<&str>| Grant {
            permission: permission.to_owned(),
            condition: condition.map(|text| Condition::parse(text).expect("a condition")),
        };
        for (role, grant, found) in [
            ("author", grant("posts:*", None), Some(at(2))),
            ("author", grant("posts:*", Some(condition)), Some(at(3))),
            ("author", grant("posts:read", None), Some(at(1))),
            ("author", grant("posts:read", Some(condition)), None),
            ("author", grant("post:*", None), None),
            ("editor", grant("posts:*", None), Some(at(5))),
            ("reader", grant("posts:*", None), None),
        ] {
            assert_eq!(last_use(&usage, role, &grant), found, "{role} {grant:?}");
        }
    }
}
