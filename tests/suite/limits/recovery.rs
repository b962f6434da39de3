//! Nobody is refused for good.

use std::time::Instant;

use futures_util::future::join_all;
use serde_json::json;

use super::{change_password, limits, login, refresh, register};
use crate::harness::{ADMIN_PASSWORD, Answer, PATIENCE, until};

/// Asks many times at once until a limit of two in three seconds refuses; then until it does not
/// any more.
async fn refuses_and_recovers(ask: impl AsyncFn(usize) -> Answer) {
    const CALLS: usize = 20;
    let start = Instant::now();
    let mut waits = Vec::new();
    let mut number = 0;
    // Once is enough, unless the machine is so slow that the limit recovers between two calls.
    while waits.is_empty() {
        assert!(start.elapsed() < PATIENCE, "never refused");
        let calls = (number..number + CALLS).map(|number| ask(number));
        number += CALLS;
        let answers = join_all(calls).await;
        let refused = answers.iter().filter(|answer| answer.status == 429);
        waits.extend(refused.map(|answer| {
            answer
                .header("retry-after")
                .parse::<u64>()
                .expect("seconds")
        }));
    }
    assert!(waits.iter().all(|wait| (1..=2).contains(wait)), "{waits:?}");
    until("allowed again", || async {
        ask(number).await.status != 429
    })
    .await;
}

const RATE: &str = "2/3s";

#[tokio::test]
async fn login_rate_limit_recovers() {
    for name in ["LOGIN_SOURCE", "LOGIN_ACCOUNT"] {
        let server = limits(&[(name, RATE)]).start().await;
        refuses_and_recovers(async |_| login(&server, "192.0.2.1", "admin", ADMIN_PASSWORD).await)
            .await;
    }
}

#[tokio::test]
async fn registration_rate_limit_recovers() {
    for name in ["REGISTER_SOURCE", "REGISTER_ACCOUNT"] {
        let server = limits(&[(name, RATE)]).start().await;
        refuses_and_recovers(async |number| {
            let email = format!("alice-{number}@example.com");
            register(&server, "192.0.2.1", "alice", &email).await
        })
        .await;
    }
}

#[tokio::test]
async fn refresh_rate_limit_recovers() {
    for name in ["REFRESH_SOURCE", "REFRESH_ACCOUNT"] {
        let server = limits(&[(name, RATE)]).start().await;
        refuses_and_recovers(async |_| refresh(&server, "192.0.2.1", "nonsense").await).await;
    }
}

#[tokio::test]
async fn current_password_rate_limit_recovers() {
    let server = limits(&[("PASSWORD_ACCOUNT", RATE)]).start().await;
    let user = server.user("alice").await;
    refuses_and_recovers(async |_| change_password(&user, "wrong").await).await;
}

#[tokio::test]
async fn general_rate_limit_recovers() {
    let server = limits(&[("GENERAL", RATE)]).start().await;
    let anon = server.anon();
    refuses_and_recovers(async |_| anon.post("/nothing", &json!({})).await).await;
}
