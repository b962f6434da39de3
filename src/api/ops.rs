//! The operational listener: metrics and probes. Private by default: a public `/metrics` of an
//! authentication service reveals how many accounts there are and how often logins fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bytes::Bytes;
use poem::http::{StatusCode, header};
use poem::web::Data;
use poem::{Endpoint, EndpointExt as _, IntoResponse, Request, Response, Route, get, handler};
use tokio::task::JoinError;

use super::edge::content_coding::{Coding, negotiate};
use super::edge::operation::{Access, Operation};
use super::edge::security_headers::SecurityHeaders;
use super::kept_scrape::{KeptScrape, encode};
use super::pages::Documentation;
use crate::clock::Clock;
use crate::decisions::registry::Registry;
use crate::metrics::{HTTP_ACTIVE, MetricsHandle, READY, RENDER_DURATION};
use crate::sessions::Sessions;
use crate::store::Store;
use catalogue::endpoints;

/// Whether load balancers should send requests here.
#[derive(Debug, Default)]
pub struct Readiness {
    dependencies: AtomicBool,
    stopping: AtomicBool,
}

impl Readiness {
    /// Sets whether the dependencies answer.
    pub fn set_dependencies(&self, up: bool) {
        self.dependencies.store(up, Ordering::SeqCst);
        self.publish();
    }

    /// Sets not ready permanently: the service is shutting down.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.publish();
    }

    /// Whether the service is ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.dependencies.load(Ordering::SeqCst) && !self.stopping.load(Ordering::SeqCst)
    }

    fn publish(&self) {
        READY.set((), if self.is_ready() { 1.0 } else { 0.0 });
    }
}

/// The sources of a scrape.
#[derive(Clone)]
pub struct Scrape {
    /// Renders the recorded metrics.
    pub recorder: MetricsHandle,
    /// Reads the metrics of the process.
    pub process: metrics_process::Collector,
    /// Sets the gauges of caches.
    pub sessions: Arc<Sessions>,
    /// Sets the gauge of its cache.
    pub registry: Arc<Registry>,
    /// Sets the gauges of connection pools.
    pub store: Store,
}

impl Scrape {
    /// Prometheus' text format. Blocks for some milliseconds.
    fn render(&self) -> String {
        let start = Instant::now();
        self.process.collect();
        self.sessions.observe();
        self.registry.observe();
        self.store.observe_pools();
        HTTP_ACTIVE.show();
        let text = self.recorder.render();
        RENDER_DURATION.set((), start.elapsed().as_secs_f64());
        text
    }
}

/// The endpoints of the operational listener, with the documentation if it is served here, to
/// clients that reach the service by HTTPS alone or not.
pub fn endpoint(
    scrape: Scrape,
    readiness: Arc<Readiness>,
    documentation: Option<Documentation>,
    https: bool,
) -> impl Endpoint<Output = Response> {
    let route = Route::new()
        .at("/metrics", metrics_endpoint(scrape))
        .at("/livez", get(livez))
        .at("/readyz", get(readyz).data(readiness));
    let route = match documentation {
        Some(documentation) => documentation.mount(route),
        None => route,
    };
    SecurityHeaders::new(route.map_to_response(), https)
}

/// The record of `/metrics`, where it is served beside the API.
pub const OPERATION: Operation = Operation::new(endpoints::METRICS, Access::Public).any_query();

/// A public `/metrics`: at most one scrape a second is rendered.
pub fn public_metrics(scrape: Scrape, clock: Clock) -> impl Endpoint<Output = Response> {
    let kept = KeptScrape::new(move || scrape.render(), clock);
    get(kept_metrics).data(kept).map_to_response()
}

fn metrics_endpoint(scrape: Scrape) -> impl Endpoint<Output = Response> {
    get(scrape_metrics).data(scrape).map_to_response()
}

#[handler]
async fn scrape_metrics(request: &Request, scrape: Data<&Scrape>) -> Response {
    let scrape = scrape.0.clone();
    let coding = coding(request);
    let render = move || encode(scrape.render(), coding);
    answer(tokio::task::spawn_blocking(render).await, coding)
}

#[handler]
async fn kept_metrics(request: &Request, kept: Data<&KeptScrape>) -> Response {
    let coding = coding(request);
    answer(kept.body(coding).await, coding)
}

fn coding(request: &Request) -> Coding {
    negotiate(request.headers(), &[Coding::Gzip])
}

fn answer(body: Result<Bytes, JoinError>, coding: Coding) -> Response {
    match body {
        Ok(body) => {
            let mut response = Response::builder()
                .content_type("text/plain; version=0.0.4; charset=utf-8")
                .header(header::CACHE_CONTROL, "no-store")
                .header(header::VARY, "accept-encoding");
            if let Some(name) = coding.name() {
                response = response.header(header::CONTENT_ENCODING, name);
            }
            response.body(body)
        }
        Err(error) => {
            tracing::error!(%error, "rendering metrics failed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[handler]
fn livez() -> &'static str {
    "ok\n"
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the framework hands extractors over"
)]
#[handler]
fn readyz(readiness: Data<&Arc<Readiness>>) -> Response {
    if readiness.is_ready() {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response()
    }
}
