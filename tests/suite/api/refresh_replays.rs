//! Replays of refresh tokens: legitimate clients continue, thieves do not.

use reqwest::Method;
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::harness::{Answer, Client, Metrics, PASSWORD, Server};

const HOME: &str = "192.0.2.10";
/// Another address of the same network.
const TABLET: &str = "192.0.2.11";
const ELSEWHERE: &str = "198.51.100.7";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const UPDATED: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0";

/// The grace period is as long as it may be: no machine is so slow that it ends within a test.
async fn with_grace(grace: &str) -> Server {
    let builder = Server::builder().env("REFRESH_GRACE", grace);
    builder.env("TRUSTED_PROXIES", "127.0.0.1").start().await
}

/// Refreshes from this address as this client.
async fn refresh(client: &Client, address: &str, user_agent: &str) -> Answer {
    let request = client.request(Method::POST, "/refresh");
    let request = request
        .header("x-forwarded-for", address)
        .header("user-agent", user_agent)
        .json(&json!({ "refresh_token": client.refresh }));
    Answer::of(request).await
}

async fn refreshed(client: &Client, address: &str, user_agent: &str) -> Client {
    let answer = refresh(client, address, user_agent).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    client.with(&answer.json)
}

fn counted(metrics: &Metrics) -> [f64; 4] {
    [
        "unused_replay",
        "grace_replay",
        "family_revoked",
        "family_revoked_unused",
    ]
    .map(|action| metrics.sum("auth_refresh_reuse_detected_total", &[("action", action)]))
}

#[tokio::test]
async fn client_whose_answer_was_lost_goes_on_however_late() {
    let server = with_grace("0s").await;
    let mut phone = server.user("alice").await;
    for _ in 0..3 {
        let lost = phone.refreshed().await;
        let again = refreshed(&phone, ELSEWHERE, FIREFOX).await;
        assert_eq!(again.refresh, lost.refresh);
        assert_ne!(again.access, lost.access);
        let again = phone.refreshed().await;
        again.id().await;
        phone = again.refreshed().await;
        phone.id().await;
    }
    assert_eq!(counted(&server.metrics().await), [6.0, 0.0, 0.0, 0.0]);
}

#[tokio::test]
async fn used_successor_is_given_again_once_within_grace_to_the_same_client() {
    let server = with_grace("60s").await;
    let start = server.user("alice").await;
    let one = refreshed(&start, HOME, FIREFOX).await;
    one.id().await;
    let tab = refreshed(&start, TABLET, UPDATED).await;
    assert_eq!(tab.refresh, one.refresh);
    tab.id().await;
    let third = refresh(&start, HOME, FIREFOX).await;
    third.oauth(400, "invalid_grant");
    for client in [&one, &tab] {
        client.get("/users/me").await.invalid_token();
    }
    assert_eq!(counted(&server.metrics().await), [0.0, 1.0, 1.0, 0.0]);
}

#[tokio::test]
async fn thief_gets_nothing_within_grace_from_another_network_or_kind_of_client() {
    let server = with_grace("60s").await;
    server.register("alice").await;
    for (address, user_agent) in [(ELSEWHERE, FIREFOX), (HOME, "curl/8.5.0")] {
        let start = server.login("alice", PASSWORD).await;
        let owner = refreshed(&start, HOME, FIREFOX).await;
        owner.id().await;
        let thief = refresh(&start, address, user_agent).await;
        thief.oauth(400, "invalid_grant");
        owner.get("/users/me").await.invalid_token();
    }
    assert_eq!(counted(&server.metrics().await), [0.0, 0.0, 2.0, 0.0]);
}

#[tokio::test]
async fn thief_beside_the_owner_is_noticed_in_the_second_generation() {
    let server = with_grace("60s").await;
    let start = server.user("alice").await;
    let owner = refreshed(&start, HOME, FIREFOX).await;
    let sessions = owner.get("/users/me/sessions").await.json;
    let session = sessions["items"][0]["id"].as_str().expect("an id");
    let thief = refreshed(&start, HOME, FIREFOX).await;
    assert_eq!(thief.refresh, owner.refresh);
    let next = refreshed(&owner, HOME, FIREFOX).await;
    next.id().await;
    let answer = refresh(&thief, HOME, FIREFOX).await;
    answer.oauth(400, "invalid_grant");
    next.get("/users/me").await.invalid_token();
    assert_eq!(counted(&server.metrics().await), [0.0, 1.0, 1.0, 0.0]);
    let log = server.log();
    let lines = log
        .lines()
        .filter(|line| line.contains("authn_token_reuse"));
    let lines: Vec<_> = lines.collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(lines[0].contains("family_revoked"), "{}", lines[0]);
    assert!(lines[0].contains(session), "{}", lines[0]);
}

/// Every access token of a generation counts, and so does a request that is refused for a permission.
#[tokio::test]
async fn denied_request_is_a_use() {
    let server = with_grace("0s").await;
    let start = server.user("alice").await;
    let lost = start.refreshed().await;
    start.refreshed().await;
    lost.get("/admin/users").await.problem(403, "forbidden");
    start.refresh().await.oauth(400, "invalid_grant");
    assert_eq!(counted(&server.metrics().await), [1.0, 0.0, 1.0, 0.0]);
}

#[tokio::test]
async fn successor_that_does_not_open_is_refused_and_ends_nothing() {
    let server = Server::builder().embedded().start().await;
    let start = server.user("alice").await;
    let next = start.refreshed().await;
    let file = server.path().join("data").join("rbac-sentinel.db");
    let options = SqliteConnectOptions::new().filename(file);
    let mut database = options.connect().await.expect("it opens");
    let damage = "UPDATE refresh_tokens SET successor = x'00' WHERE successor IS NOT NULL";
    sqlx::query(damage)
        .execute(&mut database)
        .await
        .expect("damaged");
    database.close().await.expect("closed");
    start.refresh().await.oauth(400, "invalid_grant");
    next.refreshed().await.id().await;
    let labels = [("reason", "unreadable_successor")];
    let metrics = server.metrics().await;
    assert_eq!(metrics.sum("auth_token_refreshes_total", &labels), 1.0);
}
