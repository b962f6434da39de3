//! Assignments that end or do not reach everywhere.

use std::time::Duration;

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::json;

use super::{grants, register, role};
use crate::harness::{Server, until};

#[tokio::test]
async fn assignment_ends_on_time_without_a_restart() {
    let server = Server::start().await;
    let admin = server.admin().await;
    role(
        &admin,
        "support",
        &json!({ "grants": grants(&["users:read"]) }),
    )
    .await;
    let alice = server.user("alice").await;
    let path = format!("/admin/users/{}/roles", alice.id().await);
    #[expect(
        clippy::disallowed_methods,
        reason = "the server goes by the system's clock"
    )]
    let now = Utc::now();
    let end = now + TimeDelta::seconds(4);
    let text = end.to_rfc3339_opts(SecondsFormat::Millis, true);
    let given = admin
        .put(&format!("{path}/support?expires_at={text}"))
        .await;
    assert_eq!(given.status, 204, "{}", given.text);
    let listed = admin.get(&path).await.json;
    assert_eq!(
        listed["items"],
        json!([{ "role": "support", "expires_at": text }, { "role": "user" }])
    );
    assert_eq!(alice.get("/admin/users").await.status, 200);
    // No change and no message tells the service: the cached account ends its permission by itself.
    until("ended", async || {
        alice.get("/admin/users").await.status == 403
    })
    .await;
    #[expect(
        clippy::disallowed_methods,
        reason = "the server goes by the system's clock"
    )]
    let ended = Utc::now();
    assert!(ended >= end, "it ended {:?} early", end - ended);
    let listed = admin.get(&path).await.json;
    assert_eq!(listed["items"], json!([{ "role": "user" }]));
    // Claims of tokens have no end of their own: they name lasting roles only.
    let again = server.login("alice", crate::harness::PASSWORD).await;
    assert_eq!(again.get("/users/me").await.json["roles"], json!(["user"]));
}

#[tokio::test]
async fn assignment_reaches_what_it_names() {
    let server = Server::start().await;
    let admin = server.admin().await;
    register(&admin, &["posts:write"]).await;
    role(
        &admin,
        "editor",
        &json!({ "grants": grants(&["posts:write", "users:read"]) }),
    )
    .await;
    let alice = server.user("alice").await;
    let path = format!("/admin/users/{}/roles/editor", alice.id().await);
    let one = "?resource_type=posts&resource_id=a%2Fb%20c";
    for query in [one, "?resource_type=users"] {
        assert_eq!(admin.put(&format!("{path}{query}")).await.status, 204);
    }
    assert_eq!(alice.get("/admin/users").await.status, 200);
    alice.get("/admin-only").await.problem(403, "forbidden");
    let held = alice.get("/users/me/permissions").await.json;
    let item = |permission: &str, resource: serde_json::Value, text: &str| json!({ "permission": permission, "roles": ["editor"], "resource": resource, "text": text });
    let (users, post) = (
        json!({ "type": "users" }),
        json!({ "type": "posts", "id": "a/b c" }),
    );
    assert_eq!(
        held,
        json!({ "truncated": false, "items": [
            item("posts:write", users.clone(), "editor → posts:write for users"),
            item("posts:write", post.clone(), "editor → posts:write for posts/a/b c"),
            item("users:read", users, "editor → users:read for users"),
            item("users:read", post, "editor → users:read for posts/a/b c"),
        ] })
    );
    let by_admin = admin
        .get(&format!("/admin/users/{}/permissions", alice.id().await))
        .await;
    assert_eq!(by_admin.json, held);
    assert_eq!(
        admin
            .delete(&format!("{path}?resource_type=users"))
            .await
            .status,
        204
    );
    alice.get("/admin/users").await.problem(403, "forbidden");
    // Without a resource all that is left.
    assert_eq!(admin.delete(&path).await.status, 204);
    let held = alice.get("/users/me/permissions").await.json;
    assert_eq!(held, json!({ "truncated": false, "items": [] }));
}

#[tokio::test]
async fn assignment_with_a_fault_is_refused_by_field_and_rule() {
    let server = Server::start().await;
    let admin = server.admin().await;
    role(&admin, "editor", &json!({})).await;
    let alice = server.user("alice").await.id().await;
    let path = format!("/admin/users/{alice}/roles/editor");
    for (query, status, code, field) in [
        ("resource_id=1", 400, "malformed-request", "resource_type"),
        ("resource_type=", 400, "malformed-request", "resource_type"),
        (
            "resource_type=a%00b",
            400,
            "malformed-request",
            "resource_type",
        ),
        (
            "expires_at=tomorrow",
            400,
            "malformed-request",
            "expires_at",
        ),
        (
            "expires_at=2030-01-31T12:00:00",
            400,
            "malformed-request",
            "expires_at",
        ),
        (
            "expires_at=2001-01-31T12:00:00Z",
            422,
            "invalid-field",
            "expires_at",
        ),
        (
            "until=2100-01-31T12:00:00Z",
            400,
            "malformed-request",
            "until",
        ),
    ] {
        let answer = admin.put(&format!("{path}?{query}")).await;
        answer.names(status, code, field);
    }
    let everyone = admin
        .put(&format!("/admin/users/{alice}/roles/everyone"))
        .await;
    everyone.problem(409, "conflict");
    // The last administrator stays one.
    let own = format!("/admin/users/{}/roles/admin", admin.id().await);
    let ending = admin
        .put(&format!("{own}?expires_at=2100-01-01T00:00:00Z"))
        .await;
    ending.problem(409, "conflict");
    admin.delete(&own).await.problem(409, "conflict");
}

#[tokio::test]
async fn narrow_session_shows_and_holds_its_scope_only() {
    let server = Server::start().await;
    let admin = server.admin().await;
    register(&admin, &["posts:write"]).await;
    role(
        &admin,
        "editor",
        &json!({ "grants": grants(&["posts:write", "users:read"]) }),
    )
    .await;
    let alice = server.user("alice").await;
    let path = format!("/admin/users/{}/roles/editor", alice.id().await);
    assert_eq!(admin.put(&path).await.status, 204);
    let narrow = server
        .anon()
        .form(&[
            ("username", "alice"),
            ("password", crate::harness::PASSWORD),
            ("scope", "authenticated users:read"),
        ])
        .await;
    let narrow = server.anon().with(&narrow.json);
    tokio::time::sleep(Duration::from_millis(10)).await;
    let held = narrow.get("/users/me/permissions").await.json;
    let names: Vec<_> = held["items"].as_array().expect("a list").iter().collect();
    assert_eq!(names.len(), 1, "{held}");
    assert_eq!(names[0]["permission"], "users:read");
}
