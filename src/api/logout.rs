//! Logout.

use poem_openapi::{Object, OpenApi};
use serde::Deserialize;

use super::Tag;
use super::body::Body;
use super::edge::operation::{Access, BodyPolicy, Operation};
use super::failure::{Failure, status};
use super::fields::{SecretText, present};
use super::guard::{self, AnyScope, Require};
use super::views::Done;
use crate::auth::Logout as LogoutFlow;
use crate::metrics::CanaryStep;
use crate::rbac::Permission;
use catalogue::endpoints;

/// Logout.
pub struct LogoutApi(pub LogoutFlow);

/// The record of its operation.
pub const OPERATIONS: &[Operation] = &[Operation::new(endpoints::LOGOUT, Access::AnyScope)
    .body(BodyPolicy::STRICT)
    .probed(CanaryStep::Logout)];

/// A logout.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
struct Logout {
    /// A refresh token whose session is also ended.
    #[serde(default, deserialize_with = "present")]
    refresh_token: Option<SecretText>,
    /// End every session of the account.
    #[serde(default, deserialize_with = "present")]
    all: Option<bool>,
}

#[OpenApi(tag = "Tag::Authentication")]
impl LogoutApi {
    /// Log out
    ///
    /// Ends the session of the access token: its access and refresh tokens are invalid from then on.
    /// `refresh_token` also ends the session of that token. `all` ends every session of the account and
    /// needs the permission `authenticated`.
    #[oai(path = "/logout", method = "post", operation_id = "logout")]
    async fn logout(
        &self,
        auth: Require<AnyScope>,
        body: Body<Logout, false>,
    ) -> Result<Done, Failure<{ status::FORBIDDEN }>> {
        let Logout { refresh_token, all } = body.0;
        let all = all.unwrap_or(false);
        if all {
            guard::check(&auth.caller, Permission::Authenticated)?;
        }
        let token = refresh_token.as_ref().map(SecretText::expose);
        self.0.logout(&auth.caller, token, all).await?;
        Ok(Done::NoContent)
    }
}
