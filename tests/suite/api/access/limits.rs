//! The rate limit of decisions: a service asks for all of its users, from one address.

use reqwest::Method;

use super::{EVALUATION, question};
use crate::harness::{Answer, Builder, Client, Server};

const HERE: &str = "192.0.2.1";
const ELSEWHERE: &str = "192.0.2.2";

/// A server with these limits and no others that matter.
fn limited(general: &str, decisions: &str) -> Builder {
    Server::builder()
        .env("RATE_LIMITS", "on")
        .env("TRUSTED_PROXIES", "127.0.0.1")
        .env("RATE_LIMIT_GENERAL", general)
        .env("RATE_LIMIT_DECISIONS_ACCOUNT", decisions)
}

async fn ask(client: &Client, address: &str) -> Answer {
    let body = question("user/alice", "read", "posts/7");
    let request = client.request(Method::POST, EVALUATION).json(&body);
    Answer::of(request.header("x-forwarded-for", address)).await
}

async fn get(client: &Client, address: &str, path: &str) -> u16 {
    let request = client.request(Method::GET, path);
    Answer::of(request.header("x-forwarded-for", address))
        .await
        .status
}

#[tokio::test]
async fn decisions_count_by_account_and_not_by_address() {
    let server = limited("10/1h", "30/1h").start().await;
    let admin = server.admin().await;
    for _ in 0..29 {
        assert_eq!(ask(&admin, HERE).await.status, 200);
    }
    // Whatever is asked, and from everywhere.
    let forward = "/authz/forward?permission=posts:read";
    assert_eq!(get(&admin, ELSEWHERE, forward).await, 403);
    for address in [HERE, ELSEWHERE] {
        let refused = ask(&admin, address).await;
        refused.problem(429, "rate-limited");
        assert_eq!(refused.json["limit"], "decisions");
        assert_eq!(refused.json["counted"], "account");
    }
    assert_eq!(get(&admin, HERE, forward).await, 429);
    // Other requests of the address have their own limit.
    assert_eq!(get(&admin, HERE, "/users/me").await, 200);
    let metrics = server.metrics().await;
    let counted = |limiter, decision| {
        let labels = [("limiter", limiter), ("decision", decision)];
        metrics.sum("auth_rate_limit_decisions_total", &labels)
    };
    assert_eq!(counted("decisions", "allow"), 30.0);
    assert_eq!(counted("decisions", "deny"), 3.0);
}

#[tokio::test]
async fn refused_callers_count_by_address_apart_from_other_requests() {
    let server = limited("5/1h", "1000/1h").start().await;
    let admin = server.admin().await;
    let forged = server.anon().token("forged");
    let user = server.user("alice").await;
    for caller in [&forged, &forged, &server.anon(), &user, &forged] {
        let status = ask(caller, HERE).await.status;
        assert!([401, 403].contains(&status), "{status}");
    }
    // No token is looked at any more.
    for caller in [&forged, &admin] {
        let refused = ask(caller, HERE).await;
        refused.problem(429, "rate-limited");
        assert_eq!(refused.json["limit"], "general");
        assert_eq!(refused.json["counted"], "source");
    }
    assert_eq!(get(&admin, HERE, "/users/me").await, 200);
    assert_eq!(ask(&admin, ELSEWHERE).await.status, 200);
    // Conversely: people who use up the limit of an address do not keep the service there from asking.
    for _ in 0..5 {
        get(&server.anon(), ELSEWHERE, "/nothing").await;
    }
    assert_eq!(get(&admin, ELSEWHERE, "/users/me").await, 429);
    assert_eq!(ask(&admin, ELSEWHERE).await.status, 200);
}
