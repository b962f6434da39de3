//! Roles, granted and revoked by administrators.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use uuid::Uuid;

use super::operation;
use crate::accounts::{Accounts, Actor};
use crate::api::Tag;
use crate::api::edge::operation::Operation;
use crate::api::failure::{Failure, status};
use crate::api::guard::{Require, RolesAssign};
use crate::api::views::Done;
use crate::rbac::Permission;
use catalogue::endpoints;

/// Roles of accounts.
pub struct AdminRolesApi(pub Arc<Accounts>);

/// The records of its operations.
pub const OPERATIONS: &[Operation] = &[
    operation(endpoints::GRANT_ROLE, Permission::RolesAssign),
    operation(endpoints::REVOKE_ROLE, Permission::RolesAssign),
];

#[OpenApi(tag = "Tag::Administration")]
impl AdminRolesApi {
    /// Grant a role
    ///
    /// Takes effect with the account's next request. Granting a role that the account holds is not an
    /// error.
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
    ) -> Result<Done, Failure<{ status::BAD_ID | status::CONFLICT }>> {
        self.0
            .grant_role(Actor::Admin(&auth.caller.account), id.0, &role.0)
            .await?;
        Ok(Done::NoContent)
    }

    /// Revoke a role
    ///
    /// Takes effect with the account's next request. Revoking a role that the account does not hold is
    /// not an error. `admin` cannot be revoked from the last administrator.
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
    ) -> Result<Done, Failure<{ status::BAD_ID | status::CONFLICT }>> {
        self.0
            .revoke_role(Actor::Admin(&auth.caller.account), id.0, &role.0)
            .await?;
        Ok(Done::NoContent)
    }
}
