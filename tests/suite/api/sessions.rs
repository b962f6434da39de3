//! The list of one's own sessions, and ending them.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Answer, Client, Metrics, PASSWORD, Server};

pub fn ended(metrics: &Metrics, reason: &str) -> f64 {
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

pub async fn assert_alive(client: &Client) {
    assert_eq!(client.get("/users/me").await.status, 200);
}

pub async fn assert_dead(client: &Client) {
    client.get("/users/me").await.invalid_token();
    client.refresh().await.oauth(400, "invalid_grant");
}

#[tokio::test]
async fn sessions_list_shows_own_active_sessions_newest_first() {
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
async fn sessions_list_truncates_the_user_agent() {
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
async fn session_can_be_ended_by_its_owner_only() {
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
async fn administrator_ends_all_sessions_of_an_account() {
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

#[tokio::test]
async fn login_beyond_the_most_sessions_ends_the_oldest() {
    let server = Server::builder()
        .env("MAX_SESSIONS_PER_USER", "2")
        .start()
        .await;
    let stranger = server.user("bob").await;
    let oldest = server.user("alice").await;
    let second = server.login("alice", PASSWORD).await;
    oldest.warm_up().await;
    assert_alive(&second).await;
    let third = server.login("alice", PASSWORD).await;
    assert_dead(&oldest).await;
    for alive in [&second, &third, &stranger] {
        assert_alive(alive).await;
    }
    // Logins at the same moment count each other.
    let logins = join_all((0..8).map(|_| server.login("alice", PASSWORD))).await;
    let listed = logins.iter().map(|login| login.get("/users/me"));
    let alive = join_all(listed).await;
    let alive = alive.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(alive, 2);
    assert_eq!(ended(&server.metrics().await, "session_limit"), 9.0);
}
