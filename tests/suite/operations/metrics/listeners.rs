//! The listeners that serve metrics and probes, and those that do not.

use reqwest::Method;

use crate::harness::{Answer, Client, Server};
use testkit::exposition::Exposition;

fn ops(server: &Server) -> Client {
    Client {
        base: server.ops.clone(),
        access: None,
        refresh: None,
    }
}

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

#[tokio::test]
async fn ops_listener_serves_metrics_and_probes_only() {
    let server = Server::start().await;
    let ops = ops(&server);
    let scrape = ops.get("/metrics").await;
    assert_eq!(scrape.status, 200);
    assert_eq!(scrape.header("content-type"), TEXT);
    assert_eq!(scrape.header("cache-control"), "no-store");
    assert_eq!(ops.get("/livez").await.status, 200);
    assert_eq!(ops.get("/readyz").await.status, 200);
    for path in [
        "/",
        "/docs",
        "/login",
        "/users/me",
        "/openapi.json",
        "/health",
    ] {
        assert_eq!(ops.get(path).await.status, 404, "{path}");
    }
    assert_eq!(server.metrics().await.sum("auth_ready", &[]), 1.0);
}

#[tokio::test]
async fn api_serves_no_metrics_by_default() {
    let server = Server::start().await;
    for path in ["/metrics", "/metrics/", "/livez", "/readyz"] {
        server.anon().get(path).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn metrics_on_api_serves_and_counts_the_same_scrape() {
    let server = Server::builder()
        .env("METRICS_ON_API", "true")
        .start()
        .await;
    let scrape = server.anon().get("/metrics").await;
    assert_eq!(scrape.status, 200);
    assert_eq!(scrape.header("content-type"), TEXT);
    let here = Exposition::parse(&scrape.text).expect("series");
    let there = server.scrape().await;
    assert_eq!(here.identities(), there.identities());
    let count = "http_server_request_duration_seconds_count";
    let route = [("http_route", "/metrics")];
    assert_eq!(server.metrics().await.sum(count, &route), 1.0);
    // Probes stay on the operational listener.
    server.anon().get("/readyz").await.problem(404, "not-found");
}

#[tokio::test]
async fn scrape_is_compressed_on_request() {
    let server = Server::builder()
        .env("METRICS_ON_API", "true")
        .start()
        .await;
    for client in [ops(&server), server.anon()] {
        let plain = client.get("/metrics").await;
        assert_eq!(plain.header("content-encoding"), "");
        let request = client.request(Method::GET, "/metrics");
        let response = request
            .header("accept-encoding", "gzip")
            .send()
            .await
            .expect("answered");
        assert_eq!(response.status(), 200);
        let header = |name: &str| {
            let value = response.headers().get(name).expect("a header");
            value.to_str().expect("text").to_owned()
        };
        assert_eq!(header("content-encoding"), "gzip");
        assert_eq!(header("content-type"), TEXT);
        let body = response.bytes().await.expect("a body");
        assert_eq!(body[..2], [0x1f, 0x8b]);
        assert!(body.len() < plain.text.len() / 5, "{} bytes", body.len());
    }
}

#[tokio::test]
async fn scrape_does_not_change_what_it_measures() {
    let server = Server::start().await;
    let request_series = async || {
        let scrape = server.scrape().await;
        scrape
            .series
            .into_iter()
            .filter(|series| series.name.starts_with("http_server_"))
            // A scrape is a connection.
            .filter(|series| series.label("listener") != "ops")
            .collect::<Vec<_>>()
    };
    let sorted = |mut series: Vec<testkit::exposition::Series>| {
        series.sort_by_key(testkit::exposition::Series::identity);
        series
    };
    let first = sorted(request_series().await);
    let answers = [
        Answer::of(ops(&server).request(Method::GET, "/nothing")).await,
        ops(&server).get("/readyz").await,
    ];
    assert_eq!(answers.map(|answer| answer.status), [404, 200]);
    assert_eq!(sorted(request_series().await), first);
}
