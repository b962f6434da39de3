//! Logout, and looking after one's sessions.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Answer, Client, Metrics, PASSWORD, Server};

fn ended(metrics: &Metrics, reason: &str) -> f64 {
    metrics.sum("auth_tokens_revoked_total", &[("reason", reason)])
}

async fn list(client: &Client) -> Vec<Value> {
    let answer = client.get("/users/me/sessions").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["items"].as_array().expect("a list").clone()
}

/// The id of the client's own session.
async fn own(client: &Client) -> String {
    let sessions = list(client).await;
    let current: Vec<_> = sessions
        .iter()
        .filter(|session| session["current"] == true)
        .collect();
    assert_eq!(current.len(), 1, "{sessions:?}");
    current[0]["id"].as_str().expect("an id").to_owned()
}

async fn assert_alive(client: &Client) {
    assert_eq!(client.get("/users/me").await.status, 200);
}

async fn assert_dead(client: &Client) {
    client.get("/users/me").await.invalid_token();
    client.refresh().await.oauth(400, "invalid_grant");
}

#[tokio::test]
async fn after_logout_neither_token_works() {
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
async fn a_logout_needs_no_body() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    let answer = Answer::of(alice.request(Method::POST, "/logout")).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    alice.get("/users/me").await.invalid_token();
}

#[tokio::test]
async fn every_access_token_of_the_session_ends_with_it() {
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
async fn logging_out_everywhere_ends_every_session_of_the_account_and_no_other() {
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
async fn a_refresh_token_in_a_logout_ends_its_session_if_it_is_ones_own() {
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

    // A stranger's token says nothing about whether it is good, and ends nothing of the stranger's.
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
async fn a_logout_takes_a_token_first_and_then_a_sound_body() {
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

#[tokio::test]
async fn the_list_shows_ones_own_living_sessions_the_newest_first() {
    let server = Server::start().await;
    server.register("alice").await;
    server.user("bob").await;
    let mut clients = Vec::new();
    for agent in ["first", "second", "third"] {
        let form = [("username", "alice"), ("password", PASSWORD)];
        let request = server.anon().request(Method::POST, "/login").form(&form);
        let answer = Answer::of(request.header("user-agent", agent)).await;
        clients.push(server.anon().with(&answer.json));
    }
    let sessions = list(&clients[1]).await;
    let agents: Vec<_> = sessions
        .iter()
        .map(|session| &session["user_agent"])
        .collect();
    assert_eq!(agents, ["third", "second", "first"]);
    let current: Vec<_> = sessions.iter().map(|session| &session["current"]).collect();
    assert_eq!(current, [false, true, false]);
    for session in &sessions {
        for time in ["created_at", "last_used_at", "expires_at"] {
            assert!(session[time].is_string(), "{session}");
        }
    }
    assert_eq!(clients[2].post("/logout", &json!({})).await.status, 204);
    assert_eq!(list(&clients[0]).await.len(), 2);
}

#[tokio::test]
async fn what_a_client_calls_itself_is_kept_within_bounds() {
    let server = Server::start().await;
    server.register("alice").await;
    let form = [("username", "alice"), ("password", PASSWORD)];
    let request = server.anon().request(Method::POST, "/login").form(&form);
    let answer = Answer::of(request.header("user-agent", "x".repeat(4000))).await;
    let alice = server.anon().with(&answer.json);
    let kept = list(&alice).await[0]["user_agent"].clone();
    assert_eq!(kept, "x".repeat(200));
}

#[tokio::test]
async fn one_can_end_ones_own_sessions_and_nobody_elses() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    let lost = server.login("alice", PASSWORD).await;
    let bob = server.user("bob").await;
    lost.warm_up().await;
    bob.warm_up().await;

    let path = format!("/users/me/sessions/{}", own(&bob).await);
    alice.delete(&path).await.problem(404, "not-found");
    assert_alive(&bob).await;

    let path = format!("/users/me/sessions/{}", own(&lost).await);
    server
        .anon()
        .delete(&path)
        .await
        .problem(401, "unauthenticated");
    assert_eq!(alice.delete(&path).await.status, 204);
    lost.get("/users/me").await.invalid_token();
    assert_dead(&lost).await;
    alice.delete(&path).await.problem(404, "not-found");

    let unknown = format!("/users/me/sessions/{}", Uuid::now_v7());
    alice.delete(&unknown).await.problem(404, "not-found");
    let answer = alice.delete("/users/me/sessions/nonsense").await;
    answer.names(400, "malformed-request", "id");

    let path = format!("/users/me/sessions/{}", own(&alice).await);
    assert_eq!(alice.delete(&path).await.status, 204);
    assert_dead(&alice).await;
    assert_eq!(ended(&server.metrics().await, "session_ended"), 2.0);
}

#[tokio::test]
async fn an_administrator_ends_all_sessions_of_an_account() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let sessions = [
        server.user("alice").await,
        server.login("alice", PASSWORD).await,
    ];
    let bob = server.user("bob").await;
    for client in &sessions {
        client.warm_up().await;
    }
    let path = format!("/admin/users/{}/sessions", sessions[0].id().await);
    server
        .anon()
        .delete(&path)
        .await
        .problem(401, "unauthenticated");
    let answer = bob.delete(&path).await;
    answer.problem(403, "forbidden");
    assert_eq!(answer.json["permission"], "sessions:revoke");
    assert_alive(&sessions[0]).await;

    assert_eq!(admin.delete(&path).await.status, 204);
    for client in &sessions {
        assert_dead(client).await;
    }
    assert_alive(&bob).await;
    // Nothing is left to end, which is no error.
    assert_eq!(admin.delete(&path).await.status, 204);
    assert_eq!(ended(&server.metrics().await, "admin"), 2.0);
    let unknown = format!("/admin/users/{}/sessions", Uuid::now_v7());
    admin.delete(&unknown).await.problem(404, "not-found");
    let answer = admin.delete("/admin/users/nonsense/sessions").await;
    answer.names(400, "malformed-request", "id");
    server.login("alice", PASSWORD).await;
}
