//! Revocation (RFC 7009).

use bytes::Bytes;
use futures_util::stream;
use reqwest::Method;
use serde_json::json;

use super::{FORM, post, refresh_of, user};
use crate::api::sessions::{assert_alive, assert_dead, ended};
use crate::harness::{Answer, Client, PASSWORD, Server};
use crate::http2::Http2;

/// Revokes a token; the answer must be the same whatever it is.
async fn revoke(server: &Server, form: String) {
    let answer = post(&server.anon(), "/oauth/revoke", &form).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, ""), "{form}");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("set-cookie"), "");
}

fn access(client: &Client) -> &str {
    client.access.as_deref().expect("logged in")
}

fn refresh(client: &Client) -> &str {
    client.refresh.as_deref().expect("logged in")
}

#[tokio::test]
async fn either_token_ends_its_session_and_no_other() {
    let server = Server::start().await;
    let other = user(&server, "alice").await;
    for hint in [
        "",
        "&token_type_hint=refresh_token",
        "&token_type_hint=x",
        "&token_type_hint=",
    ] {
        for of in [refresh, access] {
            let alice = server.login("alice", PASSWORD).await;
            let next = alice.refreshed().await;
            next.warm_up().await;
            revoke(&server, format!("token={}{hint}", of(&next))).await;
            assert_dead(&next).await;
            alice.get("/users/me").await.invalid_token();
        }
    }
    assert_alive(&other).await;
    other.refreshed().await;
    let metrics = server.metrics().await;
    assert_eq!(ended(&metrics, "revocation"), 8.0);
    assert_eq!(metrics.sum("auth_tokens_revoked_total", &[]), 8.0);
    let lines = server.log();
    let said = lines
        .lines()
        .filter(|line| line.contains("\"session_ended\"") && line.contains("\"revocation\""));
    assert_eq!(said.count(), 8);
}

#[tokio::test]
async fn exchanged_refresh_token_ends_its_session_as_well() {
    let server = Server::start().await;
    let first = user(&server, "alice").await;
    let second = first.refreshed().await.refreshed().await;
    second.warm_up().await;
    revoke(&server, format!("token={}", refresh(&first))).await;
    assert_dead(&second).await;
}

#[tokio::test]
async fn unknown_and_invalid_tokens_are_revoked_already() {
    let server = Server::start().await;
    let alice = user(&server, "alice").await;
    let (signed, _) = access(&alice).rsplit_once('.').expect("a signature");
    let forged = format!("{signed}.{}", "A".repeat(86));
    let unknown = format!("rt_{}", "A".repeat(43));
    for token in [
        &forged,
        &unknown,
        "rt_",
        "x",
        "%00",
        "%C3%A9",
        &"x".repeat(9000),
    ] {
        revoke(&server, format!("token={token}")).await;
    }
    // Twice is as good as once.
    let bob = user(&server, "bob").await;
    for _ in 0..2 {
        revoke(&server, format!("token={}", refresh(&bob))).await;
    }
    assert_dead(&bob).await;
    assert_alive(&alice).await;
    let metrics = server.metrics().await;
    assert_eq!(ended(&metrics, "revocation"), 1.0);
    // Nobody was authorized by them: a forged token here must not look like a wrong signing key.
    let invalid = [("outcome", "invalid"), ("reason", "bad_signature")];
    assert_eq!(metrics.sum("auth_token_verifications_total", &invalid), 0.0);
}

#[tokio::test]
async fn malformed_revocation_answers_oauth_errors() {
    let server = Server::start().await;
    let alice = user(&server, "alice").await;
    let token = refresh(&alice);
    let anon = server.anon();
    for (form, description) in [
        (String::new(), "token: is missing"),
        ("token=".to_owned(), "token: is missing"),
        (
            "token_type_hint=refresh_token".to_owned(),
            "token: is missing",
        ),
        (
            format!("token={token}&token={token}"),
            "token: is given twice",
        ),
        (
            format!("token={token}&token_type_hint=a&token_type_hint=b"),
            "token_type_hint: is given twice",
        ),
        (format!("token={token}&x=%FF"), "body: must be UTF-8"),
    ] {
        let answer = post(&anon, "/oauth/revoke", &form).await;
        answer.oauth(400, "invalid_request");
        assert_eq!(answer.json["error_description"], description, "{form}");
    }
    let body = json!({ "token": token });
    anon.post("/oauth/revoke", &body)
        .await
        .oauth(415, "invalid_request");
    let path = format!("/oauth/revoke?token={token}");
    anon.get(&path).await.problem(405, "method-not-allowed");
    post(&anon, &path, "").await.oauth(400, "invalid_request");
    assert_alive(&alice).await;

    let body = stream::iter([Bytes::from(format!("token={token}"))]);
    let kind = [("content-type", FORM.to_owned())];
    let mut http2 = Http2::open(&server).await;
    let (status, _) = http2
        .send_with(("POST", "/oauth/revoke"), &kind, body)
        .await;
    assert_eq!(status, 200);
    assert_dead(&alice).await;
}

#[tokio::test]
async fn token_of_a_gone_session_or_account_is_revoked_already() {
    let server = Server::start().await;
    let alice = user(&server, "alice").await;
    let late = server.login("alice", PASSWORD).await;
    assert_eq!(alice.post("/logout", &json!({})).await.status, 204);
    revoke(&server, format!("token={}", access(&alice))).await;
    assert_eq!(late.delete_me(PASSWORD).await.status, 204);
    revoke(&server, format!("token={}", access(&late))).await;
    revoke(&server, format!("token={}", refresh(&late))).await;
    assert_eq!(ended(&server.metrics().await, "revocation"), 0.0);
    let answer = post(&server.anon(), "/oauth/token", &refresh_of(&late)).await;
    answer.oauth(400, "invalid_grant");
}

#[tokio::test]
async fn head_and_options_revoke_nothing() {
    let server = Server::start().await;
    let alice = user(&server, "alice").await;
    for method in [Method::HEAD, Method::OPTIONS, Method::PATCH] {
        let request = server.anon().request(method, "/oauth/revoke");
        let request = request.header("content-type", FORM);
        let answer = Answer::of(request.body(format!("token={}", refresh(&alice)))).await;
        assert_eq!(answer.status, 405);
    }
    assert_alive(&alice).await;
}
