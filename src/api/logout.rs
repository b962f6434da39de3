//! Logout.

use poem::Request;
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde::Deserialize;

use super::Tag;
use super::body::Body;
use super::edge::operation::{Access, BodyPolicy, Operation, RateLimit};
use super::failure::{Failure, status};
use super::fields::{SecretText, present};
use super::guard::{self, AnyScope, Require};
use super::refresh_cookie::RefreshCookie;
use crate::auth::Logout as LogoutFlow;
use crate::metrics::{CanaryStep, Limiter};
use crate::rbac::Permission;
use catalogue::endpoints;

/// Logout.
pub struct LogoutApi {
    /// The flow.
    pub logout: LogoutFlow,
    /// The cookie of refresh tokens.
    pub refresh_cookie: RefreshCookie,
}

/// The record of its operation.
pub const OPERATIONS: &[Operation] = &[Operation::new(endpoints::LOGOUT, Access::AnyScope)
    .body(BodyPolicy::STRICT)
    .rate_limit(RateLimit::ByAccount(Limiter::Revoke))
    .refresh_cookie()
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

#[derive(ApiResponse)]
enum LoggedOut {
    /// Done.
    #[oai(status = 204)]
    NoContent(
        /// Removes the cookie of the refresh token, with `Refresh-Token-In: cookie`.
        #[oai(header = "Set-Cookie")]
        Option<String>,
    ),
}

#[OpenApi(tag = "Tag::Authentication")]
impl LogoutApi {
    /// Log out
    ///
    /// Ends the session of the access token: its access and refresh tokens are invalid from then on.
    /// `refresh_token`, or the one in the cookie, also ends the session of that token. `all` ends every session of the account and
    /// needs the permission `authenticated`.
    #[oai(path = "/logout", method = "post", operation_id = "logout")]
    async fn logout(
        &self,
        auth: Require<AnyScope>,
        request: &Request,
        body: Body<Logout, false>,
    ) -> Result<LoggedOut, Failure<{ status::BAD_REQUEST | status::FORBIDDEN }>> {
        let Logout { refresh_token, all } = body.0;
        let presented = self.refresh_cookie.presented(request, refresh_token);
        let (refresh_token, place) = presented?;
        let all = all.unwrap_or(false);
        if all {
            guard::check(&auth.caller, Permission::Authenticated)?;
        }
        let token = refresh_token.as_ref().map(SecretText::expose);
        self.logout.logout(&auth.caller, token, all).await?;
        Ok(LoggedOut::NoContent(RefreshCookie::removed_from(place)))
    }
}
