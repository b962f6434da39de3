//! HTTP: handlers by resource, and the middleware around them (the edge).
//!
//! A handler parses, calls one flow of [`crate::auth`], and shapes the answer. To add an endpoint:
//! a line in [`catalogue::endpoints`]; a method in one of the `*Api` structs, whose guard is the
//! first argument and whose statuses are the parameter of its [`failure::Failure`]; its record in
//! `OPERATIONS` beside it; and a line in the table of the permission test. The service does not
//! start, or a test fails, until each is there.

mod admin;
mod body;
mod device_cookie;
mod direct;
mod document;
mod edge;
mod failure;
mod fields;
mod guard;
mod kept_scrape;
mod logout;
mod me;
mod oauth;
pub mod operations;
pub mod ops;
mod pages;
mod problem;
mod refresh_cookie;
mod register;
mod time;
mod views;
mod wellknown;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use poem::endpoint::BoxEndpoint;
use poem::{Endpoint, EndpointExt as _, Request, Response, Route};
use poem_openapi::registry::{MetaApi, Registry};
use poem_openapi::{ContactObject, LicenseObject, OpenApi, OpenApiService, Tags};
use serde_json::Value;

pub use self::edge::body_limits::{MAX_BODY, Refused};
pub use self::edge::operation::{Access, Operation, RateLimit};
pub use self::edge::probe_mark;
pub use self::pages::{ALWAYS as PAGES_ALWAYS, Documentation, OPERATIONS as PAGES};
pub use self::problem::ProblemKind;

use self::admin::page::AdminPageApi;
use self::admin::roles::AdminRolesApi;
use self::admin::sessions::AdminSessionsApi;
use self::admin::users::AdminUsersApi;
use self::device_cookie::DeviceCookie;
use self::document::{Documented, InOrder};
use self::edge::cors::Cors;
use self::edge::middleware::Edge;
use self::edge::probe_mark::Mark;
use self::edge::rate_limits::EdgeLimits;
use self::edge::routes::Routes;
use self::edge::security_headers::SecurityHeaders;
use self::logout::LogoutApi;
use self::me::MeApi;
use self::oauth::metadata::{Metadata, MetadataApi};
use self::oauth::revoke::RevokeApi;
use self::oauth::token::TokenApi;
use self::ops::{Readiness, Scrape};
use self::refresh_cookie::RefreshCookie;
use self::register::RegisterApi;
use self::wellknown::WellKnownApi;
use crate::accounts::Accounts;
use crate::auth::{Login, Logout, PasswordChange, Refresh, Register, Revoke};
use crate::clock::Clock;
use crate::config::{Networks, Origins};
use crate::error::{Error, Result};
use crate::limits::Throttle;
use crate::metrics::Scheme;
use crate::sessions::Sessions;
use crate::tokens::Tokens;

#[derive(Tags)]
enum Tag {
    /// Registration, login, refresh and logout.
    Authentication,
    /// Your own account, password and sessions.
    Account,
    /// Accounts, roles and sessions of other users.
    Administration,
    /// Public keys and health.
    Discovery,
}

/// Everything that the API needs.
pub struct ApiParts {
    /// Registration.
    pub register: Register,
    /// Login.
    pub login: Login,
    /// Refresh.
    pub refresh: Refresh,
    /// Logout.
    pub logout: Logout,
    /// Revocation of tokens.
    pub revoke: Revoke,
    /// The flow of a password change.
    pub password_change: PasswordChange,
    /// Accounts.
    pub accounts: Arc<Accounts>,
    /// Sessions: the guard's, and those that users and administrators see.
    pub sessions: Arc<Sessions>,
    /// The published keys.
    pub tokens: Arc<Tokens>,
    /// The rate limits.
    pub limits: Arc<Throttle>,
    /// The health of the service.
    pub readiness: Arc<Readiness>,
    /// Set while the service stops: clients are asked to reconnect elsewhere.
    pub draining: Arc<AtomicBool>,
    /// The trusted proxies, which report client addresses.
    pub proxies: Networks,
    /// The scheme of the listener.
    pub scheme: Scheme,
    /// How long a request's body may take to arrive.
    pub body_timeout: Duration,
    /// The mark of the synthetic probe's requests, if the probe is on.
    pub probe_mark: Option<Mark>,
    /// Serve `/metrics` here, too.
    pub scrape: Option<Scrape>,
    /// The clock, for the TTL of scrapes served here.
    pub clock: Clock,
    /// Serve the documentation here.
    pub documentation: Option<Documentation>,
    /// Clients reach the service only by HTTPS.
    pub https: bool,
    /// The issuer of tokens.
    pub issuer: String,
    /// The base of links to problem types: a URL, or empty for the host that was asked.
    pub link_base: String,
    /// The origins whose pages may call the API.
    pub origins: Origins,
    /// How long browsers keep refresh tokens in a cookie, if they may.
    pub cookies: Option<Duration>,
    /// What precedes the paths of the API for clients; empty without a path in `PUBLIC_URL`.
    pub base_path: String,
}

type Apis = (
    RegisterApi,
    TokenApi,
    RevokeApi,
    LogoutApi,
    MeApi,
    AdminPageApi,
    AdminUsersApi,
    AdminRolesApi,
    AdminSessionsApi,
    WellKnownApi,
    MetadataApi,
);

/// The operations' descriptions without their handlers: the document needs no service.
struct Described;

impl OpenApi for Described {
    fn meta() -> Vec<MetaApi> {
        Apis::meta()
    }

    fn register(registry: &mut Registry) {
        Apis::register(registry);
    }

    fn add_routes(
        self,
        _: &mut HashMap<String, HashMap<poem::http::Method, BoxEndpoint<'static>>>,
    ) {
    }
}

fn service<A: OpenApi>(apis: A) -> OpenApiService<A, ()> {
    OpenApiService::new(apis, "rbac-sentinel", env!("CARGO_PKG_VERSION"))
        .description(include_str!("document/introduction.md"))
        .contact(ContactObject::new().name("rbac-sentinel contributors"))
        .license(LicenseObject::new("MIT").url("https://opensource.org/license/mit"))
}

/// The OpenAPI document as JSON, pretty-printed.
///
/// # Errors
/// When the document cannot be put together: a defect.
pub fn document() -> Result<String> {
    let (document, _) = complete_own_document()?;
    let mut text = serde_json::to_string_pretty(&InOrder(&document)).map_err(Error::internal)?;
    text.push('\n');
    Ok(text)
}

fn complete_own_document() -> Result<(Value, Vec<Documented>)> {
    complete_document(&service(Described).spec())
}

fn complete_document(derived: &str) -> Result<(Value, Vec<Documented>)> {
    let derived = serde_json::from_str(derived).map_err(Error::internal)?;
    document::complete(derived, operations::all())
}

/// The pages over the OpenAPI document of the API at `server`.
///
/// # Errors
/// When the document cannot be put together: a defect.
pub fn documentation(server: &str) -> Result<Documentation> {
    let service = service(Described);
    let derived = service.spec();
    let (mut document, _) = complete_document(&derived)?;
    document["servers"][0]["url"] = server.into();
    guard::at_server(&mut document["components"]["securitySchemes"], server);
    let json = serde_json::to_string(&InOrder(&document)).map_err(Error::internal)?;
    let yaml = yaml_serde::to_string(&InOrder(&document)).map_err(Error::internal)?;

    // Replaces the framework's document, which the interfaces embed, by the completed one. Between the
    // title and it are megabytes of scripts: each is looked for from its own end of the page.
    let embed = |html: String, title: &str, head: &str| {
        let (before, after) = html
            .rsplit_once(&derived)
            .ok_or_else(|| Error::internal("a page does not embed its document"))?;
        let before = before.replacen(title, head, 1);
        Ok::<_, Error>([&before, json.as_str(), after].concat())
    };
    let swagger = pages::swagger::with_options(&service.swagger_ui_html())?;
    let docs = embed(swagger, "<title>Swagger UI</title>", pages::swagger::HEAD)?;
    let title = "<title>rbac-sentinel API</title>";
    let redoc = embed(service.redoc_html(), "<title>Redoc</title>", title)?;
    // It would load fonts from another host.
    let redoc = without_line(redoc, "fonts.googleapis.com");
    Documentation::new(json, yaml, docs, redoc)
}

/// The text without the first line that contains this.
fn without_line(mut text: String, part: &str) -> String {
    if let Some(at) = text.find(part) {
        let begin = text[..at].rfind('\n').map_or(0, |end| end + 1);
        let end = text[at..].find('\n').map_or(text.len(), |end| at + end + 1);
        text.replace_range(begin..end, "");
    }
    text
}

/// The whole API as one endpoint.
///
/// # Errors
/// When the document cannot be put together: a defect.
pub fn endpoint(parts: ApiParts) -> Result<impl Endpoint<Output = Response>> {
    let ApiParts {
        register,
        login,
        refresh,
        logout,
        revoke,
        password_change,
        accounts,
        sessions,
        tokens,
        limits,
        readiness,
        draining,
        proxies,
        scheme,
        body_timeout,
        probe_mark,
        scrape,
        clock,
        documentation,
        https,
        issuer,
        link_base,
        origins,
        cookies,
        base_path,
    } = parts;
    let metadata = MetadataApi {
        metadata: Metadata::new(&issuer, documentation.is_some()),
        tokens: Arc::clone(&tokens),
    };
    let refresh_cookie = RefreshCookie::new(&issuer, &origins, cookies);
    let apis = (
        RegisterApi::new(register, &base_path),
        TokenApi {
            login,
            refresh: Arc::new(refresh),
            device_cookie: DeviceCookie::new(https),
            refresh_cookie: refresh_cookie.clone(),
        },
        RevokeApi {
            revoke,
            refresh_cookie: refresh_cookie.clone(),
        },
        LogoutApi {
            logout,
            refresh_cookie: refresh_cookie.clone(),
        },
        MeApi {
            accounts: Arc::clone(&accounts),
            sessions: Arc::clone(&sessions),
            password_change,
            refresh_cookie,
        },
        AdminPageApi,
        AdminUsersApi::new(Arc::clone(&accounts), base_path),
        AdminRolesApi(accounts),
        AdminSessionsApi(Arc::clone(&sessions)),
        WellKnownApi { tokens, readiness },
        metadata,
    );
    let service = service(apis);
    let (_, documented) = complete_document(&service.spec())?;
    let home = pages::home(documentation.is_some())?;

    let edge_limits = EdgeLimits::new(Arc::clone(&limits), proxies);
    let documents: &[Operation] = documentation.as_ref().map_or(&[], |_| pages::OPERATIONS);
    let pages_here = pages::ALWAYS.iter().chain(documents);
    let pages_here = pages_here.chain(scrape.is_some().then_some(&ops::OPERATION));
    let pages_here = pages_here.map(|page| (page, vec![200]));
    let routes = Arc::new(Routes::new(
        documented.into_iter().chain(pages_here),
        scheme,
    ));
    let mut route = pages::problems(Route::new())?;
    if let Some(documentation) = documentation {
        route = documentation.mount(route);
    }
    if let Some(scrape) = scrape {
        let path = ops::OPERATION.endpoint.template;
        route = route.at(path, ops::public_metrics(scrape, clock));
    }
    let inner = WithHome {
        home,
        rest: route
            .nest("/", service)
            .data(sessions)
            .data(limits)
            .map_to_response(),
    };
    let edge = Edge::new(
        inner,
        routes,
        edge_limits,
        draining,
        body_timeout,
        probe_mark,
        link_base,
    )
    .cors(Cors::new(&origins, cookies.is_some()));
    Ok(SecurityHeaders::new(edge, https))
}

/// Serves `/` itself: the framework's router gives it to the API nested there.
struct WithHome<H, R> {
    home: H,
    rest: R,
}

impl<H, R> Endpoint for WithHome<H, R>
where
    H: Endpoint<Output = Response>,
    R: Endpoint<Output = Response>,
{
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        if request.uri().path() == "/" {
            self.home.call(request).await
        } else {
            self.rest.call(request).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_left_out_and_nothing_else() {
        for (text, left) in [
            ("a\nb x c\nd", "a\nd"),
            ("x\nb", "b"),
            ("a\nb x", "a\n"),
            ("a\nx\nx\n", "a\nx\n"),
            ("a\n", "a\n"),
        ] {
            assert_eq!(without_line(text.to_owned(), "x"), left);
        }
    }
}
