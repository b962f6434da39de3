//! OAuth 2.0: the token endpoint (RFC 6749), revocation (RFC 7009), the metadata (RFC 8414), and what
//! they share.

mod form;
pub mod metadata;
pub mod revoke;
pub mod token;

use poem::http::{HeaderValue, header};
use poem::{IntoResponse, Response};
use poem_openapi::payload::{Json, Payload as _};
use poem_openapi::registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::Type as _;
use poem_openapi::{ApiResponse, Object};

use super::problem::{OAuthCode, Problem, ProblemKind};
use super::refresh_cookie::{Place, RefreshCookie};
use crate::rbac::Scope;
use crate::sessions::TokenPair;

/// The response to a login or refresh (RFC 6749 section 5.1).
#[derive(Debug, Object)]
pub struct Tokens {
    /// A signed JWT (RFC 9068). Send it as `Authorization: Bearer`.
    access_token: String,
    /// Always `bearer`.
    token_type: String,
    /// The lifetime of the access token, in seconds.
    expires_in: i64,
    /// Send it with `grant_type=refresh_token`, once, for the next pair of tokens. Absent if it is in the
    /// cookie.
    #[oai(skip_serializing_if_is_none)]
    refresh_token: Option<String>,
    /// The permissions of the session, if a scope limits it. Empty: it may only read its own account
    /// and log out. `password:change`: the password is an initial one and must be changed first.
    #[oai(skip_serializing_if_is_none)]
    scope: Option<String>,
}

/// A pair of tokens, and cookies beside it.
pub struct Issued {
    tokens: Json<Tokens>,
    cookies: Vec<String>,
}

impl Issued {
    /// A pair, with the refresh token in this place.
    #[must_use]
    pub fn new(pair: TokenPair, place: Place, cookie: &RefreshCookie) -> Self {
        let (refresh_token, cookies) = match place {
            Place::Body => (Some(pair.refresh_token), Vec::new()),
            Place::Cookie => (None, vec![cookie.set(&pair.refresh_token)]),
        };
        Self {
            tokens: Json(Tokens {
                access_token: pair.access_token,
                token_type: "bearer".to_owned(),
                expires_in: pair.expires_in,
                refresh_token,
                scope: pair.scope,
            }),
            cookies,
        }
    }

    /// With a `Set-Cookie` header.
    #[must_use]
    pub fn cookie(mut self, cookie: String) -> Self {
        self.cookies.push(cookie);
        self
    }
}

impl IntoResponse for Issued {
    fn into_response(self) -> Response {
        let mut response = self.tokens.into_response();
        for cookie in self.cookies {
            if let Ok(cookie) = HeaderValue::try_from(cookie) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
        }
        response
    }
}

// By hand: the framework's macro would set only the last of several cookies.
impl ApiResponse for Issued {
    fn meta() -> MetaResponses {
        let cookie = MetaHeader {
            name: "Set-Cookie".to_owned(),
            description: Some(
                "After a login, the device cookie for 180 days: `HttpOnly`, `SameSite=Strict`, and \
                 `Secure` with HTTPS. With `Refresh-Token-In: cookie`, the refresh token: `HttpOnly`, \
                 `SameSite=Strict`, `Secure`."
                    .to_owned(),
            ),
            required: false,
            deprecated: false,
            schema: String::schema_ref(),
        };
        MetaResponses {
            responses: vec![MetaResponse {
                description: "A pair of tokens.",
                status: Some(200),
                status_range: None,
                content: vec![MetaMediaType {
                    content_type: Json::<Tokens>::CONTENT_TYPE,
                    schema: Tokens::schema_ref(),
                }],
                headers: vec![cookie],
            }],
        }
    }

    fn register(registry: &mut Registry) {
        Tokens::register(registry);
    }
}

/// An error with one of the codes of RFC 6749 section 5.2.
pub fn refusal(code: OAuthCode, description: &str) -> Problem {
    Problem::new(ProblemKind::InvalidGrant)
        .detail(description)
        .oauth(code)
}

/// The requested scope. Default: all permissions.
fn asked(scope: Option<&str>) -> Result<Scope, Problem> {
    let Some(text) = scope else {
        return Ok(Scope::EVERYTHING);
    };
    Scope::parse(text).ok_or_else(|| {
        let rule = "scope must be names of printable ASCII characters, separated by single spaces";
        refusal(OAuthCode::InvalidScope, rule)
    })
}
