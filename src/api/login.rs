//! Login, refresh, logout.

use poem::Request;
use poem::http::header;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use serde::Deserialize;

use super::Tag;
use super::body::Body;
use super::device_cookie::DeviceCookie;
use super::edge::operation::{Access, BodyPolicy, Operation, RateLimit};
use super::edge::rate_limits::source_of;
use super::failure::{Failure, OAuthFailure, status};
use super::fields::{SecretText, present};
use super::guard::{self, AnyScope, Require};
use super::oauth::{Form, Issued, LoginForm, LoginIssued, Tokens, refusal};
use super::problem::Problem;
use super::views::Done;
use crate::auth::login::{self, Attempt, LoggedIn};
use crate::auth::{Login, Logout as LogoutFlow, Refresh as RefreshFlow, RefreshingClient};
use crate::metrics::{CanaryStep, Limiter};
use crate::rbac::{Permission, Scope};
use catalogue::endpoints;

/// Login, refresh and logout.
pub struct LoginApi {
    /// Login.
    pub login: Login,
    /// Refresh.
    pub refresh: RefreshFlow,
    /// Logout.
    pub logout: LogoutFlow,
    /// The cookie of devices that have logged in.
    pub device_cookie: DeviceCookie,
}

/// The records of its operations.
pub const OPERATIONS: &[Operation] = &[
    Operation::new(endpoints::LOGIN, Access::Public)
        .body(BodyPolicy::LENIENT)
        .rate_limit(RateLimit::BySource(Limiter::Login))
        .oauth_errors()
        .stops_with_client()
        .probed(CanaryStep::Login),
    Operation::new(endpoints::REFRESH, Access::Public)
        .body(BodyPolicy::STRICT)
        .rate_limit(RateLimit::BySource(Limiter::Refresh))
        .oauth_errors()
        .probed(CanaryStep::Refresh),
    Operation::new(endpoints::LOGOUT, Access::AnyScope)
        .body(BodyPolicy::STRICT)
        .probed(CanaryStep::Logout),
];

/// A refresh.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refresh {
    /// The refresh token from the last login or refresh.
    refresh_token: SecretText,
    /// Permissions, separated by spaces. Limits the session to those that it already has, permanently.
    #[serde(default, deserialize_with = "present")]
    scope: Option<String>,
}

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

/// The requested scope. Default: all permissions.
fn asked(scope: Option<&str>) -> Result<Scope, Problem> {
    let Some(text) = scope else {
        return Ok(Scope::EVERYTHING);
    };
    Scope::parse(text).ok_or_else(|| {
        let rule = "scope must be names of printable ASCII characters, separated by single spaces";
        refusal("invalid_scope", rule)
    })
}

#[OpenApi(tag = "Tag::Authentication")]
impl LoginApi {
    /// Log in
    ///
    /// The OAuth 2.0 password grant, for first-party clients only. An unknown username, a wrong
    /// password and a disabled account all get `invalid_grant`, after the same amount of work.
    ///
    /// A login sets the device cookie: `rbac-sentinel-device`, or `__Host-rbac-sentinel-device` if
    /// `PUBLIC_URL` is https. The cookie does not authenticate anybody. A client that sends it with
    /// later logins to the same account is exempt from the rate limit for unknown devices.
    #[oai(path = "/login", method = "post", operation_id = "login")]
    async fn login(&self, request: &Request, form: Form) -> Result<LoginIssued, OAuthFailure> {
        let LoginForm {
            grant_type,
            username,
            password,
            scope,
            ..
        } = form.0;
        if grant_type.is_some_and(|grant| grant != "password") {
            login::malformed();
            return Err(refusal(
                "unsupported_grant_type",
                "the only supported grant type is `password`",
            )
            .into());
        }
        let scope = asked(scope.as_deref()).inspect_err(|_| login::malformed())?;
        let source = source_of(request)?;
        let attempt = Attempt {
            source: &source,
            name: &username,
            password: password.into_password(),
            user_agent: request.header(header::USER_AGENT).unwrap_or_default(),
            device: self.device_cookie.of(request),
            scope,
        };
        let login = self.login.login(attempt).await?;
        let LoggedIn { pair, device } =
            login.ok_or_else(|| refusal("invalid_grant", "wrong username or password"))?;
        let tokens = Json(Tokens::new(pair));
        Ok(LoginIssued::Ok(tokens, self.device_cookie.set(&device)))
    }

    /// Refresh
    ///
    /// Exchanges a refresh token for a new pair of tokens. Each refresh token is used once. A client
    /// that did not receive the response repeats the request: until one of the new tokens is used, the
    /// previous refresh token returns the same new refresh token. Within a few seconds this works once
    /// even if the new access token was used, because two tabs may refresh at the same time. Reuse of
    /// any other token ends the session.
    #[oai(path = "/refresh", method = "post", operation_id = "refresh")]
    async fn refresh(
        &self,
        request: &Request,
        body: Body<Refresh>,
    ) -> Result<Issued, OAuthFailure> {
        let source = source_of(request)?;
        let Refresh {
            refresh_token: token,
            scope,
        } = body.0;
        let scope = asked(scope.as_deref().filter(|scope| !scope.is_empty()))?;
        let client = RefreshingClient {
            source: &source,
            user_agent: request.header(header::USER_AGENT).unwrap_or_default(),
        };
        let pair = self.refresh.refresh(client, token.expose(), scope).await?;
        let pair = pair.ok_or_else(|| {
            refusal(
                "invalid_grant",
                "the refresh token is invalid, expired or revoked",
            )
        })?;
        Ok(Issued::Ok(Json(Tokens::new(pair))))
    }

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
        self.logout.logout(&auth.caller, token, all).await?;
        Ok(Done::NoContent)
    }
}
