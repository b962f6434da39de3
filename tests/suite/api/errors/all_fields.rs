//! An answer names every field that is at fault.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, PASSWORD, Server};

/// The fields that an answer names, sorted.
fn named(answer: &Answer) -> Vec<&str> {
    let errors = answer.json["errors"].as_array().into_iter().flatten();
    let mut named: Vec<_> = errors.filter_map(|error| error["field"].as_str()).collect();
    named.sort_unstable();
    named
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_answered_with_all_their_faults() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for (method, path, body, fields) in [
        (
            "POST",
            "/register",
            json!({}),
            &["email", "password", "username"][..],
        ),
        (
            "POST",
            "/register",
            json!({ "username": 1, "email": null, "pasword": "x", "is_admin": true }),
            &["email", "is_admin", "password", "pasword", "username"],
        ),
        (
            "POST",
            "/admin/users",
            json!({ "role": 1 }),
            &["email", "role", "username"],
        ),
        (
            "PATCH",
            "/users/me",
            json!({ "username": 1, "mail": "x" }),
            &["mail", "username"],
        ),
        (
            "POST",
            "/users/me/password",
            json!({ "password": "x" }),
            &["current_password", "new_password", "password"],
        ),
    ] {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let answer = Answer::of(admin.request(method, path).json(&body)).await;
        answer.problem(400, "malformed-request");
        assert_eq!(named(&answer), fields, "{path} {body}");
    }
}

#[tokio::test]
async fn values_that_break_rules_are_answered_with_all_of_them() {
    let server = Server::start().await;
    let anon = server.anon();
    let body = json!({ "username": "a b", "email": "nowhere", "password": "short" });
    let answer = anon.post("/register", &body).await;
    answer.problem(422, "invalid-field");
    assert_eq!(named(&answer), ["email", "password", "username"]);
    // A password alone keeps the kind of its own.
    let body = json!({ "username": "alice", "email": "alice@example.com", "password": "short" });
    anon.post("/register", &body)
        .await
        .names(422, "weak-password", "password");
    let metrics = server.metrics().await;
    let counted = |result| metrics.sum("auth_registrations_total", &[("reason", result)]);
    assert_eq!(counted("invalid_input"), 1.0);
    assert_eq!(counted("weak_password"), 1.0);

    let admin = server.admin().await;
    let body = json!({ "username": "a b", "email": "nowhere", "role": "nobody" });
    let answer = admin.post("/admin/users", &body).await;
    answer.problem(422, "invalid-field");
    assert_eq!(named(&answer), ["email", "role", "username"]);

    let body = json!({ "username": "a b", "email": "nowhere" });
    let alice = server.user("alice").await;
    let answer = alice.patch("/users/me", &body).await;
    answer.problem(422, "invalid-field");
    assert_eq!(named(&answer), ["current_password", "email", "username"]);
    let path = format!("/admin/users/{}", alice.id().await);
    let answer = admin.patch(&path, &body).await;
    answer.problem(422, "invalid-field");
    assert_eq!(named(&answer), ["email", "username"]);
}

#[tokio::test]
async fn nothing_is_hashed_for_a_change_that_breaks_a_rule() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    let hashed = async || {
        let metrics = server.metrics().await;
        metrics.sum("auth_password_hash_duration_seconds_count", &[])
    };
    let before = hashed().await;
    let body = json!({ "username": "a b", "current_password": PASSWORD });
    let answer = alice.patch("/users/me", &body).await;
    answer.names(422, "invalid-field", "username");
    assert_eq!(hashed().await, before);
    let body: Value = json!({ "username": "alice-2", "current_password": "wrong-horse-1" });
    alice
        .patch("/users/me", &body)
        .await
        .problem(422, "wrong-password");
    assert!(hashed().await > before);
}
