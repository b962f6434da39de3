//! Sets of roles that exclude each other.

use std::sync::Arc;

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde::Deserialize;

use super::operation;
use crate::accounts::Actor;
use crate::accounts::policy_changes::{ExclusionView, PolicyChanges};
use crate::api::Tag;
use crate::api::body::Body;
use crate::api::edge::operation::{BodyPolicy, Operation};
use crate::api::failure::{Failure, status};
use crate::api::fields::present;
use crate::api::guard::{Require, RolesRead, RolesWrite};
use crate::api::views::Done;
use crate::rbac::Permission;
use catalogue::endpoints;

/// Sets of roles that exclude each other.
pub struct ExclusiveRolesApi(pub Arc<PolicyChanges>);

/// The records of its operations.
pub const OPERATIONS: &[Operation] = &[
    operation(endpoints::LIST_EXCLUSIONS, Permission::RolesRead),
    operation(endpoints::PUT_EXCLUSION, Permission::RolesWrite).body(BodyPolicy::STRICT),
    operation(endpoints::DELETE_EXCLUSION, Permission::RolesWrite),
];

/// The new state of a set.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
struct PutExclusiveRoles {
    /// What it is for.
    #[oai(validator(max_length = 500))]
    #[serde(default, deserialize_with = "present")]
    description: Option<String>,
    /// Two roles or more.
    #[oai(validator(min_items = 2, max_items = 64))]
    roles: Vec<String>,
}

/// Roles of which an account has at most one, inherited ones included.
#[derive(Debug, Object)]
struct ExclusiveRoles {
    /// The set's name.
    name: String,
    /// What it is for.
    description: String,
    /// The roles, sorted by name.
    roles: Vec<String>,
}

impl From<ExclusionView> for ExclusiveRoles {
    fn from(set: ExclusionView) -> Self {
        Self {
            name: set.name,
            description: set.description,
            roles: set.roles,
        }
    }
}

/// Every set.
#[derive(Debug, Object)]
struct ExclusiveRolesList {
    /// The sets, sorted by name.
    items: Vec<ExclusiveRoles>,
}

#[derive(ApiResponse)]
enum Sets {
    /// The sets.
    #[oai(status = 200)]
    Ok(Json<ExclusiveRolesList>),
}

#[derive(ApiResponse)]
enum Stored {
    /// The set.
    #[oai(status = 200)]
    Ok(Json<ExclusiveRoles>),
    /// The set was created.
    #[oai(status = 201)]
    Created(Json<ExclusiveRoles>),
}

#[expect(
    clippy::unused_async,
    reason = "the framework wants every operation to be async"
)]
#[OpenApi(tag = "Tag::Policy")]
impl ExclusiveRolesApi {
    /// List sets of exclusive roles
    ///
    /// Lists the sets of roles of which an account has at most one.
    #[oai(
        path = "/admin/exclusive-roles",
        method = "get",
        operation_id = "listExclusiveRoles"
    )]
    async fn list(&self, _auth: Require<RolesRead>) -> Sets {
        let items = self.0.exclusions().into_iter().map(ExclusiveRoles::from);
        Sets::Ok(Json(ExclusiveRolesList {
            items: items.collect(),
        }))
    }

    /// Create or replace a set of exclusive roles
    ///
    /// From then on no account gets a second role of the set, inherited ones included. Refused while an
    /// account has two.
    #[oai(
        path = "/admin/exclusive-roles/:name",
        method = "put",
        operation_id = "putExclusiveRoles"
    )]
    async fn put(
        &self,
        auth: Require<RolesWrite>,
        /// The set's name.
        name: Path<String>,
        body: Body<PutExclusiveRoles>,
    ) -> Result<Stored, Failure<{ status::BAD_REQUEST | status::CONFLICT | status::UNPROCESSABLE }>>
    {
        let PutExclusiveRoles { description, roles } = body.0;
        let description = description.unwrap_or_default();
        let actor = Actor::Admin(&auth.caller.account);
        let put = self.0.put_exclusion(actor, &name.0, &description, roles);
        let (set, new) = put.await?;
        let set = Json(set.into());
        Ok(if new {
            Stored::Created(set)
        } else {
            Stored::Ok(set)
        })
    }

    /// Delete a set of exclusive roles
    ///
    /// Accounts may have several of its roles from then on.
    #[oai(
        path = "/admin/exclusive-roles/:name",
        method = "delete",
        operation_id = "deleteExclusiveRoles"
    )]
    async fn delete(
        &self,
        auth: Require<RolesWrite>,
        /// The set's name.
        name: Path<String>,
    ) -> Result<Done, Failure<{ status::BAD_ID }>> {
        let actor = Actor::Admin(&auth.caller.account);
        self.0.delete_exclusion(actor, &name.0).await?;
        Ok(Done::NoContent)
    }
}
