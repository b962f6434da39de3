//! The token endpoint: the password grant and the refresh grant. `/login` and `/refresh` are the same
//! with the grant as the default.

use std::sync::Arc;

use poem::http::header;
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaRequest, Registry};
use poem_openapi::types::Type as _;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions, Object, OpenApi};
use serde::Deserialize;

use super::form::{FORM, Fields, Form, missing};
use super::{Issued, asked, refusal};
use crate::api::Tag;
use crate::api::body::{JSON, documented, expect_media_type, parse, read};
use crate::api::device_cookie::DeviceCookie;
use crate::api::edge::operation::{Access, BodyPolicy, Operation, RateLimit};
use crate::api::edge::rate_limits::source_of;
use crate::api::failure::OAuthFailure;
use crate::api::fields::{SecretText, present};
use crate::api::problem::{OAuthCode, Problem, ProblemKind};
use crate::api::refresh_cookie::RefreshCookie;
use crate::auth::login::{self, Attempt, LoggedIn};
use crate::auth::{Login, Refresh as RefreshFlow, RefreshingClient, refresh};
use crate::error::Error;
use crate::metrics::{CanaryStep, Limiter};
use crate::request_context::detached;
use catalogue::endpoints;

/// The token endpoint, in its three forms.
pub struct TokenApi {
    /// Login.
    pub login: Login,
    /// Refresh.
    pub refresh: Arc<RefreshFlow>,
    /// The cookie of devices that have logged in.
    pub device_cookie: DeviceCookie,
    /// The cookie of refresh tokens.
    pub refresh_cookie: RefreshCookie,
}

/// The records of its operations.
pub const OPERATIONS: &[Operation] = &[
    Operation::new(endpoints::TOKEN, Access::Public)
        .body(BodyPolicy::LENIENT)
        .any_query()
        .rate_limit(RateLimit::ByGrant)
        .oauth_errors()
        .refresh_cookie()
        .login_stops_with_client(),
    Operation::new(endpoints::LOGIN, Access::Public)
        .body(BodyPolicy::LENIENT)
        .any_query()
        .rate_limit(RateLimit::ByGrant)
        .oauth_errors()
        .refresh_cookie()
        .login_stops_with_client()
        .probed(CanaryStep::Login),
    Operation::new(endpoints::REFRESH, Access::Public)
        .body(BodyPolicy::STRICT)
        .rate_limit(RateLimit::BySource(Limiter::Refresh))
        .oauth_errors()
        .refresh_cookie()
        .probed(CanaryStep::Refresh),
];

/// The form of the token endpoint (RFC 6749 sections 4.3.2 and 6). Unknown fields are ignored, as the
/// standard requires.
#[derive(Object)]
struct TokenForm {
    /// `password`: a login. `refresh_token`: the next pair of tokens.
    grant_type: String,
    /// For `password`: username or e-mail address. Leading and trailing spaces are ignored.
    username: Option<String>,
    /// For `password`: the password.
    password: Option<SecretText>,
    /// For `refresh_token`: the refresh token from the last login or refresh.
    refresh_token: Option<SecretText>,
    /// Permissions, separated by spaces. A login limits the session to those that the account also
    /// holds; its default is all permissions of the account. A refresh limits the session to those that
    /// it already has, permanently. Unknown permissions are ignored; `scope` in the response lists what
    /// was granted.
    scope: Option<String>,
    /// Ignored: every client is public.
    client_id: Option<String>,
    /// Ignored: every client is public.
    client_secret: Option<SecretText>,
}

/// The form of `/login`: that of the token endpoint, with `password` as the default grant.
#[derive(Object)]
struct LoginForm {
    /// `password`, the default, or `refresh_token`.
    grant_type: Option<String>,
    /// Username or e-mail address. Leading and trailing spaces are ignored.
    username: Option<String>,
    /// The password.
    password: Option<SecretText>,
    /// For `refresh_token`: the refresh token from the last login or refresh.
    refresh_token: Option<SecretText>,
    /// Permissions, separated by spaces. Limits the session to those that the account also holds.
    /// Default: all permissions of the account. Unknown permissions and those that the account does not
    /// hold are ignored; `scope` in the response lists what was granted.
    scope: Option<String>,
    /// Ignored: every client is public.
    client_id: Option<String>,
    /// Ignored: every client is public.
    client_secret: Option<SecretText>,
}

/// The form of `/refresh`.
#[derive(Object)]
struct RefreshForm {
    /// `refresh_token`, the default.
    grant_type: Option<String>,
    /// The refresh token from the last login or refresh, unless it is in the cookie.
    refresh_token: Option<SecretText>,
    /// Permissions, separated by spaces. Limits the session to those that it already has, permanently.
    scope: Option<String>,
}

/// A refresh.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refresh {
    /// The refresh token from the last login or refresh, unless it is in the cookie.
    #[serde(default, deserialize_with = "present")]
    refresh_token: Option<SecretText>,
    /// Permissions, separated by spaces. Limits the session to those that it already has, permanently.
    #[serde(default, deserialize_with = "present")]
    scope: Option<String>,
}

/// The grants.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Grant {
    Password,
    Refresh,
}

impl Grant {
    /// The grant that a form names, or the default where it names none. Comes before every other check
    /// of the form: a client must learn that a grant is not supported whatever else it left out.
    fn of(fields: &mut Fields, default: Option<Self>) -> Result<Self, Problem> {
        match fields.text("grant_type")?.as_deref() {
            None => default.ok_or_else(|| missing("grant_type")),
            Some("password") => Ok(Self::Password),
            Some("refresh_token") => Ok(Self::Refresh),
            Some(_) => Err(refusal(
                OAuthCode::UnsupportedGrantType,
                "the supported grant types are `password` and `refresh_token`",
            )),
        }
    }
}

/// A login's parameters.
struct PasswordGrant {
    username: String,
    password: SecretText,
    scope: Option<String>,
}

impl PasswordGrant {
    fn of(mut fields: Fields) -> Result<Self, Problem> {
        expect_client(&mut fields)?;
        let username = fields.required("username")?;
        Ok(Self {
            // Phone keyboards add a space after a completed word.
            username: username.expose().trim().to_owned(),
            password: fields.required("password")?,
            scope: fields.text("scope")?,
        })
    }
}

impl Refresh {
    fn of(mut fields: Fields) -> Result<Self, Problem> {
        expect_client(&mut fields)?;
        Ok(Self {
            refresh_token: fields.take("refresh_token")?,
            scope: fields.text("scope")?,
        })
    }
}

/// Every client is public, so its id and secret are ignored, and may not be repeated either.
fn expect_client(fields: &mut Fields) -> Result<(), Problem> {
    fields.take("client_id")?;
    fields.take("client_secret")?;
    Ok(())
}

#[OpenApi(tag = "Tag::Authentication")]
impl TokenApi {
    /// Get tokens
    ///
    /// The token endpoint of OAuth 2.0, with two grants. `password` logs in: an unknown username, a
    /// wrong password and a disabled account all get `invalid_grant`, after the same amount of work.
    /// `refresh_token` exchanges a refresh token, once, for a new pair of tokens.
    ///
    /// For first-party clients only, which are public: client credentials, in the body or as HTTP
    /// Basic, are accepted and ignored. `/login` and `/refresh` do the same and have details.
    ///
    /// With the header `Refresh-Token-In: cookie`, if `ALLOW_COOKIES` is on, the refresh token is in the
    /// cookie `__Host-rbac-sentinel-refresh` and not in the body: for pages of `PUBLIC_URL` and of
    /// `CORS_ORIGINS`.
    #[oai(path = "/oauth/token", method = "post", operation_id = "token")]
    async fn token(
        &self,
        request: &Request,
        form: Form<TokenForm>,
    ) -> Result<Issued, OAuthFailure> {
        let mut fields = form.fields()?;
        match Grant::of(&mut fields, None)? {
            Grant::Password => self.log_in(request, fields).await,
            Grant::Refresh => self.exchange(request, Refresh::of(fields)?).await,
        }
    }

    /// Log in
    ///
    /// The OAuth 2.0 password grant, for first-party clients only. An unknown username, a wrong
    /// password and a disabled account all get `invalid_grant`, after the same amount of work.
    ///
    /// A login sets the device cookie: `rbac-sentinel-device`, or `__Host-rbac-sentinel-device` if
    /// `PUBLIC_URL` is https. The cookie does not authenticate anybody. A client that sends it with
    /// later logins to the same account is exempt from the rate limit for unknown devices.
    ///
    /// With `grant_type=refresh_token` it is the same as `/oauth/token`.
    #[oai(path = "/login", method = "post", operation_id = "login")]
    async fn login(
        &self,
        request: &Request,
        form: Form<LoginForm>,
    ) -> Result<Issued, OAuthFailure> {
        let grant = form.fields().and_then(|mut fields| {
            let grant = Grant::of(&mut fields, Some(Grant::Password))?;
            Ok((grant, fields))
        });
        match grant.inspect_err(|_| login::malformed())? {
            (Grant::Password, fields) => self.log_in(request, fields).await,
            (Grant::Refresh, fields) => self.exchange(request, Refresh::of(fields)?).await,
        }
    }

    /// Refresh
    ///
    /// Exchanges a refresh token for a new pair of tokens. Each refresh token is used once. A client
    /// that did not receive the response repeats the request: until one of the new tokens is used, the
    /// previous refresh token returns the same new refresh token. Within a few seconds this works once
    /// even if the new access token was used, because two tabs may refresh at the same time. Reuse of
    /// any other token ends the session.
    #[oai(path = "/refresh", method = "post", operation_id = "refresh")]
    async fn refresh(&self, request: &Request, body: RefreshBody) -> Result<Issued, OAuthFailure> {
        self.exchange(request, body.0).await
    }
}

impl TokenApi {
    /// The password grant. It stops with its client: hashing is expensive, and nobody would have the
    /// session.
    async fn log_in(&self, request: &Request, fields: Fields) -> Result<Issued, OAuthFailure> {
        let grant = PasswordGrant::of(fields).and_then(|grant| {
            let scope = asked(grant.scope.as_deref())?;
            Ok((grant, scope))
        });
        let (grant, scope) = grant.inspect_err(|_| login::malformed())?;
        let place = self.refresh_cookie.place_of_login(request);
        let place = place.inspect_err(|problem| match problem.kind {
            ProblemKind::ForeignOrigin => login::foreign(),
            _ => login::malformed(),
        })?;
        let source = source_of(request)?;
        let attempt = Attempt {
            source: &source,
            name: &grant.username,
            password: grant.password.into_password(),
            user_agent: request.header(header::USER_AGENT).unwrap_or_default(),
            device: self.device_cookie.of(request),
            scope,
        };
        let login = self.login.login(attempt).await?;
        let LoggedIn { pair, device } =
            login.ok_or_else(|| refusal(OAuthCode::InvalidGrant, "wrong username or password"))?;
        let issued = Issued::new(pair, place, &self.refresh_cookie);
        Ok(issued.cookie(self.device_cookie.set(&device)))
    }

    /// The refresh grant. It is detached: cut off after the rotation's commit, the client would have no
    /// valid token, and the caches would not know.
    async fn exchange(
        &self,
        request: &Request,
        asked_for: Refresh,
    ) -> Result<Issued, OAuthFailure> {
        let source = source_of(request)?;
        let Refresh {
            refresh_token,
            scope,
        } = asked_for;
        let presented = self.refresh_cookie.presented(request, refresh_token);
        let (token, place) = presented.inspect_err(|problem| {
            if problem.kind == ProblemKind::ForeignOrigin {
                refresh::foreign();
            }
        })?;
        let token = token.ok_or_else(|| missing("refresh_token"))?;
        let scope = scope.filter(|scope| !scope.is_empty());
        let scope = asked(scope.as_deref())?;
        let flow = Arc::clone(&self.refresh);
        let user_agent = request.header(header::USER_AGENT).unwrap_or_default();
        let user_agent = user_agent.to_owned();
        let work = detached(async move {
            let client = RefreshingClient {
                source: &source,
                user_agent: &user_agent,
            };
            flow.refresh(client, token.expose(), scope).await
        });
        let pair = work.await.map_err(Error::internal)??;
        let pair = pair.ok_or_else(|| {
            refusal(
                OAuthCode::InvalidGrant,
                "the refresh token is invalid, expired or revoked",
            )
        })?;
        Ok(Issued::new(pair, place, &self.refresh_cookie))
    }
}

/// The body of `/refresh`: JSON or a form.
struct RefreshBody(Refresh);

impl<'a> ApiExtractor<'a> for RefreshBody {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        Refresh::register(registry);
        RefreshForm::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let content = [
            (JSON, Refresh::schema_ref()),
            (FORM, RefreshForm::schema_ref()),
        ];
        Some(documented(content, true))
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let bytes = read(request, body).await?;
        if expect_media_type(request, &[JSON, FORM])? == JSON {
            return Ok(Self(parse(&bytes)?));
        }
        let mut fields = Fields::parse(&bytes)?;
        if Grant::of(&mut fields, Some(Grant::Refresh))? != Grant::Refresh {
            let description = "the only grant type here is `refresh_token`";
            return Err(refusal(OAuthCode::UnsupportedGrantType, description).into());
        }
        Ok(Self(Refresh::of(fields)?))
    }
}
