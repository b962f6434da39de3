//! Authorization: the permission is a type in the handler's signature.
//!
//! The guard is always the first argument, so that a request without a token gets 401 before any
//! other check. 401 and 403 of the bearer scheme (RFC 6750) are made here and nowhere else.

use std::marker::PhantomData;
use std::sync::Arc;

use poem::http::header;
use poem::{Request, RequestBody};
use poem_openapi::registry::{
    MetaOAuthFlow, MetaOAuthFlows, MetaOAuthScope, MetaSecurityScheme, Registry,
};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde_json::Value;

use super::edge::operation::{Operation, RateLimit};
use super::edge::query;
use super::edge::rate_limits::source_of;
use super::problem::{Problem, ProblemKind};
use crate::error::Error;
use crate::events::Event;
use crate::limits::Throttle;
use crate::metrics::VerificationResult;
use crate::rbac::Permission;
use crate::sessions::{Caller, Need, PASSWORD_CHANGE, Refusal, Sessions};
use catalogue::endpoints;

/// The name of the security scheme in the OpenAPI document whose scopes are permissions.
pub const SCHEME: &str = "session";
/// The name of the scheme for clients that have a token already.
pub const BEARER: &str = "bearer";
/// The placeholder for a guard that accepts any scope, until the document is completed.
pub const ANY_SCOPE: &str = "any scope";

/// A permission as a type.
pub trait Needs: Send + Sync + 'static {
    /// The permission itself.
    const PERMISSION: Permission;
    /// Whether a token is accepted whose scope lacks the permission.
    const ANY_SCOPE: bool = false;
    /// Whether a caller is accepted whose password is an initial one.
    const CHANGES_PASSWORD: bool = false;
}

/// Stands for a token of any scope: for reading one's account and logging out.
pub struct AnyScope;

impl Needs for AnyScope {
    const PERMISSION: Permission = Permission::Authenticated;
    const ANY_SCOPE: bool = true;
}

/// Stands for a change of one's own password: the one operation allowed with an initial password.
pub struct ChangesPassword;

impl Needs for ChangesPassword {
    const PERMISSION: Permission = Permission::Authenticated;
    const CHANGES_PASSWORD: bool = true;
}

macro_rules! needs {
    ($($name:ident),+) => {
        $(
            #[doc = concat!("Stands for [`Permission::", stringify!($name), "`].")]
            pub struct $name;
            impl Needs for $name {
                const PERMISSION: Permission = Permission::$name;
            }
        )+
    };
}

catalogue::for_each_permission!(needs);

// No operation needs it by itself: it lifts a rule of others.
const _: PhantomData<RolesAssignAny> = PhantomData;

/// A caller with the permission `P`. A handler that takes this argument is never called without it.
pub struct Require<P> {
    /// The caller.
    pub caller: Caller,
    permission: PhantomData<P>,
}

impl<'a, P: Needs> ApiExtractor<'a> for Require<P> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        register(registry);
    }

    // The document's assembly turns this name into the scheme and its scope.
    fn security_schemes() -> Vec<&'static str> {
        vec![if P::ANY_SCOPE {
            ANY_SCOPE
        } else {
            P::PERMISSION.name()
        }]
    }

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let need = if P::ANY_SCOPE {
            Need::AnyScope
        } else if P::CHANGES_PASSWORD {
            Need::PasswordChange
        } else {
            Need::Permission(P::PERMISSION)
        };
        let caller = caller(request, need).await;
        let caller = caller.and_then(|caller| caller.ok_or_else(unauthenticated));
        if let Err(problem) = &caller {
            count_refusal(request, problem)?;
        }
        let caller = caller?;
        limit(request, &caller).await?;
        check_query(request)?;
        Ok(Self {
            caller,
            permission: PhantomData,
        })
    }
}

/// The caller, if the request has a token. An invalid token is refused.
pub struct Maybe(pub Option<Caller>);

impl<'a> ApiExtractor<'a> for Maybe {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![Permission::Authenticated.name()]
    }

    fn has_security_fallback() -> bool {
        true
    }

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        // The flow decides what the token permits.
        let caller = caller(request, Need::AnyScope).await?;
        check_query(request)?;
        Ok(Self(caller))
    }
}

/// Checks the limit by account that no flow checks, where the operation's record says so: those of
/// administrators, of one's own sessions, and of questions about permissions.
async fn limit(request: &Request, caller: &Caller) -> Result<(), Problem> {
    let throttle = attached::<Arc<Throttle>>(request)?;
    match attached::<&Operation>(request)?.rate_limit {
        RateLimit::ByAccount(limiter) => throttle.by_account(limiter, caller.id()).await?,
        RateLimit::Decisions => throttle.decisions(caller.id())?,
        _ => {}
    }
    Ok(())
}

/// Counts a caller that is refused, where admitted ones do not count by their address.
fn count_refusal(request: &Request, problem: &Problem) -> Result<(), Problem> {
    let decisions = attached::<&Operation>(request)?.rate_limit == RateLimit::Decisions;
    if decisions && problem.status().is_client_error() {
        let source = source_of(request)?;
        attached::<Arc<Throttle>>(request)?.note_refused_caller(&source)?;
    }
    Ok(())
}

/// Checks the query of a request whose caller is admitted.
fn check_query(request: &Request) -> Result<(), Problem> {
    query::check(request, attached::<&Operation>(request)?)
}

/// What the edge and the assembly attach to each request.
fn attached<T: Send + Sync + 'static>(request: &Request) -> Result<&T, Error> {
    request
        .data()
        .ok_or_else(|| Error::internal("a request without what the guard needs"))
}

/// The caller, if it meets the need; `None` if the request has no token.
async fn caller(request: &Request, need: Need) -> Result<Option<Caller>, Problem> {
    let Some(token) = bearer(request)? else {
        return Ok(None);
    };
    attached::<Arc<Sessions>>(request)?
        .authorize(token, need)
        .await
        .map(Some)
        .map_err(|refusal| match refusal {
            Refusal::Token(reason) => {
                Event::TokenRefused { reason }.emit();
                invalid_token(reason)
            }
            Refusal::Permission(permission) => missing(permission),
            Refusal::PasswordChange => initial_password(),
            Refusal::Error(error) => error.into(),
        })
}

/// The token of the `Authorization` header, if there is one. Tokens in the query are ignored
/// (RFC 9700 section 4.3.2).
fn bearer(request: &Request) -> Result<Option<&str>, Problem> {
    let mut values = request.headers().get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let token = value.to_str().ok().and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    match token {
        Some(token) if !token.is_empty() && values.next().is_none() => Ok(Some(token)),
        _ => Err(unauthenticated()),
    }
}

/// No credentials: a challenge without an error code (RFC 6750 section 3.1).
fn unauthenticated() -> Problem {
    Problem::new(ProblemKind::Unauthenticated)
        .detail(
            "send an access token as `Authorization: Bearer TOKEN`; POST /oauth/token gives one",
        )
        .header(header::WWW_AUTHENTICATE, "Bearer realm=\"rbac-sentinel\"")
}

fn invalid_token(reason: VerificationResult) -> Problem {
    // Only the metrics show why a forged token was refused.
    let detail = match reason {
        VerificationResult::Expired => "the access token has expired",
        VerificationResult::Revoked => "the session has ended",
        _ => "the access token is invalid",
    };
    let challenge = format!(
        "Bearer realm=\"rbac-sentinel\", error=\"invalid_token\", error_description=\"{detail}\""
    );
    Problem::new(ProblemKind::Unauthenticated)
        .detail(detail)
        .header(header::WWW_AUTHENTICATE, challenge)
}

/// For a session that ended during its own request.
pub(super) fn session_ended() -> Problem {
    invalid_token(VerificationResult::Revoked)
}

/// Checks a permission that the operation needs in some cases.
///
/// # Errors
/// 403, as the guard answers it.
pub(super) fn check(caller: &Caller, permission: Permission) -> Result<(), Problem> {
    if caller.check(permission) {
        Ok(())
    } else {
        Err(missing(permission))
    }
}

fn missing(permission: Permission) -> Problem {
    let name = permission.name();
    let challenge =
        format!("Bearer realm=\"rbac-sentinel\", error=\"insufficient_scope\", scope=\"{name}\"");
    Problem::from(crate::error::Error::Forbidden(name)).header(header::WWW_AUTHENTICATE, challenge)
}

/// The policy refuses it to the caller.
pub(super) fn denied(detail: impl Into<String>) -> Problem {
    let challenge = "Bearer realm=\"rbac-sentinel\", error=\"insufficient_scope\"";
    Problem::new(ProblemKind::Forbidden)
        .detail(detail)
        .header(header::WWW_AUTHENTICATE, challenge)
}

fn initial_password() -> Problem {
    let challenge = format!(
        "Bearer realm=\"rbac-sentinel\", error=\"insufficient_scope\", scope=\"{PASSWORD_CHANGE}\""
    );
    Problem::new(ProblemKind::PasswordChangeRequired)
        .detail("the password is an initial one: change it with POST /users/me/password")
        .header(header::WWW_AUTHENTICATE, challenge)
}

/// The security schemes: an OAuth 2.0 password flow, with which the Authorize button of the OpenAPI UI
/// logs in, and beside it a plain bearer token.
fn register(registry: &mut Registry) {
    let scopes = Permission::ALL
        .iter()
        .map(|permission| MetaOAuthScope {
            name: permission.name(),
            description: Some(permission.about()),
        })
        .collect();
    registry.create_security_scheme(
        SCHEME,
        MetaSecurityScheme {
            ty: "oauth2",
            description: Some(
                "An access token as `Authorization: Bearer TOKEN`: a JWT by RFC 9068, verified as RFC 8725 \
                 requires. For first-party clients only: \
                 third-party clients must not use the password grant (RFC 9700 section 2.4).",
            ),
            name: None,
            key_in: None,
            scheme: None,
            bearer_format: None,
            flows: Some(MetaOAuthFlows {
                implicit: None,
                password: Some(MetaOAuthFlow {
                    authorization_url: None,
                    token_url: Some(endpoints::TOKEN.template),
                    refresh_url: Some(endpoints::TOKEN.template),
                    scopes,
                }),
                client_credentials: None,
                authorization_code: None,
            }),
            openid_connect_url: None,
        },
    );
    registry.create_security_scheme(
        BEARER,
        MetaSecurityScheme {
            ty: "http",
            description: Some("An access token that the client has already: a JWT by RFC 9068, verified as RFC 8725 requires."),
            name: None,
            key_in: None,
            scheme: Some("bearer"),
            bearer_format: Some("JWT"),
            flows: None,
            openid_connect_url: None,
        },
    );
}

/// Points the schemes of a document to the token endpoint of this server: readers of the document do
/// not agree on what a path there is relative to.
pub(super) fn at_server(schemes: &mut Value, server: &str) {
    let flow = &mut schemes[SCHEME]["flows"]["password"];
    let base = server.trim_end_matches('/');
    for url in ["tokenUrl", "refreshUrl"] {
        flow[url] = format!("{base}{}", endpoints::TOKEN.template).into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the client reads about a token that is not good.
    fn said(reason: VerificationResult) -> String {
        let problem = invalid_token(reason);
        let detail = problem.body("", "/users/me", "id").detail.expect("said");
        let [(name, challenge)] = problem.more.headers.as_slice() else {
            panic!("one header");
        };
        assert_eq!(name, header::WWW_AUTHENTICATE);
        let described = format!("error_description=\"{detail}\"");
        assert!(challenge.to_str().expect("text").ends_with(&described));
        detail
    }

    #[test]
    fn only_expired_tokens_and_ended_sessions_are_told_apart() {
        use VerificationResult::{Expired, Malformed, Revoked};
        let forged = said(Malformed);
        for reason in VerificationResult::ALL {
            match reason {
                Expired => assert_eq!(said(Expired), "the access token has expired"),
                Revoked => assert_eq!(said(Revoked), "the session has ended"),
                other => assert_eq!(said(*other), forged, "{other:?}"),
            }
        }
        assert!(!forged.contains("expired") && !forged.contains("ended"));
    }
}
