//! Limits recover. How soon each permit comes back is tested in `cache/permits.rs`.

use std::time::Instant;

use futures_util::future::join_all;
use serde_json::json;

use super::{change_password, limits, login, refresh, register};
use crate::harness::{ADMIN_PASSWORD, Answer, PATIENCE, until};

/// Asks many times at once until this limit of two in three seconds refuses; then until it does not
/// any more.
async fn refuses_and_recovers(limit: &str, ask: impl AsyncFn(usize) -> Answer) {
    const CALLS: usize = 20;
    let refused = |answer: &Answer| {
        assert!(answer.status != 429 || answer.header("ratelimit").starts_with(limit));
        answer.status == 429
    };
    let start = Instant::now();
    let mut waits = Vec::new();
    let mut number = 0;
    // Once is enough, unless the machine is so slow that the limit recovers between two calls.
    while waits.is_empty() {
        assert!(start.elapsed() < PATIENCE, "never refused");
        let calls = (number..number + CALLS).map(|number| ask(number));
        number += CALLS;
        let answers = join_all(calls).await;
        let refused = answers.iter().filter(|answer| refused(answer));
        waits.extend(refused.map(|answer| {
            answer
                .header("retry-after")
                .parse::<u64>()
                .expect("seconds")
        }));
    }
    assert!(waits.iter().all(|wait| (1..=2).contains(wait)), "{waits:?}");
    until("allowed again", || async { !refused(&ask(number).await) }).await;
}

const RATE: &str = "2/3s";

/// An address for each number.
fn address(number: usize) -> String {
    format!("198.51.{}.{}", number / 200 % 200, number % 200)
}

#[tokio::test]
async fn rate_limits_by_client_address_recover() {
    let names = ["LOGIN_SOURCE", "REGISTER_SOURCE", "REFRESH_SOURCE"];
    let server = limits(&names.map(|name| (name, RATE))).start().await;
    tokio::join!(
        refuses_and_recovers("\"login\"", async |_| {
            login(&server, "192.0.2.1", "admin", ADMIN_PASSWORD).await
        }),
        refuses_and_recovers("\"register\"", async |number| {
            let email = format!("alice-{number}@example.com");
            register(&server, "192.0.2.1", "alice", &email).await
        }),
        refuses_and_recovers("\"refresh\"", async |_| {
            refresh(&server, "192.0.2.1", "nonsense").await
        }),
    );
}

#[tokio::test]
async fn rate_limits_by_account_recover() {
    let names = [
        "LOGIN_ACCOUNT",
        "REGISTER_ACCOUNT",
        "REFRESH_ACCOUNT",
        "PASSWORD_ACCOUNT",
    ];
    let server = limits(&names.map(|name| (name, RATE))).start().await;
    let user = server.user("bob").await;
    let token = user.refresh.clone().expect("a token");
    tokio::join!(
        refuses_and_recovers("\"login\"", async |number| {
            login(&server, &address(number), "admin", ADMIN_PASSWORD).await
        }),
        refuses_and_recovers("\"register\"", async |number| {
            let email = format!("alice-{number}@example.com");
            register(&server, &address(number), "alice", &email).await
        }),
        refuses_and_recovers("\"refresh\"", async |number| {
            refresh(&server, &address(number), &token).await
        }),
        refuses_and_recovers("\"password\"", async |_| {
            change_password(&user, "wrong").await
        }),
    );
}

#[tokio::test]
async fn general_rate_limit_recovers() {
    let server = limits(&[("GENERAL", RATE)]).start().await;
    let anon = server.anon();
    let ask = async |_| anon.post("/nothing", &json!({})).await;
    refuses_and_recovers("\"general\"", ask).await;
}
