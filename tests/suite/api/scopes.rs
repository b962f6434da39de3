//! Scopes: a session can only do what its login requested.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rbac_sentinel::testing::api::Access;
use rbac_sentinel::testing::rbac::Permission;
use reqwest::Method;
use serde_json::{Value, json};

use crate::document::operations;
use crate::harness::{ADMIN_PASSWORD, Answer, Client, PASSWORD, Server};

/// A login that requests this scope; returns the granted scope.
async fn scoped(server: &Server, name: &str, password: &str, scope: &str) -> (Client, String) {
    let form = [("username", name), ("password", password), ("scope", scope)];
    let answer = server.anon().form(&form).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let granted = answer.json["scope"].as_str().expect("a scope").to_owned();
    (server.anon().with(&answer.json), granted)
}

async fn admin(server: &Server, scope: &str) -> Client {
    scoped(server, "admin", ADMIN_PASSWORD, scope).await.0
}

/// A refresh that requests this scope; returns the granted scope.
async fn refreshed(client: &Client, scope: Option<&str>) -> (Client, Value) {
    let mut body = json!({ "refresh_token": client.refresh });
    if let Some(scope) = scope {
        body["scope"] = scope.into();
    }
    let answer = client.post("/refresh", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let scope = answer.json["scope"].clone();
    (client.with(&answer.json), scope)
}

/// Asserts a refusal because this scope is missing (RFC 6750 section 3.1).
#[track_caller]
fn insufficient(answer: &Answer, permission: &str) {
    answer.problem(403, "forbidden");
    let challenge = answer.header("www-authenticate");
    assert!(
        challenge.contains("error=\"insufficient_scope\""),
        "{challenge}"
    );
    assert!(
        challenge.contains(&format!("scope=\"{permission}\"")),
        "{challenge}"
    );
    assert_eq!(answer.json["permission"], permission);
}

fn claims(client: &Client) -> Value {
    let token = client.access.as_deref().expect("logged in");
    let payload = token.split('.').nth(1).expect("three parts");
    let bytes = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

#[tokio::test]
async fn token_of_a_scope_does_that_and_nothing_else() {
    let server = Server::start().await;
    let mut refused = 0;
    for scope in Permission::ALL {
        let client = admin(&server, scope.name()).await;
        for operation in operations() {
            // It ends the session.
            if operation.id == "logout" {
                continue;
            }
            let answer = Answer::of(operation.request(&client)).await;
            match operation.record().access {
                Access::Needs(needed) if needed != *scope => {
                    insufficient(&answer, needed.name());
                    refused += 1;
                }
                Access::Needs(_) | Access::AnyScope | Access::Optional | Access::Public => {
                    let let_in = ![401, 403].contains(&answer.status);
                    assert!(
                        let_in,
                        "{} with {}: {}",
                        operation.id,
                        scope.name(),
                        answer.text
                    );
                }
            }
        }
        assert_eq!(client.get("/users/me").await.status, 200);
        assert_eq!(client.post("/logout", &json!({})).await.status, 204);
        client.get("/users/me").await.invalid_token();
    }
    assert!(refused > 50, "{refused}");
}

#[tokio::test]
async fn scope_of_the_answer_is_what_was_granted() {
    let server = Server::start().await;
    server.register("alice").await;
    for (name, password, asked, granted) in [
        ("admin", ADMIN_PASSWORD, "users:read", "users:read"),
        (
            "admin",
            ADMIN_PASSWORD,
            "users:write unheard-of",
            "users:write",
        ),
        (
            "alice",
            PASSWORD,
            "authenticated users:read",
            "authenticated",
        ),
        // Nothing is left, which is not everything.
        ("alice", PASSWORD, "users:read", ""),
        ("admin", ADMIN_PASSWORD, "unheard-of", ""),
    ] {
        let (client, said) = scoped(&server, name, password, asked).await;
        assert_eq!(said, granted, "{asked}");
        assert_eq!(claims(&client)["scope"], granted, "{asked}");
        // Services that verify tokens themselves must not rely on the roles either.
        let narrowed = granted != "authenticated";
        assert_eq!(claims(&client)["roles"] == json!([]), narrowed, "{asked}");
        assert_eq!(client.get("/users/me").await.status, 200);
        let sessions = client.get("/users/me/sessions").await;
        match granted {
            "authenticated" => assert_eq!(sessions.status, 200),
            _ => insufficient(&sessions, "authenticated"),
        }
    }
    let whole = server.admin().await;
    let scope = claims(&whole)["scope"].clone();
    let scope = scope.as_str().expect("every permission");
    assert!(
        scope.split(' ').any(|name| name == "roles:assign"),
        "{scope}"
    );
    assert_eq!(claims(&whole)["roles"], json!(["admin"]));
}

#[tokio::test]
async fn malformed_scope_answers_invalid_scope() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    for scope in [
        " ",
        "a  b",
        "a ",
        " a",
        "a\tb",
        "a\nb",
        "a\"b",
        "a\\b",
        "caf\u{e9}",
        "a\0b",
    ] {
        let form = [
            ("username", "alice"),
            ("password", PASSWORD),
            ("scope", scope),
        ];
        server.anon().form(&form).await.oauth(400, "invalid_scope");
        let body = json!({ "refresh_token": alice.refresh, "scope": scope });
        alice
            .post("/refresh", &body)
            .await
            .oauth(400, "invalid_scope");
    }
    // None of them used the refresh token up.
    alice.refreshed().await;
}

#[tokio::test]
async fn refresh_keeps_the_scope_and_never_widens_it() {
    let server = Server::start().await;
    let all = "authenticated admin:access users:read users:write roles:assign sessions:revoke";
    let mut client = admin(&server, "users:read admin:access").await;
    for asked in [
        None,
        Some(""),
        Some(all),
        Some("users:read admin:access users:write"),
    ] {
        let scope;
        (client, scope) = refreshed(&client, asked).await;
        assert_eq!(scope, "admin:access users:read", "{asked:?}");
        assert_eq!(client.get("/admin/users").await.status, 200);
        insufficient(&client.delete("/users/me").await, "authenticated");
    }
    // Conversely: an unlimited session stays unlimited until it is narrowed.
    let whole = server.admin().await;
    let (whole, scope) = refreshed(&whole, None).await;
    assert_eq!(scope, Value::Null);
    let (whole, scope) = refreshed(&whole, Some(all)).await;
    assert_eq!(scope, all);
    assert_eq!(whole.get("/users/me/sessions").await.status, 200);
}

#[tokio::test]
async fn refresh_narrows_further_and_older_tokens_with_it() {
    let server = Server::start().await;
    let whole = server.admin().await;
    whole.warm_up().await;
    assert_eq!(whole.get("/admin/users").await.status, 200);
    let (first, scope) = refreshed(&whole, Some("users:read admin:access")).await;
    assert_eq!(scope, "admin:access users:read");
    first.warm_up().await;
    insufficient(&whole.delete("/users/me").await, "authenticated");
    let (second, scope) = refreshed(&first, Some("admin:access")).await;
    assert_eq!(scope, "admin:access");
    for client in [&whole, &first, &second] {
        insufficient(&client.get("/admin/users").await, "users:read");
        assert_eq!(client.get("/admin-only").await.status, 200);
    }
    // A client that lost the response repeats the request: the parent gets the same successor.
    let (again, scope) = refreshed(&second, Some("users:read")).await;
    assert_eq!(scope, "");
    let (repeated, scope) = refreshed(&second, None).await;
    assert_eq!(repeated.refresh, again.refresh);
    assert_eq!(scope, "");
    insufficient(&repeated.get("/admin-only").await, "admin:access");
    let (last, scope) = refreshed(&again, Some("users:read admin:access")).await;
    assert_eq!(scope, "");
    insufficient(&last.get("/admin-only").await, "admin:access");
}

#[tokio::test]
async fn scope_outlives_restarts_and_changes_of_roles() {
    let builder = || Server::builder().env("PUBLIC_URL", "http://auth.example.com");
    let server = builder().start().await;
    let chief = server.admin().await;
    let alice = server.user("alice").await;
    let roles = format!("/admin/users/{}/roles/admin", alice.id().await);
    assert_eq!(chief.put(&roles).await.status, 204);
    let (narrowed, _) = scoped(&server, "alice", PASSWORD, "users:read").await;
    let server = builder().dir(server.stop().await).start().await;
    let (mut chief, mut narrowed) = (chief.at(&server), narrowed.at(&server));
    for _ in 0..2 {
        assert_eq!(narrowed.get("/admin/users").await.status, 200);
        insufficient(&narrowed.get("/admin-only").await, "admin:access");
        (narrowed, _) = refreshed(&narrowed, None).await;
    }
    // A revoked role narrows the session at once; a granted one does not widen it.
    assert_eq!(chief.delete(&roles).await.status, 204);
    insufficient(&narrowed.get("/admin/users").await, "users:read");
    let scope;
    (narrowed, scope) = refreshed(&narrowed, None).await;
    assert_eq!(scope, "");
    chief = chief.refreshed().await;
    assert_eq!(chief.put(&roles).await.status, 204);
    assert_eq!(narrowed.get("/admin/users").await.status, 200);
    insufficient(&narrowed.get("/admin-only").await, "admin:access");
}

#[tokio::test]
async fn narrowed_token_gives_away_no_more_than_it_has() {
    let server = Server::start().await;
    let register = |name: &str| {
        json!({
            "username": name, "email": format!("{name}@example.com"),
            "password": PASSWORD, "role": "admin",
        })
    };
    let mut create = register("bob");
    create
        .as_object_mut()
        .expect("an object")
        .remove("password");
    let writer = admin(&server, "users:write").await;
    writer
        .post("/admin/users", &create)
        .await
        .problem(403, "forbidden");
    writer
        .post("/register", &register("carol"))
        .await
        .problem(403, "forbidden");
    let me = server.admin().await.id().await;
    let role = format!("/admin/users/{me}/roles/admin");
    insufficient(&writer.put(&role).await, "roles:assign");
    // The own session ends; ending the others needs the permission `authenticated`.
    let reader = admin(&server, "users:read").await;
    let all = json!({ "all": true });
    insufficient(&reader.post("/logout", &all).await, "authenticated");
    assert_eq!(reader.get("/users/me").await.status, 200);
    for (method, path, body) in [
        (Method::PATCH, "/users/me", json!({ "username": "chief" })),
        (Method::DELETE, "/users/me", json!({})),
        (Method::POST, "/users/me/password", json!({})),
    ] {
        let answer = Answer::of(reader.request(method, path).json(&body)).await;
        insufficient(&answer, "authenticated");
    }
}
