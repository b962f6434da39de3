//! The middleware around the whole API: request id, measurement, limits, panics, error bodies, and
//! the headers of every response.

mod in_flight;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use http_body::Body as _;
use http_body_util::combinators::BoxBody;
use poem::error::{MethodNotAllowedError, NotFoundError, ReadBodyError};
use poem::http::uri::{PathAndQuery, Uri};
use poem::http::{HeaderValue, Method as HttpMethod, StatusCode, header};
use poem::{Body, Endpoint, Request, Response};
use poem_openapi::error::{ParseParamError, ParsePathError, ParseRequestPayloadError};

pub use self::in_flight::InFlightGuard;
use super::body_limits::BodyLimits;
pub use super::body_limits::Refused;
use super::cors::{self, Cors};
use super::host;
use super::operation::Access;
use super::probe_mark::Mark;
use super::query;
use super::rate_limits::EdgeLimits;
use super::request_ids::{self, RequestIds};
use super::routes::{Route, Routes};
use crate::api::problem::{OAuthCode, Problem, ProblemKind};
use crate::config::Origins;
use crate::events::Event;
use crate::metrics::{HTTP_PANICS, Method};
use crate::request_context::{RequestContext, RequestId, detached, in_request, is_logged};

/// Wraps the whole API.
pub struct Edge<E> {
    inner: Arc<E>,
    routes: Arc<Routes>,
    limits: EdgeLimits,
    draining: Arc<AtomicBool>,
    bodies: BodyLimits,
    probe_mark: Option<Mark>,
    link_base: String,
    ids: RequestIds,
    cors: Cors,
}

impl<E> Edge<E> {
    /// Wraps `inner`. While `draining` is set, clients are asked to reconnect elsewhere. A body that
    /// takes longer than `body_timeout` gets 408. Requests with the mark are the probe's. Problem types
    /// are links with this base.
    #[must_use]
    pub fn new(
        inner: E,
        routes: Arc<Routes>,
        limits: EdgeLimits,
        draining: Arc<AtomicBool>,
        body_timeout: Duration,
        probe_mark: Option<Mark>,
        link_base: String,
    ) -> Self {
        Self {
            inner: Arc::new(inner),
            routes,
            limits,
            draining,
            bodies: BodyLimits::new(body_timeout),
            probe_mark,
            link_base,
            ids: RequestIds::new(),
            cors: Cors::new(&Origins::default(), false),
        }
    }

    /// Pages of these origins may call the API; by default of none.
    #[must_use]
    pub fn cors(mut self, cors: Cors) -> Self {
        self.cors = cors;
        self
    }
}

impl<E: Endpoint<Output = Response> + 'static> Endpoint for Edge<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        strip_trailing_slash(request.uri_mut());
        let method = label(request.method());
        let route = self.routes.find(method, request.uri().path());
        let marked = |mark: &Mark| mark.is_on(&request, route);
        let synthetic = self.probe_mark.as_ref().is_some_and(marked);
        let in_flight = InFlightGuard::new(route, synthetic);
        let from_proxy = self.limits.is_from_proxy(&request);
        let (id, client_id) = self.ids.of(&request, from_proxy);
        let head = method == Method::Head;
        let refused = request.extensions().get::<Refused>().is_some();
        if head {
            request.set_method(HttpMethod::GET);
        }
        // For errors, which name the requested path. A clone of the URI would keep the memory of the
        // request alive, which is wiped when it is released.
        let path = request.uri().path().to_owned();
        let context = RequestContext {
            id,
            client_id,
            address: self.limits.client(&request),
            route: route.template,
            synthetic,
        };
        let any_id = route.takes_any_request_id();
        let id_as_sent = any_id.then(|| request_ids::as_sent(&request)).flatten();
        let wanted = cors::preflight(&request);
        let asked_for = wanted.as_ref().map_or(route, |wanted| {
            self.routes.find(label(wanted), request.uri().path())
        });
        let sharing = self.cors.sharing(request.headers(), asked_for.is_open());
        let preflight = wanted.is_some() && sharing.is_allowed();
        let answer = async {
            if preflight {
                self.permit(&request, &path, &context)
            } else {
                self.answer(request, route, &path, context).await
            }
        };
        let mut response = in_request(context, answer).await;
        self.cors.complete(response.headers_mut(), sharing);

        if head {
            response.set_body(Body::empty());
        }
        // The rest of an unread body would be parsed as the next request, or read in vain.
        let unread = matches!(
            response.status(),
            StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE
        );
        let last = refused || unread || self.draining.load(Ordering::Relaxed);
        request_ids::show(response.headers_mut(), &context, id_as_sent);
        finish(&mut response, route, last);
        let size = body_size(&mut response);
        in_flight.answered(&response, size);
        Ok(response)
    }
}

impl<E: Endpoint<Output = Response> + 'static> Edge<E> {
    async fn answer(
        &self,
        mut request: Request,
        route: &Route,
        path: &str,
        context: RequestContext,
    ) -> Response {
        let id = &context.id;
        let limited = self
            .limits
            .admit(&mut request, route.operation, context.address);
        let admitted = match limited.and_then(|()| host::check(&request)) {
            Ok(()) => match prepare(&mut request, route) {
                Ok(()) => self.bodies.admit(&mut request, route.largest_body()).await,
                Err(refused) => Err(refused),
            },
            Err(refused) => Err(refused),
        };
        let outcome = match admitted {
            Ok(large) => {
                let inner = Arc::clone(&self.inner);
                let work = AssertUnwindSafe(async move {
                    let _large = large;
                    inner.call(request).await
                });
                let work = work.catch_unwind();
                if route.is_detached() {
                    let ended = detached(work).await;
                    ended.unwrap_or_else(|error| Err(Box::new(error)))
                } else {
                    work.await
                }
            }
            Err(problem) => Ok(Err(problem.into())),
        };
        match outcome {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                let problem = self.problem(error, route, path);
                log(&problem);
                self.render(&problem, route, path, id)
            }
            Err(_) => {
                // The panic hook has logged the place.
                HTTP_PANICS.inc(());
                let problem = Problem::new(ProblemKind::Internal);
                self.render(&problem, route, path, id)
            }
        }
    }

    /// Answers a preflight request of an allowed origin, before any other limit: a browser shows its
    /// page no error of it.
    fn permit(&self, request: &Request, path: &str, context: &RequestContext) -> Response {
        let admitted = BodyLimits::admit_connection(request);
        let admitted = admitted.and_then(|()| host::check(request));
        let admitted =
            admitted.and_then(|()| self.limits.admit_preflight(request, context.address));
        match admitted {
            Ok(()) => cors::permission(),
            Err(problem) => {
                log(&problem);
                let route = self.routes.find(Method::Options, path);
                self.render(&problem, route, path, &context.id)
            }
        }
    }

    /// Turns an error into a problem, the framework's own errors included.
    fn problem(&self, error: poem::Error, route: &Route, path: &str) -> Problem {
        let status = error.status();
        let error = match error.downcast::<Problem>() {
            Ok(problem) => return problem,
            Err(error) => error,
        };
        if error.is::<NotFoundError>() {
            return Problem::new(ProblemKind::NotFound).detail("no such path");
        }
        if error.is::<MethodNotAllowedError>() {
            let allowed = self.routes.allowed(path).join(", ");
            return Problem::new(ProblemKind::MethodNotAllowed)
                .detail(format!("allowed methods: {allowed}"))
                .header(header::ALLOW, allowed);
        }
        if let Some(error) = error.downcast_ref::<ParseParamError>() {
            return Problem::malformed().field(error.name, rule(&error.reason));
        }
        if let Some(error) = error.downcast_ref::<ParsePathError>() {
            return Problem::malformed().field(path_field(error.name, route), rule(&error.reason));
        }
        if let Some(error) = error.downcast_ref::<ParseRequestPayloadError>() {
            return Problem::malformed().detail(error.reason.clone());
        }
        if let Some(ReadBodyError::Io(_)) = error.downcast_ref::<ReadBodyError>() {
            return Problem::malformed().detail("the body ended early");
        }
        let kind = ProblemKind::of_framework(status);
        if kind.status().is_server_error() {
            tracing::error!(%error, "internal error");
        }
        Problem::new(kind)
    }

    fn render(&self, problem: &Problem, route: &Route, path: &str, id: &RequestId) -> Response {
        let (content_type, body) = if route.has_oauth_errors() {
            (
                "application/json; charset=utf-8",
                serde_json::to_vec(&problem.oauth_body()),
            )
        } else {
            let body = problem.body(&self.link_base, path, id.as_str());
            ("application/problem+json", serde_json::to_vec(&body))
        };
        let mut response = Response::builder()
            .status(problem.status())
            .content_type(content_type)
            .body(body.unwrap_or_default());
        for (name, value) in &problem.more.headers {
            response.headers_mut().insert(name, value.clone());
        }
        response
    }
}

/// Attaches the operation's record. Where a guard admits callers, the guard checks the query.
fn prepare(request: &mut Request, route: &Route) -> Result<(), Problem> {
    let Some(operation) = route.operation else {
        return Ok(());
    };
    request.set_data(operation);
    if operation.access == Access::Public {
        query::check(request, operation)?;
    }
    Ok(())
}

/// Sees to it that the log says or counts every refusal: most flows have events of their own.
fn log(problem: &Problem) {
    if problem.status().is_client_error() && !is_logged() {
        let reason = problem.oauth.map_or(problem.kind.code(), OAuthCode::word);
        Event::Refused { reason }.emit();
    }
}

/// The rule that a bad parameter breaks, without the value and the framework's type names.
fn rule(reason: &str) -> String {
    if reason.contains("uuid") {
        return "must be a UUID".to_owned();
    }
    let known = [
        ("maximum(", "must be at most "),
        ("minimum(", "must be at least "),
        (
            "maxLength(",
            "must have at most this number of characters: ",
        ),
        (
            "minLength(",
            "must have at least this number of characters: ",
        ),
    ];
    for (word, sentence) in known {
        if let Some((_, rest)) = reason.split_once(word) {
            let bound = rest.split([',', ')']).next().unwrap_or_default();
            return format!("{sentence}{bound}");
        }
    }
    if reason.contains("integer") {
        return "must be a whole number within its bounds".to_owned();
    }
    "must have the form given in the OpenAPI document".to_owned()
}

/// The framework calls path parameters `param0`, `param1`, …; the template knows their names.
fn path_field(name: &str, route: &Route) -> String {
    let index: usize = name.trim_start_matches("param").parse().unwrap_or(0);
    route
        .template
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .nth(index)
        .unwrap_or("path")
        .to_owned()
}

fn label(method: &HttpMethod) -> Method {
    match *method {
        HttpMethod::GET => Method::Get,
        HttpMethod::HEAD => Method::Head,
        HttpMethod::POST => Method::Post,
        HttpMethod::PUT => Method::Put,
        HttpMethod::PATCH => Method::Patch,
        HttpMethod::DELETE => Method::Delete,
        HttpMethod::OPTIONS => Method::Options,
        _ => Method::Other,
    }
}

/// Treats `/login/` as `/login`, without a redirect, which would count twice and lose the body.
fn strip_trailing_slash(uri: &mut Uri) {
    let path = uri.path();
    if path.len() < 2 || !path.ends_with('/') {
        return;
    }
    let path = path.trim_end_matches('/');
    let path = if path.is_empty() { "/" } else { path };
    let path_and_query = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(path_and_query).ok();
    if let Ok(stripped) = Uri::from_parts(parts) {
        *uri = stripped;
    }
}

/// Sets the other headers of every response; the last response of a connection closes it.
fn finish(response: &mut Response, route: &Route, last: bool) {
    let headers = response.headers_mut();
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if route.has_oauth_errors() {
        // RFC 6749 section 5.1 asks for it beside Cache-Control.
        headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    }
    if last {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

/// The body's size, if it is known without reading the body.
fn body_size(response: &mut Response) -> Option<u64> {
    let body: BoxBody<bytes::Bytes, std::io::Error> = response.take_body().into();
    let size = body.size_hint().exact();
    response.set_body(Body::from(body));
    size
}

#[cfg(test)]
mod tests;
