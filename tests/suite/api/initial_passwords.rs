//! Initial passwords: they only allow changing them, for a limited time.

use serde_json::{Value, json};

use crate::forger::read;
use crate::harness::{Client, PASSWORD, Server, until};

/// An account that an administrator created, and its password.
async fn made(admin: &Client, name: &str) -> (Value, String) {
    let email = format!("{name}@example.com");
    let body = json!({ "username": name, "email": email, "role": "admin" });
    let answer = admin.post("/admin/users", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let password = answer.json["initial_password"].as_str();
    let password = password.expect("a password").to_owned();
    (answer.json["user"].clone(), password)
}

#[tokio::test]
async fn initial_password_allows_its_change_and_nothing_else() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (account, password) = made(&admin, "carol").await;
    assert!(account["initial_password_until"].is_string(), "{account}");
    let login = server.anon().login("carol", &password).await;
    assert_eq!(login.json["scope"], "password:change", "{}", login.text);
    let carol = server.anon().with(&login.json);
    let refreshed = carol.refresh().await;
    assert_eq!(refreshed.json["scope"], "password:change");
    for client in [&carol, &carol.with(&refreshed.json)] {
        // Other services verify the token without asking this one.
        let (_, claims) = read(client.access.as_deref().expect("a token"));
        assert_eq!(claims["roles"], json!([]));
        for answer in [
            client.get("/users/me").await,
            client.get("/users/me/sessions").await,
            client.get("/admin/users").await,
            client.get("/admin-only").await,
            client.post("/logout", &json!({})).await,
            client.delete_me(&password).await,
            client.patch("/users/me", &json!({})).await,
            client.post("/admin/users", &json!({})).await,
            client.post("/register", &json!({})).await,
        ] {
            answer.problem(403, "password-change-required");
            let challenge = answer.header("www-authenticate");
            assert!(
                challenge.contains("scope=\"password:change\""),
                "{challenge}"
            );
        }
    }
    let change = async |new: &str| {
        let body = json!({ "current_password": password, "new_password": new });
        carol.post("/users/me/password", &body).await
    };
    // The same one is no change.
    let answer = change(&password).await;
    answer.names(422, "weak-password", "new_password");
    let answer = change(PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json["scope"], Value::Null);
    carol.get("/users/me").await.invalid_token();
    for client in [
        carol.with(&answer.json),
        server.login("carol", PASSWORD).await,
    ] {
        assert_eq!(client.get("/admin-only").await.status, 200);
        let own = client.get("/users/me").await.json;
        assert_eq!(own["initial_password_until"], Value::Null);
        let (_, claims) = read(client.access.as_deref().expect("a token"));
        assert_eq!(claims["roles"], json!(["admin"]));
    }
    let refused = server.anon().login("carol", &password).await;
    refused.oauth(400, "invalid_grant");
}

#[tokio::test]
async fn initial_password_is_refused_like_a_wrong_one_once_expired() {
    let server = Server::builder()
        .env("INITIAL_PASSWORD_TTL", "1ms")
        .start()
        .await;
    let admin = server.admin().await;
    let (_, password) = made(&admin, "carol").await;
    let wrong = server.anon().login("carol", "not-the-password").await;
    until("expired", async || {
        let answer = server.anon().login("carol", &password).await;
        answer.status == 400 && answer.text == wrong.text
    })
    .await;
    let metrics = server.metrics().await;
    let labels = [("reason", "initial_password_expired")];
    assert_eq!(metrics.sum("auth_logins_total", &labels), 1.0);
    assert!(server.log().contains("initial_password_expired"));
    // Passwords chosen by the owner or the operator do not expire.
    server.user("alice").await;
    server.admin().await;
}
