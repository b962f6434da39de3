//! The limit that every request counts against, before its route is known.

use catalogue::options::rate_limits;
use reqwest::Method;
use serde_json::json;

use super::{decisions, from, limits};
use crate::harness::{Answer, Server, http};
use crate::raw::Raw;

const HOME: &str = "192.0.2.1";

async fn get(server: &Server, address: &str, path: &str) -> Answer {
    Answer::of(from(address, server.anon().request(Method::GET, path))).await
}

async fn post(server: &Server, address: &str, path: &str) -> Answer {
    let request = server.anon().request(Method::POST, path).json(&json!({}));
    Answer::of(from(address, request)).await
}

#[tokio::test]
async fn rate_limit_counts_every_request() {
    let server = limits(&[("GENERAL", "6/1h")]).start().await;
    for (path, status) in [
        ("/docs", 200),
        ("/openapi.json", 200),
        ("/users/me", 401),
        ("/nothing/at/all", 404),
        ("/login", 405),
        ("/.well-known/jwks.json", 200),
    ] {
        assert_eq!(get(&server, HOME, path).await.status, status, "{path}");
    }
    for path in ["/docs", "/users/me", "/nothing/at/all", "/"] {
        get(&server, HOME, path).await.limited("general", "source");
    }
    for path in ["/login", "/refresh"] {
        post(&server, HOME, path).await.oauth_limited("general");
    }
    assert_eq!(get(&server, "192.0.2.2", "/docs").await.status, 200);
    let metrics = server.metrics().await;
    assert_eq!(decisions(&metrics, "general", "allow"), 7.0);
    assert_eq!(decisions(&metrics, "general", "deny"), 6.0);
    let unmatched = [
        ("http_route", "unmatched"),
        ("http_response_status_code", "429"),
    ];
    let name = "http_server_request_duration_seconds_count";
    assert_eq!(metrics.sum(name, &unmatched), 1.0);
}

#[tokio::test]
async fn probes_and_scrapes_are_never_rate_limited() {
    let server = limits(&[("GENERAL", "1/1h")]).start().await;
    assert_eq!(get(&server, HOME, "/docs").await.status, 200);
    for _ in 0..5 {
        get(&server, HOME, "/docs")
            .await
            .limited("general", "source");
        for path in ["/health", "/health/"] {
            assert_eq!(get(&server, HOME, path).await.status, 200);
        }
        for path in ["/metrics", "/livez", "/readyz"] {
            let request = http().get(format!("{}{path}", server.ops));
            assert_eq!(Answer::of(from(HOME, request)).await.status, 200, "{path}");
        }
    }
    let metrics = server.metrics().await;
    assert_eq!(decisions(&metrics, "general", "allow"), 1.0);
}

#[tokio::test]
async fn rate_limit_refuses_before_reading_the_body() {
    let server = limits(&[("GENERAL", "1/1h")]).start().await;
    assert_eq!(server.anon().get("/docs").await.status, 200);
    let mut raw = Raw::open(&server).await;
    let headers = ["Content-Type: application/json", "Content-Length: 100"];
    raw.head("POST /register", &headers).await;
    // The body never comes.
    let answer = raw.answer().await;
    assert_eq!(answer.status, 429, "{}", answer.head);
    assert_eq!(answer.json()["limit"], "general");
}

#[tokio::test]
async fn rate_limits_off_limits_and_counts_nothing() {
    let rates: Vec<_> = rate_limits().map(|name| (name, "1/1h")).collect();
    let server = limits(&rates).env("RATE_LIMITS", "off").start().await;
    let user = server.user("alice").await;
    for _ in 0..3 {
        assert_eq!(server.anon().login("alice", "wrong").await.status, 400);
        assert_eq!(user.get("/users/me").await.status, 200);
        assert_ne!(post(&server, HOME, "/nothing").await.status, 429);
    }
    let metrics = server.metrics().await;
    assert_eq!(metrics.sum("auth_rate_limit_decisions_total", &[]), 0.0);
    assert!(server.log().contains("RATE_LIMITS=off"), "{}", server.log());
}
