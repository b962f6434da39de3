//! Administrators end the sessions of accounts.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use uuid::Uuid;

use super::operation;
use crate::api::Tag;
use crate::api::edge::operation::Operation;
use crate::api::failure::{Failure, status};
use crate::api::guard::{Require, SessionsRevoke};
use crate::api::views::Done;
use crate::rbac::Permission;
use crate::sessions::Sessions;
use catalogue::endpoints;

/// Sessions of accounts.
pub struct AdminSessionsApi(pub Arc<Sessions>);

/// The record of its operation.
pub const OPERATIONS: &[Operation] = &[operation(
    endpoints::END_USER_SESSIONS,
    Permission::SessionsRevoke,
)];

#[OpenApi(tag = "Tag::Administration")]
impl AdminSessionsApi {
    /// End an account's sessions
    ///
    /// Ends all sessions of the account at once. The owner must log in again on every device.
    #[oai(
        path = "/admin/users/:id/sessions",
        method = "delete",
        operation_id = "endUserSessions"
    )]
    async fn end_sessions(
        &self,
        auth: Require<SessionsRevoke>,
        /// The account's id.
        id: Path<Uuid>,
    ) -> Result<Done, Failure<{ status::BAD_ID | status::FORBIDDEN }>> {
        self.0.end_all_as_admin(&auth.caller.account, id.0).await?;
        Ok(Done::NoContent)
    }
}
