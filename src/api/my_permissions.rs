//! The permissions of one's own account.

use std::sync::Arc;

use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use super::Tag;
use super::edge::operation::{Access, Operation, RateLimit};
use super::guard::{Authenticated, Require};
use super::permission_views::Permissions;
use crate::accounts::Accounts;
use crate::metrics::Limiter;
use crate::rbac::Permission;
use catalogue::endpoints;

/// The permissions of one's own account.
pub struct MyPermissionsApi(pub Arc<Accounts>);

/// The record of its operation.
pub const OPERATIONS: &[Operation] = &[Operation::new(
    endpoints::LIST_MY_PERMISSIONS,
    Access::Needs(Permission::Authenticated),
)
.rate_limit(RateLimit::ByAccount(Limiter::Sessions))];

#[derive(ApiResponse)]
enum Held {
    /// The permissions.
    #[oai(status = 200)]
    Ok(Json<Permissions>),
}

#[expect(
    clippy::unused_async,
    reason = "the framework wants every operation to be async"
)]
#[OpenApi(tag = "Tag::Account")]
impl MyPermissionsApi {
    /// List your permissions
    ///
    /// Lists what you may do with this token, each permission with the way on which you come to it.
    #[oai(
        path = "/users/me/permissions",
        method = "get",
        operation_id = "listMyPermissions"
    )]
    async fn list(&self, auth: Require<Authenticated>) -> Held {
        let held = self.0.own_permissions(&auth.caller);
        Held::Ok(Json(Permissions::of(held)))
    }
}
