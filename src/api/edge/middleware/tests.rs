//! The edge around any endpoint.

use poem::endpoint::make;
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};

use super::*;
use crate::api::edge::operation::{Operation, RateLimit};
use crate::api::edge::rate_limits::source_of;
use crate::cache::{Cache, Memory};
use crate::clock::Clock;
use crate::config::{Networks, RateLimits, Switch};
use crate::limits::Throttle;
use crate::metrics::{CatalogueRecorder, Limiter, Scheme};
use catalogue::endpoints::{self, Objectives};

fn no_limits() -> EdgeLimits {
    let rates = RateLimits::uniform(Switch::Off, "1/1s".parse().expect("a rate"));
    let cache = Arc::new(Cache::Memory(Memory::new(Clock::system(), 1000)));
    let throttle = Throttle::new(rates, b"", cache, Clock::system());
    EdgeLimits::new(Arc::new(throttle), Networks::default())
}

const fn operation(template: &'static str) -> Operation {
    with_method(Method::Get, template)
}

const fn with_method(method: Method, template: &'static str) -> Operation {
    let endpoint = endpoints::Endpoint {
        id: template,
        method,
        template,
        objectives: Objectives::Availability,
    };
    Operation::new(endpoint, Access::Public)
}

const OPERATIONS: &[Operation] = &[
    operation("/well"),
    operation("/ill"),
    operation("/oauth").oauth_errors(),
    operation("/limited").rate_limit(RateLimit::BySource(Limiter::Login)),
    with_method(Method::Post, "/change"),
    with_method(Method::Post, "/hash").stops_with_client(),
];

fn edge<E>(inner: E) -> Edge<E> {
    let routes = OPERATIONS.iter().map(|operation| (operation, vec![200]));
    Edge::new(
        inner,
        Arc::new(Routes::new(routes, Scheme::Http)),
        no_limits(),
        Arc::default(),
        Duration::MAX,
        None,
        String::new(),
    )
}

/// A handler that panics unless it is asked for `/well`.
fn panicking() -> Edge<impl Endpoint<Output = Response>> {
    edge(make(|request: Request| async move {
        assert_eq!(request.uri().path(), "/well", "hunter2");
        Response::builder().body("well")
    }))
}

async fn get<E: Endpoint<Output = Response> + 'static>(
    edge: &Edge<E>,
    path: &str,
) -> (Response, String) {
    let request = Request::builder()
        .uri(path.parse().expect("a URI"))
        .header(header::HOST, "localhost")
        .finish();
    let mut response = edge.call(request).await.expect("never an error");
    let body = response.take_body().into_string().await.expect("text");
    (response, body)
}

/// What is measured while this future runs.
fn scrape_after(work: impl Future<Output = ()>) -> String {
    let recorder = CatalogueRecorder::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    ::metrics::with_local_recorder(&recorder, || {
        runtime.block_on(work);
    });
    recorder.handle().render()
}

/// The sum of a metric's series with this label.
fn sum(scrape: &str, name: &str, label: &str) -> u64 {
    let series = scrape
        .lines()
        .filter(|line| line.starts_with(name) && line.contains(label));
    let values = series.map(|line| line.rsplit(' ').next().expect("a value"));
    values
        .map(|value| value.parse::<u64>().expect("a number"))
        .sum()
}

#[test]
fn answer_has_a_size_and_an_abandoned_request_is_counted_as_one() {
    let scrape = scrape_after(async {
        get(&panicking(), "/well").await;
        assert!(!goes_on_without_its_client("/hash").await);
    });
    for (name, well, hash) in [
        ("http_server_response_body_size_bytes_sum", 4, 0),
        ("http_server_response_body_size_bytes_count", 1, 0),
        ("http_server_requests_aborted_total", 0, 1),
        ("http_server_request_duration_seconds_count", 1, 1),
    ] {
        assert_eq!(sum(&scrape, name, "\"/well\""), well, "{name}\n{scrape}");
        assert_eq!(sum(&scrape, name, "\"/hash\""), hash, "{name}\n{scrape}");
    }
    let aborted = "error_type=\"aborted\"";
    let duration = "http_server_request_duration_seconds_count";
    assert_eq!(sum(&scrape, duration, aborted), 1, "{scrape}");
}

#[test]
fn a_panic_is_counted_and_answered_with_a_500_and_the_service_goes_on() {
    let scrape = scrape_after(async {
        let edge = panicking();
        for _ in 0..2 {
            let (response, body) = get(&edge, "/ill").await;
            let problem: Value = serde_json::from_str(&body).expect("JSON");
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert_eq!(response.content_type(), Some("application/problem+json"));
            assert_eq!(problem["type"], "/problems/internal");
            assert_eq!(problem["instance"], "/ill");
            let id = response.header("x-request-id").expect("an id");
            assert_eq!(problem["request_id"], id);
            assert!(!body.contains("hunter2"), "{body}");
            assert_eq!(get(&edge, "/well").await.1, "well");
        }
        let (response, body) = get(&edge, "/oauth").await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let error: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(error["error"], "server_error");
    });
    assert!(scrape.contains("http_server_panics_total 3"), "{scrape}");
    let label = "http_route=\"/ill\",http_response_status_code=\"500\"";
    let duration = "http_server_request_duration_seconds_count";
    for (label, count) in [(label, 2), ("error_type=\"500\"", 3), ("error_type=", 3)] {
        assert_eq!(sum(&scrape, duration, label), count, "{label}\n{scrape}");
    }
}

#[tokio::test]
async fn a_source_that_the_record_does_not_name_is_a_server_error() {
    let asking = edge(make(|request: Request| async move {
        source_of(&request).map_err(Problem::from)?;
        Ok::<_, poem::Error>(Response::builder().body("well"))
    }));
    // These requests have no connection, so there is no address to fall back to, either.
    for path in ["/well", "/limited"] {
        let (response, body) = get(&asking, path).await;
        assert_eq!(
            response.status(),
            StatusCode::INTERNAL_SERVER_ERROR,
            "{path}"
        );
        let problem: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(problem["type"], "/problems/internal");
    }
}

/// Requests this path and disconnects while the handler runs. Returns whether the handler completes.
async fn goes_on_without_its_client(path: &str) -> bool {
    let (begun, mut begins) = mpsc::unbounded_channel();
    let (ended, mut ends) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let edge = edge(make(move |_| {
        let (begun, ended, gate) = (begun.clone(), ended.clone(), Arc::clone(&closed));
        async move {
            begun.send(()).expect("awaited");
            let _permit = gate.acquire().await.expect("open");
            ended.send(()).expect("awaited");
            Response::builder().body("changed")
        }
    }));
    let request = Request::builder()
        .method(poem::http::Method::POST)
        .uri(path.parse().expect("a URI"))
        .header("host", "x")
        .finish();
    let mut answer = Box::pin(edge.call(request));
    tokio::select! {
        biased;
        _ = &mut answer => panic!("answered"),
        begun = begins.recv() => begun.expect("begun"),
    }
    drop(answer);
    // With the edge, only a handler that still works has the other ends of the channels.
    drop(edge);
    gate.add_permits(1);
    ends.recv().await.is_some()
}

#[tokio::test]
async fn change_goes_on_without_its_client_and_a_hash_does_not() {
    assert!(goes_on_without_its_client("/change").await);
    assert!(!goes_on_without_its_client("/hash").await);
}

#[test]
fn trailing_slashes_are_the_same_path() {
    for (from, to) in [
        ("/login/", "/login"),
        ("/login", "/login"),
        ("/", "/"),
        ("//", "/"),
        ("/a/b//?x=1", "/a/b?x=1"),
    ] {
        let mut uri: Uri = from.parse().expect("a URI");
        strip_trailing_slash(&mut uri);
        assert_eq!(uri.to_string(), to);
    }
}

#[test]
fn every_method_has_a_label_and_unknown_ones_share_theirs() {
    for method in Method::ALL {
        let name = method.word().as_bytes();
        let named = HttpMethod::from_bytes(name).expect("a method");
        assert_eq!(label(&named), *method);
    }
}

#[test]
fn rules_say_what_is_wanted_and_repeat_nothing() {
    assert_eq!(
        rule("failed to parse \"string(uuid)\": found s3cret"),
        "must be a UUID"
    );
    assert_eq!(
        rule("verification failed. maximum(200, exclusive: false)"),
        "must be at most 200"
    );
    assert!(!rule("failed to parse \"x\": s3cret").contains("s3cret"));
}
