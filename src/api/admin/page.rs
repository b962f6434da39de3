//! The administrators' page.

use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};

use crate::api::Tag;
use crate::api::edge::operation::{Access, Operation};
use crate::api::guard::{AdminAccess, Require};
use crate::rbac::Permission;
use catalogue::endpoints;

/// The administrators' page.
pub struct AdminPageApi;

/// The record of its operation.
pub const OPERATIONS: &[Operation] = &[Operation::new(
    endpoints::ADMIN_ONLY,
    Access::Needs(Permission::AdminAccess),
)];

/// A greeting.
#[derive(Debug, Object)]
struct Greeting {
    /// The greeting.
    message: String,
}

#[derive(ApiResponse)]
enum Page {
    /// A greeting.
    #[oai(status = 200)]
    Ok(Json<Greeting>),
}

#[expect(
    clippy::unused_async,
    reason = "the framework wants every operation to be async"
)]
#[OpenApi(tag = "Tag::Administration")]
impl AdminPageApi {
    /// Read the administrators' page
    ///
    /// Greets administrators. Other callers get 403.
    #[oai(path = "/admin-only", method = "get", operation_id = "adminOnly")]
    async fn admin_only(&self, auth: Require<AdminAccess>) -> Page {
        let message = format!("Hello, Admin {}", auth.caller.account.user.username);
        Page::Ok(Json(Greeting { message }))
    }
}
