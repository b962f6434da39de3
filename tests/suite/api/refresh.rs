//! Refresh: rotation, reuse, and the ends of sessions.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Client, Metrics, PASSWORD, PATIENCE, Server};

async fn without_grace() -> Server {
    Server::builder().env("REFRESH_GRACE", "0s").start().await
}

/// The grace period is as long as it may be: no machine is so slow that it ends within a test.
async fn with_grace() -> Server {
    Server::builder().env("REFRESH_GRACE", "60s").start().await
}

fn reuse(metrics: &Metrics, action: &str) -> f64 {
    metrics.sum("auth_refresh_reuse_detected_total", &[("action", action)])
}

fn refreshes(metrics: &Metrics, reason: &str) -> f64 {
    metrics.sum("auth_token_refreshes_total", &[("reason", reason)])
}

/// Asserts that neither token of any of these works.
async fn assert_dead(clients: &[&Client]) {
    for client in clients {
        client.get("/users/me").await.invalid_token();
        client.refresh().await.oauth(400, "invalid_grant");
    }
}

#[tokio::test]
async fn refresh_rotates_both_tokens() {
    let server = without_grace().await;
    let mut client = server.user("alice").await;
    for _ in 0..3 {
        let answer = client.refresh().await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.json["token_type"], "bearer");
        assert_eq!(answer.json["expires_in"], 900);
        let next = client.with(&answer.json);
        assert_ne!(next.refresh, client.refresh);
        assert_ne!(next.access, client.access);
        assert_eq!(next.get("/users/me").await.status, 200);
        client = next;
    }
    let sessions = client.get("/users/me/sessions").await;
    assert_eq!(sessions.json["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn refresh_token_reuse_ends_the_session() {
    let server = without_grace().await;
    let stolen = server.user("alice").await;
    let other = server.login("alice", PASSWORD).await;
    let newest = stolen.refreshed().await.refreshed().await;
    newest.warm_up().await;
    other.warm_up().await;

    stolen.refresh().await.oauth(400, "invalid_grant");
    newest.get("/users/me").await.invalid_token();
    assert_dead(&[&newest, &stolen]).await;
    // The account's other session is another family.
    assert_eq!(other.get("/users/me").await.status, 200);
    other.refreshed().await;

    let metrics = server.metrics().await;
    assert_eq!(reuse(&metrics, "family_revoked"), 1.0);
    assert_eq!(reuse(&metrics, "grace_replay"), 0.0);
    assert_eq!(reuse(&metrics, "unused_replay"), 0.0);
    assert_eq!(refreshes(&metrics, "reused"), 1.0);
    assert_eq!(refreshes(&metrics, "revoked"), 2.0);
    let revoked = metrics.sum("auth_tokens_revoked_total", &[("reason", "reuse")]);
    assert_eq!(revoked, 1.0);
}

#[tokio::test]
async fn refresh_token_reuse_without_grace_ends_the_session() {
    let server = without_grace().await;
    let first = server.user("alice").await;
    let second = first.refreshed().await;
    second.warm_up().await;
    first.refresh().await.oauth(400, "invalid_grant");
    assert_dead(&[&second, &first]).await;
}

#[tokio::test]
async fn concurrent_refresh_token_reuse_ends_the_session_once() {
    let server = without_grace().await;
    let stolen = server.user("alice").await;
    let newest = stolen.refreshed().await;
    newest.warm_up().await;
    for answer in join_all((0..20).map(|_| stolen.refresh())).await {
        answer.oauth(400, "invalid_grant");
    }
    assert_dead(&[&newest]).await;
    let metrics = server.metrics().await;
    assert_eq!(reuse(&metrics, "family_revoked"), 1.0);
    assert_eq!(refreshes(&metrics, "revoked"), 20.0);
}

#[tokio::test]
async fn concurrent_refreshes_within_grace_both_continue() {
    let server = with_grace().await;
    let start = server.user("alice").await;
    let (left, right) = (start.refreshed().await, start.refreshed().await);
    assert_eq!(left.refresh, right.refresh);
    assert_ne!(left.access, right.access);
    for tab in [&left, &right, &start] {
        assert_eq!(tab.get("/users/me").await.status, 200);
    }
    let (left, right) = (left.refreshed().await, right.refreshed().await);
    assert_eq!(left.refresh, right.refresh);
    for tab in [&left, &right] {
        assert_eq!(tab.get("/users/me").await.status, 200);
    }
    let metrics = server.metrics().await;
    assert_eq!(reuse(&metrics, "unused_replay"), 2.0);
    assert_eq!(reuse(&metrics, "family_revoked"), 0.0);
}

#[tokio::test]
async fn refresh_grace_covers_the_previous_token_only() {
    let server = with_grace().await;
    let first = server.user("alice").await;
    let second = first.refreshed().await;
    let third = second.refreshed().await;
    third.warm_up().await;
    first.refresh().await.oauth(400, "invalid_grant");
    assert_dead(&[&third, &second, &first]).await;
    let metrics = server.metrics().await;
    assert_eq!(reuse(&metrics, "family_revoked"), 1.0);
}

#[tokio::test]
async fn fifty_concurrent_refreshes_leave_one_rotation_chain() {
    let server = with_grace().await;
    let start = server.user("alice").await;
    let next = join_all((0..50).map(|_| start.refreshed())).await;
    for tab in &next {
        assert_eq!(tab.refresh, next[0].refresh);
        assert_eq!(tab.get("/users/me").await.status, 200);
    }
    let metrics = server.metrics().await;
    assert_eq!(refreshes(&metrics, "none"), 50.0);
    assert_eq!(reuse(&metrics, "unused_replay"), 49.0);

    let sessions = next[0].get("/users/me/sessions").await;
    assert_eq!(sessions.json["items"].as_array().map(Vec::len), Some(1));
    // The successor works; after its use the first token counts as reused.
    let newest = next[7].refreshed().await;
    assert_ne!(newest.refresh, next[0].refresh);
    start.refresh().await.oauth(400, "invalid_grant");
    assert_dead(&[&newest, &next[0], &start]).await;
}

#[tokio::test]
async fn refresh_with_invalid_token_is_rejected_and_ends_nothing() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    let access = alice.access.clone().expect("a token");
    let refresh = alice.refresh.clone().expect("a token");
    let unknown = format!("rt_{}", "A".repeat(43));
    let cut = &refresh[..refresh.len() - 1];
    let bare = refresh.trim_start_matches("rt_");
    for garbage in [
        "",
        "garbage",
        &unknown,
        &access,
        cut,
        bare,
        &format!(" {refresh}"),
    ] {
        let body = json!({ "refresh_token": garbage });
        let answer = server.anon().post("/refresh", &body).await;
        answer.oauth(400, "invalid_grant");
        assert!(
            garbage.is_empty() || !answer.text.contains(garbage),
            "{}",
            answer.text
        );
    }
    // A refresh token is no access token.
    server
        .anon()
        .token(&refresh)
        .get("/users/me")
        .await
        .invalid_token();
    assert_eq!(refreshes(&server.metrics().await, "unknown_token"), 7.0);
    assert_eq!(alice.get("/users/me").await.status, 200);
    alice.refreshed().await;
}

#[tokio::test]
async fn malformed_refresh_answers_oauth_error() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    let token = alice.refresh.clone().expect("a token");
    for body in [
        json!({}),
        json!({ "refresh_token": null }),
        json!({ "refresh_token": [token] }),
        json!({ "refresh_token": token, "unheard_of": true }),
        json!(token),
        Value::Null,
    ] {
        let answer = alice.post("/refresh", &body).await;
        answer.oauth(400, "invalid_request");
        assert!(!answer.text.contains(&token), "{}", answer.text);
    }
    let request = server.anon().request(Method::POST, "/refresh");
    let answer = Answer::of(request.body(format!("refresh_token={token}"))).await;
    answer.oauth(415, "invalid_request");
    alice.refreshed().await;
}

/// The arithmetic of both times is tested in `store/rotation.rs`, with an injected clock.
#[tokio::test]
async fn session_expires_unless_refreshed_and_ends_after_its_lifetime_despite_refreshes() {
    let (lifetime, idle) = (Duration::from_secs(2), Duration::from_secs(1));
    let server = Server::builder()
        .env("SESSION_TTL", "2s")
        .env("SESSION_IDLE_TTL", "1s")
        .start()
        .await;
    server.register("alice").await;
    let lazy = server.login("alice", PASSWORD).await;
    // Its cache entry expires, too; on a slow machine the session may have expired already.
    for _ in 0..3 {
        lazy.get("/users/me").await;
    }
    let lazy_since = Instant::now();
    let (start, mut expired) = (Instant::now(), 0.0);
    // Once is enough, unless the machine is so slow that a second passes between two refreshes.
    loop {
        assert!(start.elapsed() < PATIENCE, "too slow to refresh in time");
        // The session starts between the two times; a refresh close to its end may succeed or fail.
        let before = Instant::now();
        let mut busy = server.login("alice", PASSWORD).await;
        let after = Instant::now();
        let mut last = before;
        let answer = loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let asked = Instant::now();
            let answer = busy.refresh().await;
            if answer.status != 200 {
                break answer;
            }
            assert!(asked < after + lifetime, "the session is too old");
            busy = busy.with(&answer.json);
            last = asked;
        };
        answer.oauth(400, "invalid_grant");
        expired += 1.0;
        if before.elapsed() >= lifetime {
            tokio::time::sleep_until((after + lifetime).into()).await;
            assert_dead(&[&busy]).await;
            break;
        }
        assert!(last.elapsed() >= idle, "the session ended too early");
    }
    tokio::time::sleep_until((lazy_since + idle).into()).await;
    assert_dead(&[&lazy]).await;
    assert_eq!(refreshes(&server.metrics().await, "expired"), expired + 2.0);
    server.login("alice", PASSWORD).await;
}

#[tokio::test]
async fn refresh_rejects_disabled_or_deleted_account() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let disabled = server.user("disabled").await;
    let path = format!("/admin/users/{}", disabled.id().await);
    let answer = admin.patch(&path, &json!({ "disabled": true })).await;
    assert_eq!(answer.status, 200);
    assert_dead(&[&disabled]).await;
    // The session stays ended when the account is enabled again.
    let answer = admin.patch(&path, &json!({ "disabled": false })).await;
    assert_eq!(answer.status, 200);
    assert_dead(&[&disabled]).await;
    server.login("disabled", PASSWORD).await;

    let deleted = server.user("deleted").await;
    let path = format!("/admin/users/{}", deleted.id().await);
    assert_eq!(admin.delete(&path).await.status, 204);
    assert_dead(&[&deleted]).await;
}
