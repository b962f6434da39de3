//! Roles of accounts: assigned and revoked by administrators, and the permissions that follow.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};
use uuid::Uuid;

use super::operation;
use crate::accounts::{Accounts, Actor};
use crate::api::Tag;
use crate::api::edge::operation::{Operation, QueryParameter, Values};
use crate::api::failure::{Failure, status};
use crate::api::guard::{Require, RolesAssign, RolesRead};
use crate::api::permission_views::{Permissions, Reaching};
use crate::api::problem::Problem;
use crate::api::time::Time;
use crate::api::views::Done;
use crate::rbac::{Assignment, Permission, Reach};
use catalogue::endpoints;

/// Roles of accounts.
pub struct AssignmentsApi(pub Arc<Accounts>);

/// The longest type and id of a resource.
const LONGEST_TYPE: usize = 63;
const LONGEST_ID: usize = 256;

const RESOURCE: [QueryParameter; 2] = [
    QueryParameter {
        name: "resource_type",
        values: Values::Texts(1, LONGEST_TYPE),
    },
    QueryParameter {
        name: "resource_id",
        values: Values::Texts(1, LONGEST_ID),
    },
];

const RESOURCE_AND_END: [QueryParameter; 3] = [
    RESOURCE[0],
    RESOURCE[1],
    QueryParameter {
        name: "expires_at",
        values: Values::Texts(20, 35),
    },
];

/// The records of its operations.
pub const OPERATIONS: &[Operation] = &[
    operation(endpoints::LIST_USER_ROLES, Permission::RolesRead),
    operation(endpoints::LIST_USER_PERMISSIONS, Permission::RolesRead),
    operation(endpoints::GRANT_ROLE, Permission::RolesAssign).query(&RESOURCE_AND_END),
    operation(endpoints::REVOKE_ROLE, Permission::RolesAssign).query(&RESOURCE),
];

/// A role that an account was given.
#[derive(Debug, Object)]
struct AssignedRole {
    /// The role's name.
    role: String,
    /// Where it holds. Absent: for every resource.
    #[oai(skip_serializing_if_is_none)]
    resource: Option<Reaching>,
    /// The assignment ends then, to the second. Absent: never.
    #[oai(skip_serializing_if_is_none)]
    expires_at: Option<Time>,
}

/// The roles of an account.
#[derive(Debug, Object)]
struct AssignedRoles {
    /// The assignments that hold now, in the order of roles.
    items: Vec<AssignedRole>,
}

#[derive(ApiResponse)]
enum Assigned {
    /// The assignments.
    #[oai(status = 200)]
    Ok(Json<AssignedRoles>),
}

#[derive(ApiResponse)]
enum Held {
    /// The permissions.
    #[oai(status = 200)]
    Ok(Json<Permissions>),
}

#[OpenApi(tag = "Tag::Policy")]
impl AssignmentsApi {
    /// List the roles of an account
    ///
    /// Lists the assignments that hold now, with their end and where they hold.
    #[oai(
        path = "/admin/users/:id/roles",
        method = "get",
        operation_id = "listUserRoles"
    )]
    async fn list(
        &self,
        _auth: Require<RolesRead>,
        /// The account's id.
        id: Path<Uuid>,
    ) -> Result<Assigned, Failure<{ status::BAD_ID }>> {
        let mut items = self.0.assignments(id.0).await?;
        items.sort_unstable();
        let items = items.into_iter().map(|given| AssignedRole {
            resource: Reaching::of(&given.reach),
            expires_at: given
                .expires_at
                .and_then(DateTime::from_timestamp_micros)
                .map(Time::from),
            role: given.role,
        });
        Ok(Assigned::Ok(Json(AssignedRoles {
            items: items.collect(),
        })))
    }

    /// List the permissions of an account
    ///
    /// Lists what the account may do, each permission with the way on which the account comes to it.
    #[oai(
        path = "/admin/users/:id/permissions",
        method = "get",
        operation_id = "listUserPermissions"
    )]
    async fn permissions(
        &self,
        _auth: Require<RolesRead>,
        /// The account's id.
        id: Path<Uuid>,
    ) -> Result<Held, Failure<{ status::BAD_ID }>> {
        let user = self.0.user(id.0).await?;
        Ok(Held::Ok(Json(Permissions::of(
            self.0.permissions_of(&user),
        ))))
    }

    /// Grant a role
    ///
    /// Takes effect with the account's next request. Granting a role that the account holds is not an
    /// error. With `resource_type`, the role holds for resources of that type only; with `resource_id`, too,
    /// for that one. With `expires_at` it ends then. You need the permissions that the role gives, or
    /// `roles:assign_any`.
    #[oai(
        path = "/admin/users/:id/roles/:role",
        method = "put",
        operation_id = "grantRole"
    )]
    async fn grant(
        &self,
        auth: Require<RolesAssign>,
        /// The account's id.
        id: Path<Uuid>,
        /// The role's name.
        role: Path<String>,
        /// The type of the resources for which it holds. Absent: everywhere.
        #[oai(validator(min_length = 1, max_length = 63))]
        resource_type: Query<Option<String>>,
        /// The resource of that type for which it holds. Absent: all.
        #[oai(validator(min_length = 1, max_length = 256))]
        resource_id: Query<Option<String>>,
        /// When it ends, as an RFC 3339 time. Absent: never.
        #[oai(validator(min_length = 20, max_length = 35))]
        expires_at: Query<Option<String>>,
    ) -> Result<
        Done,
        Failure<{ status::BAD_ID | status::FORBIDDEN | status::CONFLICT | status::UNPROCESSABLE }>,
    > {
        let given = Assignment {
            role: role.0,
            reach: reach(resource_type.0, resource_id.0)?.unwrap_or_default(),
            expires_at: expires_at.0.as_deref().map(end).transpose()?,
        };
        self.0
            .assign_role(Actor::Admin(&auth.caller.account), id.0, &given)
            .await?;
        Ok(Done::NoContent)
    }

    /// Revoke a role
    ///
    /// Takes effect with the account's next request. Revoking a role that the account does not hold is
    /// not an error. Without `resource_type`, every assignment of the role ends; with it, the one for that
    /// type or resource. `admin` cannot be revoked from the last administrator.
    #[oai(
        path = "/admin/users/:id/roles/:role",
        method = "delete",
        operation_id = "revokeRole"
    )]
    async fn revoke(
        &self,
        auth: Require<RolesAssign>,
        /// The account's id.
        id: Path<Uuid>,
        /// The role's name.
        role: Path<String>,
        /// The type of the resources for which it holds.
        #[oai(validator(min_length = 1, max_length = 63))]
        resource_type: Query<Option<String>>,
        /// The resource of that type for which it holds.
        #[oai(validator(min_length = 1, max_length = 256))]
        resource_id: Query<Option<String>>,
    ) -> Result<Done, Failure<{ status::BAD_ID | status::FORBIDDEN | status::CONFLICT }>> {
        let reach = reach(resource_type.0, resource_id.0)?;
        let actor = Actor::Admin(&auth.caller.account);
        self.0
            .revoke_role(actor, id.0, &role.0, reach.as_ref())
            .await?;
        Ok(Done::NoContent)
    }
}

/// Where an assignment holds; `None` if the request does not say.
fn reach(kind: Option<String>, id: Option<String>) -> Result<Option<Reach>, Problem> {
    let sound = |text: &str| !text.contains(char::is_control);
    let rule = "must have no control characters";
    match (kind, id) {
        (None, None) => Ok(None),
        (None, Some(_)) => {
            Err(Problem::malformed().field("resource_type", "is missing beside resource_id"))
        }
        (Some(kind), _) if !sound(&kind) => Err(Problem::malformed().field("resource_type", rule)),
        (_, Some(id)) if !sound(&id) => Err(Problem::malformed().field("resource_id", rule)),
        (Some(kind), id) => Ok(Some(Reach::of(&kind, &id.unwrap_or_default()))),
    }
}

/// The end of an assignment, in microseconds since 1970.
fn end(text: &str) -> Result<i64, Problem> {
    let time = DateTime::parse_from_rfc3339(text).map_err(|_| {
        Problem::malformed().field("expires_at", "must be a time such as 2030-01-31T12:00:00Z")
    })?;
    Ok(time.with_timezone(&Utc).timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reach_needs_a_type_for_its_id() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(reach(None, None).expect("sound"), None);
        let kind = reach(some("record"), None).expect("sound");
        assert_eq!(kind, Some(Reach::Type("record".to_owned())));
        let one = reach(some("record"), some("a/b c")).expect("sound");
        assert_eq!(one.expect("one").parts(), ("record", "a/b c"));
        for (kind, id, field) in [
            (None, some("1"), "resource_type"),
            (some("a\0"), None, "resource_type"),
            (some("a"), some("1\n"), "resource_id"),
        ] {
            let problem = reach(kind, id).expect_err("refused");
            assert_eq!(problem.more.errors[0].field, field);
        }
    }

    #[test]
    fn end_is_a_time_with_its_zone() {
        assert_eq!(end("1970-01-01T01:00:00+01:00").expect("a time"), 0);
        assert_eq!(end("1970-01-01T00:00:00.5Z").expect("a time"), 500_000);
        for broken in ["2030-01-31 12:00", "2030-01-31T12:00:00", "tomorrow", ""] {
            assert!(end(broken).is_err(), "{broken}");
        }
    }
}
