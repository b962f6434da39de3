//! Administration of accounts.

mod list;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{PASSWORD, Server};

#[tokio::test]
async fn admin_operations_require_administrator() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    let id = alice.id().await;
    let user = format!("/admin/users/{id}");
    let role = format!("{user}/roles/admin");
    let body = json!({ "username": "x" });
    for who in [&alice, &server.anon()] {
        for (answer, permission) in [
            (who.get("/admin/users").await, "users:read"),
            (who.get(&user).await, "users:read"),
            (who.post("/admin/users", &body).await, "users:write"),
            (who.patch(&user, &body).await, "users:write"),
            (who.delete(&user).await, "users:write"),
            (who.put(&role).await, "roles:assign"),
            (who.delete(&role).await, "roles:assign"),
            (
                who.delete(&format!("{user}/sessions")).await,
                "sessions:revoke",
            ),
            (who.get("/admin-only").await, "admin:access"),
            // Before the account is looked up.
            (who.get("/admin/users/nonsense").await, "users:read"),
            (
                who.get(&format!("/admin/users/{}", Uuid::now_v7())).await,
                "users:read",
            ),
        ] {
            if who.access.is_some() {
                answer.problem(403, "forbidden");
                assert_eq!(answer.json["permission"], permission);
                let scope = format!("scope=\"{permission}\"");
                assert!(answer.header("www-authenticate").contains(&scope));
            } else {
                answer.problem(401, "unauthenticated");
                assert!(answer.header("www-authenticate").starts_with("Bearer "));
            }
        }
    }
    assert_eq!(alice.get("/users/me").await.json["roles"], json!(["user"]));
}

#[tokio::test]
async fn admin_creates_account_with_generated_password() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let mut passwords = BTreeSet::new();
    for (name, role) in [
        ("alice", None),
        ("bob", Some("user")),
        ("carol", Some("admin")),
    ] {
        let mut body = json!({ "username": name, "email": format!("{name}@example.com") });
        if let Some(role) = role {
            body["role"] = json!(role);
        }
        let answer = admin.post("/admin/users", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.json["user"]["username"], name);
        assert_eq!(
            answer.json["user"]["roles"],
            json!([role.unwrap_or("user")])
        );
        let password = answer.json["initial_password"]
            .as_str()
            .expect("a password");
        assert!(password.len() >= 20, "{password}");
        let client = server.login(name, password).await;
        let change = json!({ "current_password": password, "new_password": PASSWORD });
        let changed = client.post("/users/me/password", &change).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        let client = client.with(&changed.json);
        let greeted = client.get("/admin-only").await.status;
        assert_eq!(greeted, if role == Some("admin") { 200 } else { 403 });
        assert!(!server.log().contains(password));
        passwords.insert(password.to_owned());
    }
    assert_eq!(passwords.len(), 3);
    let metrics = server.metrics().await;
    let created = [("action", "created"), ("actor", "admin")];
    assert_eq!(metrics.sum("auth_user_changes_total", &created), 3.0);
}

#[tokio::test]
async fn admin_cannot_create_invalid_account() {
    let server = Server::start().await;
    let admin = server.admin().await;
    server.register("alice").await;
    let with = |field: &str, value: Value| {
        let mut body = json!({ "username": "bob", "email": "bob@example.com" });
        body[field] = value;
        body
    };
    for (body, status, code, field) in [
        (with("username", json!("ALICE")), 409, "taken", "username"),
        (
            with("email", json!("Alice@Example.com")),
            409,
            "taken",
            "email",
        ),
        (
            with("username", json!("b b")),
            422,
            "invalid-field",
            "username",
        ),
        (
            with("email", json!("nonsense")),
            422,
            "invalid-field",
            "email",
        ),
        (
            with("role", json!("unheard-of")),
            422,
            "invalid-field",
            "role",
        ),
        (with("role", Value::Null), 400, "malformed-request", "role"),
        // An administrator does not choose passwords.
        (
            with("password", json!(PASSWORD)),
            400,
            "malformed-request",
            "password",
        ),
        (
            json!({ "username": "bob" }),
            400,
            "malformed-request",
            "email",
        ),
    ] {
        let answer = admin.post("/admin/users", &body).await;
        answer.names(status, code, field);
        assert!(!answer.text.contains(PASSWORD), "{}", answer.text);
    }
    let page = admin.get("/admin/users").await;
    assert_eq!(page.json["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn admin_reads_changes_and_deletes_account_by_id() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let made = server.register("alice").await.json;
    server.register("bob").await;
    let path = format!("/admin/users/{}", made["id"].as_str().expect("an id"));
    assert_eq!(admin.get(&path).await.json, made);

    let body = json!({ "username": "Alicia", "email": "alicia@example.org" });
    let answer = admin.patch(&path, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json["username"], "Alicia");
    assert_eq!(admin.get(&path).await.json, answer.json);
    server.login("alicia@example.org", PASSWORD).await;

    for (body, status, code, field) in [
        (json!({ "username": "BOB" }), 409, "taken", "username"),
        (json!({ "email": "bob@EXAMPLE.com" }), 409, "taken", "email"),
        (json!({ "username": "-" }), 422, "invalid-field", "username"),
        (json!({ "email": "-" }), 422, "invalid-field", "email"),
        (
            json!({ "disabled": null }),
            400,
            "malformed-request",
            "disabled",
        ),
        (
            json!({ "disabled": "true" }),
            400,
            "malformed-request",
            "disabled",
        ),
        (
            json!({ "username": null }),
            400,
            "malformed-request",
            "username",
        ),
        (
            json!({ "password": PASSWORD }),
            400,
            "malformed-request",
            "password",
        ),
        (
            json!({ "roles": ["admin"] }),
            400,
            "malformed-request",
            "roles",
        ),
    ] {
        let answer = admin.patch(&path, &body).await;
        answer.names(status, code, field);
        assert!(!answer.text.contains(PASSWORD), "{}", answer.text);
    }
    // If one field is refused, the whole change is.
    let body = json!({ "email": "bob@example.com", "disabled": true });
    admin.patch(&path, &body).await.names(409, "taken", "email");
    assert_eq!(admin.get(&path).await.json["disabled"], false);

    assert_eq!(admin.delete(&path).await.status, 204);
    for answer in [
        admin.get(&path).await,
        admin.delete(&path).await,
        admin.patch(&path, &json!({ "disabled": true })).await,
        admin.patch(&path, &json!({})).await,
    ] {
        answer.problem(404, "not-found");
    }
    let answer = admin.get("/admin/users/nonsense").await;
    answer.names(400, "malformed-request", "id");
}

#[tokio::test]
async fn enabling_a_disabled_account_allows_login_again() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let alice = server.user("alice").await;
    let path = format!("/admin/users/{}", alice.id().await);
    for _ in 0..2 {
        let answer = admin.patch(&path, &json!({ "disabled": true })).await;
        assert_eq!(answer.json["disabled"], true);
    }
    let refused = server.anon().login("alice", PASSWORD).await;
    refused.oauth(400, "invalid_grant");
    for _ in 0..2 {
        let answer = admin.patch(&path, &json!({ "disabled": false })).await;
        assert_eq!(answer.json["disabled"], false);
    }
    alice.get("/users/me").await.invalid_token();
    server.login("alice", PASSWORD).await;
    let metrics = server.metrics().await;
    for action in ["disabled", "enabled"] {
        let labels = [("action", action), ("actor", "admin")];
        assert_eq!(
            metrics.sum("auth_user_changes_total", &labels),
            1.0,
            "{action}"
        );
    }
}

#[tokio::test]
async fn granting_and_revoking_roles_is_counted_when_it_changes_something() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = server.user("alice").await.id().await;
    let user = format!("/admin/users/{id}");
    let role = |name: &str| format!("{user}/roles/{name}");
    for _ in 0..2 {
        assert_eq!(admin.put(&role("admin")).await.status, 204);
    }
    assert_eq!(
        admin.get(&user).await.json["roles"],
        json!(["admin", "user"])
    );
    for _ in 0..2 {
        assert_eq!(admin.delete(&role("admin")).await.status, 204);
    }
    assert_eq!(admin.delete(&role("user")).await.status, 204);
    assert_eq!(admin.get(&user).await.json["roles"], json!([]));
    // An account without roles is still an account.
    let alice = server.login("alice", PASSWORD).await;
    assert_eq!(alice.get("/users/me").await.status, 200);

    let nobody = Uuid::now_v7();
    for answer in [
        admin.put(&role("unheard-of")).await,
        admin.delete(&role("unheard-of")).await,
        admin.put(&role("ADMIN")).await,
        admin
            .put(&format!("/admin/users/{nobody}/roles/admin"))
            .await,
        admin
            .delete(&format!("/admin/users/{nobody}/roles/admin"))
            .await,
    ] {
        answer.problem(404, "not-found");
    }
    let answer = admin.put("/admin/users/nonsense/roles/admin").await;
    answer.names(400, "malformed-request", "id");
    let metrics = server.metrics().await;
    for (action, role, count) in [
        // The first administrator's was given at the start.
        ("grant", "admin", 2.0),
        ("grant", "user", 0.0),
        ("revoke", "admin", 1.0),
        ("revoke", "user", 1.0),
    ] {
        let labels = [("action", action), ("role", role)];
        let counted = metrics.sum("auth_role_changes_total", &labels);
        assert_eq!(counted, count, "{labels:?}");
    }
}

#[tokio::test]
async fn role_given_at_creation_is_recorded_like_one_given_later() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let granted = async || {
        let labels = [("action", "grant"), ("role", "admin")];
        let metrics = server.metrics().await;
        metrics.sum("auth_role_changes_total", &labels)
    };
    let before = granted().await;
    let account = json!({"username": "carol", "email": "carol@example.com", "role": "admin"});
    assert_eq!(admin.post("/admin/users", &account).await.status, 201);
    assert_eq!(granted().await, before + 1.0);
    let plain = json!({"username": "dave", "email": "dave@example.com"});
    assert_eq!(admin.post("/admin/users", &plain).await.status, 201);
    assert_eq!(granted().await, before + 1.0);
}
