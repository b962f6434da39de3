//! HTTP: handlers by resource, and the middleware around them (the edge).
//!
//! A handler parses, calls one flow of [`crate::auth`], and shapes the answer. To add an endpoint:
//! a line in [`catalogue::endpoints`]; a method in one of the `*Api` structs, whose guard is the
//! first argument and whose statuses are the parameter of its [`failure::Failure`]; its record in
//! `OPERATIONS` beside it; and a line in the table of the permission test. The service does not
//! start, or a test fails, until each is there.

mod access;
mod admin;
mod body;
mod device_cookie;
mod direct;
mod document;
mod documentation;
mod edge;
mod failure;
mod fields;
mod forward;
mod guard;
mod json_object;
mod kept_scrape;
mod logout;
mod me;
mod my_permissions;
mod oauth;
pub mod operations;
pub mod ops;
mod pages;
mod permission_views;
mod problem;
mod refresh_cookie;
mod register;
mod time;
mod views;
mod wellknown;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use poem::{Endpoint, EndpointExt as _, Request, Response, Route};
use poem_openapi::Tags;

pub use self::documentation::{document, documentation};
pub use self::edge::body_limits::{MAX_BODY, Refused};
pub use self::edge::operation::{Access, Operation, RateLimit};
pub use self::edge::probe_mark;
pub use self::pages::{ALWAYS as PAGES_ALWAYS, Documentation, OPERATIONS as PAGES};
pub use self::problem::ProblemKind;

use self::access::{AuthzenApi, EvaluateApi, ExplainApi, SearchApi};
use self::admin::assignments::AssignmentsApi;
use self::admin::entities::{AdminResourcesApi, AdminSubjectsApi};
use self::admin::exclusive_roles::ExclusiveRolesApi;
use self::admin::page::AdminPageApi;
use self::admin::permissions::PermissionsApi;
use self::admin::roles::RolesApi;
use self::admin::sessions::AdminSessionsApi;
use self::admin::shadow::ShadowApi;
use self::admin::usage::RoleUsageApi;
use self::admin::users::AdminUsersApi;
use self::device_cookie::DeviceCookie;
use self::documentation::{complete_document, service};
use self::edge::cors::Cors;
use self::edge::middleware::Edge;
use self::edge::probe_mark::Mark;
use self::edge::rate_limits::EdgeLimits;
use self::edge::routes::Routes;
use self::edge::security_headers::SecurityHeaders;
use self::forward::ForwardApi;
use self::logout::LogoutApi;
use self::me::MeApi;
use self::my_permissions::MyPermissionsApi;
use self::oauth::metadata::{Metadata, MetadataApi};
use self::oauth::revoke::RevokeApi;
use self::oauth::token::TokenApi;
use self::ops::{Readiness, Scrape};
use self::refresh_cookie::RefreshCookie;
use self::register::RegisterApi;
use self::wellknown::WellKnownApi;
use crate::accounts::Accounts;
use crate::accounts::policy_changes::PolicyChanges;
use crate::auth::{Login, Logout, PasswordChange, Refresh, Register, Revoke};
use crate::clock::Clock;
use crate::config::{Networks, Origins};
use crate::decisions::Decisions;
use crate::decisions::search::PageTokens;
use crate::error::Result;
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
    /// Accounts and sessions of other users.
    Administration,
    /// Roles, permissions, and who has them.
    Policy,
    /// Decisions about what subjects may do, for other services and proxies.
    Authorization,
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
    /// Roles and permissions.
    pub policy: Arc<PolicyChanges>,
    /// The tokens of pages of searches.
    pub page_tokens: PageTokens,
    /// Sessions: the guard's, and those that users and administrators see.
    pub sessions: Arc<Sessions>,
    /// Answers the questions of other services.
    pub decisions: Arc<Decisions>,
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

/// The framework takes tuples of at most 16: those of administrators are one of their own.
type Apis = (
    RegisterApi,
    TokenApi,
    RevokeApi,
    LogoutApi,
    MeApi,
    MyPermissionsApi,
    AdminApis,
    AuthorizationApis,
    WellKnownApi,
    MetadataApi,
);

type AdminApis = (
    AdminPageApi,
    AdminUsersApi,
    AssignmentsApi,
    RolesApi,
    PermissionsApi,
    ExclusiveRolesApi,
    ShadowApi,
    RoleUsageApi,
    AdminSessionsApi,
);

type AuthorizationApis = (
    AdminResourcesApi,
    AdminSubjectsApi,
    EvaluateApi,
    ExplainApi,
    SearchApi,
    ForwardApi,
    AuthzenApi,
);

/// What administrators do.
fn administration(
    accounts: Arc<Accounts>,
    policy: Arc<PolicyChanges>,
    decisions: &Arc<Decisions>,
    sessions: &Arc<Sessions>,
    base_path: String,
) -> AdminApis {
    (
        AdminPageApi,
        AdminUsersApi::new(Arc::clone(&accounts), base_path.clone()),
        AssignmentsApi(accounts),
        RolesApi::new(Arc::clone(&policy), base_path.clone()),
        PermissionsApi::new(Arc::clone(&policy), base_path),
        ExclusiveRolesApi(Arc::clone(&policy)),
        ShadowApi(Arc::clone(decisions)),
        RoleUsageApi(policy),
        AdminSessionsApi(Arc::clone(sessions)),
    )
}

/// What other services ask, and what they register for it.
fn authorization(
    decisions: Arc<Decisions>,
    page_tokens: PageTokens,
    proxies: Networks,
    link_base: &str,
) -> AuthorizationApis {
    (
        AdminResourcesApi(Arc::clone(decisions.registry())),
        AdminSubjectsApi(Arc::clone(decisions.registry())),
        EvaluateApi(Arc::clone(&decisions)),
        ExplainApi(Arc::clone(&decisions)),
        SearchApi::new(Arc::clone(&decisions), page_tokens),
        ForwardApi::new(decisions, proxies),
        AuthzenApi::new(link_base),
    )
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
        policy,
        page_tokens,
        sessions,
        decisions,
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
        MyPermissionsApi(Arc::clone(&accounts)),
        administration(accounts, policy, &decisions, &sessions, base_path),
        authorization(decisions, page_tokens, proxies.clone(), &link_base),
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
    let route = routed(documentation, scrape, clock)?;
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

/// The paths beside the documented operations.
fn routed(
    documentation: Option<Documentation>,
    scrape: Option<Scrape>,
    clock: Clock,
) -> Result<Route> {
    let mut route = pages::problems(Route::new())?;
    if let Some(documentation) = documentation {
        route = documentation.mount(route);
    }
    if let Some(scrape) = scrape {
        let path = ops::OPERATION.endpoint.template;
        route = route.at(path, ops::public_metrics(scrape, clock));
    }
    Ok(route)
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
