//! Logout: of this session, of all of them, and of the one that a refresh token belongs to.

use reqwest::Method;
use serde_json::json;

use super::sessions::{assert_alive, assert_dead, ended};
use crate::harness::{Answer, PASSWORD, Server};

#[tokio::test]
async fn logout_ends_access_and_refresh_token() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    let other = server.login("alice", PASSWORD).await;
    alice.warm_up().await;
    let answer = alice.post("/logout", &json!({})).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    alice.get("/users/me").await.invalid_token();
    assert_dead(&alice).await;
    alice.post("/logout", &json!({})).await.invalid_token();
    assert_alive(&other).await;
    other.refreshed().await;
    assert_eq!(ended(&server.metrics().await, "logout"), 1.0);
}

#[tokio::test]
async fn logout_needs_no_body() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    let answer = Answer::of(alice.request(Method::POST, "/logout")).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    alice.get("/users/me").await.invalid_token();
}

#[tokio::test]
async fn logout_ends_every_access_token_of_the_session() {
    let server = Server::start().await;
    let first = server.user("alice").await;
    let second = first.refreshed().await;
    first.warm_up().await;
    second.warm_up().await;
    assert_eq!(first.post("/logout", &json!({})).await.status, 204);
    first.get("/users/me").await.invalid_token();
    assert_dead(&second).await;
}

#[tokio::test]
async fn logout_all_ends_every_session_of_the_account_and_no_other() {
    let server = Server::start().await;
    let sessions = [
        server.user("alice").await,
        server.login("alice", PASSWORD).await,
        server.login("alice", PASSWORD).await,
    ];
    let stranger = server.user("bob").await;
    for client in &sessions {
        client.warm_up().await;
    }
    let answer = sessions[1].post("/logout", &json!({ "all": true })).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    for client in &sessions {
        assert_dead(client).await;
    }
    assert_alive(&stranger).await;
    assert_eq!(ended(&server.metrics().await, "logout_all"), 3.0);
}

#[tokio::test]
async fn logout_with_refresh_token_ends_its_session_only_of_the_same_account() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    let second = server.login("alice", PASSWORD).await;
    let third = server.login("alice", PASSWORD).await;
    let bob = server.user("bob").await;
    for client in [&second, &bob] {
        client.warm_up().await;
    }
    let body = json!({ "refresh_token": second.refresh, "all": false });
    assert_eq!(alice.post("/logout", &body).await.status, 204);
    assert_dead(&alice).await;
    assert_dead(&second).await;
    assert_alive(&third).await;

    // Another account's refresh token is ignored: the answer does not tell whether it is valid, and its
    // session stays.
    let body = json!({ "refresh_token": bob.refresh });
    assert_eq!(third.post("/logout", &body).await.status, 204);
    assert_dead(&third).await;
    assert_alive(&bob).await;
    let bob = bob.refreshed().await;
    let body = json!({ "refresh_token": "garbage" });
    assert_eq!(bob.post("/logout", &body).await.status, 204);
    assert_dead(&bob).await;
}

#[tokio::test]
async fn logout_checks_the_token_before_the_body() {
    let server = Server::start().await;
    let body = json!({ "unheard_of": true });
    let answer = server.anon().post("/logout", &body).await;
    answer.problem(401, "unauthenticated");
    let challenge = answer.header("www-authenticate");
    assert!(
        challenge.starts_with("Bearer ") && !challenge.contains("error"),
        "{challenge}"
    );

    let alice = server.user("alice").await;
    let answer = alice.post("/logout", &body).await;
    answer.names(400, "malformed-request", "unheard_of");
    for (field, value) in [
        ("refresh_token", json!(null)),
        ("all", json!("yes")),
        ("all", json!(null)),
    ] {
        let answer = alice.post("/logout", &json!({ field: value })).await;
        answer.names(400, "malformed-request", field);
    }
    let request = alice
        .request(Method::POST, "/logout")
        .form(&[("all", "true")]);
    let answer = Answer::of(request).await;
    answer.problem(415, "unsupported-media-type");
    assert_alive(&alice).await;
}
