//! Roles, grants and permissions that nobody uses.

use std::sync::Arc;

use chrono::TimeDelta;
use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::operation;
use crate::accounts::policy_changes::{Idle, PolicyChanges};
use crate::api::Tag;
use crate::api::edge::operation::{Operation, QueryParameter, Values};
use crate::api::failure::{Failure, status};
use crate::api::guard::{Require, RolesRead};
use crate::api::time::Time;
use crate::rbac::Permission;
use catalogue::endpoints;

/// The use of roles.
pub struct RoleUsageApi(pub Arc<PolicyChanges>);

/// The record of its operation.
pub const OPERATIONS: &[Operation] =
    &[
        operation(endpoints::READ_ROLE_USAGE, Permission::RolesRead).query(&[QueryParameter {
            name: "idle_days",
            values: Values::Numbers(0, 3650),
        }]),
    ];

/// A role that led to nothing.
#[derive(Debug, Object)]
struct IdleRole {
    /// Its name.
    role: String,
    /// When it last led to a grant that allowed something, to the hour. Absent: never.
    #[oai(skip_serializing_if_is_none)]
    last_used_at: Option<Time>,
}

/// A grant that allowed nothing.
#[derive(Debug, Object)]
struct IdleGrant {
    /// The role that has it by itself.
    role: String,
    /// The permission, or `resource:*`.
    permission: String,
    /// Its condition. Absent: none.
    #[oai(skip_serializing_if_is_none)]
    condition: Option<String>,
    /// When it last allowed something, to the hour. Absent: never.
    #[oai(skip_serializing_if_is_none)]
    last_used_at: Option<Time>,
}

/// What was not used for a while.
#[derive(Debug, Object)]
struct RoleUsage {
    /// Since when use is noted. What was not used since then may have been before. Absent: nothing was used
    /// yet.
    #[oai(skip_serializing_if_is_none)]
    since: Option<Time>,
    /// Roles that led to no grant that allowed anything.
    idle_roles: Vec<IdleRole>,
    /// Grants that allowed nothing.
    idle_grants: Vec<IdleGrant>,
    /// Permissions that were never used.
    unused_permissions: Vec<String>,
    /// Whether a list has more entries than the thousand that are shown.
    truncated: bool,
}

#[derive(ApiResponse)]
enum Used {
    /// What was not used.
    #[oai(status = 200)]
    Ok(Json<RoleUsage>),
}

#[OpenApi(tag = "Tag::Policy")]
impl RoleUsageApi {
    /// List what nobody uses
    ///
    /// Lists roles and grants that have allowed nothing for so many days, and permissions that were never
    /// used: evidence for taking them away. Use is noted by every replica and stored within ten seconds.
    #[oai(
        path = "/admin/roles/usage",
        method = "get",
        operation_id = "readRoleUsage"
    )]
    async fn read(
        &self,
        _auth: Require<RolesRead>,
        /// How many days without use make a role or a grant idle.
        #[oai(
            default = "default_days",
            validator(minimum(value = "0"), maximum(value = "3650"))
        )]
        idle_days: Query<u32>,
    ) -> Result<Used, Failure<{ status::BAD_REQUEST }>> {
        let time = TimeDelta::days(i64::from(idle_days.0));
        Ok(Used::Ok(Json(self.0.idle(time).await?.into())))
    }
}

const fn default_days() -> u32 {
    90
}

impl From<Idle> for RoleUsage {
    fn from(idle: Idle) -> Self {
        let roles = idle.roles.into_iter().map(|(role, used)| IdleRole {
            role,
            last_used_at: used.map(Time::from),
        });
        let grants = idle
            .grants
            .into_iter()
            .map(|(role, grant, used)| IdleGrant {
                role,
                permission: grant.permission,
                condition: grant.condition.map(|condition| condition.to_string()),
                last_used_at: used.map(Time::from),
            });
        Self {
            since: idle.since.map(Time::from),
            idle_roles: roles.collect(),
            idle_grants: grants.collect(),
            unused_permissions: idle.permissions,
            truncated: idle.truncated,
        }
    }
}
