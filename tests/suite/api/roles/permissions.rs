//! Permissions of other services.

use serde_json::json;

use super::{grants, names, put_role, register, role};
use crate::harness::Server;

#[tokio::test]
async fn permission_is_registered_described_and_removed() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let body = json!({ "name": "posts:read", "description": "Read." });
    let created = admin.post("/admin/permissions", &body).await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(created.header("location"), "/admin/permissions/posts:read");
    let stored = json!({ "name": "posts:read", "description": "Read.", "built_in": false });
    assert_eq!(created.json, stored);
    assert_eq!(
        admin.get("/admin/permissions/posts:read").await.json,
        stored
    );
    admin
        .post("/admin/permissions", &body)
        .await
        .problem(409, "conflict");
    let path = "/admin/permissions/posts:read";
    let described = admin
        .put_json(path, &json!({ "description": "See." }))
        .await;
    assert_eq!(
        (described.status, &described.json["description"]),
        (200, &json!("See."))
    );
    let list = admin.get("/admin/permissions?limit=200").await;
    let listed = names(&list);
    assert!(listed.contains(&"posts:read") && listed.contains(&"users:read"));
    assert!(listed.is_sorted());
    let page = admin.get("/admin/permissions?limit=1").await;
    let cursor = page.json["next_cursor"].as_str().expect("a cursor");
    let next = admin
        .get(&format!("/admin/permissions?limit=1&cursor={cursor}"))
        .await;
    assert_eq!(names(&next), listed[1..2]);

    role(
        &admin,
        "reader",
        &json!({ "grants": grants(&["posts:read"]) }),
    )
    .await;
    admin.delete(path).await.problem(409, "conflict");
    role(&admin, "reader", &json!({ "grants": grants(&["posts:*"]) })).await;
    let reader = admin.get("/admin/roles/reader").await.json;
    assert_eq!(reader["permissions"], json!(["posts:read"]));
    assert_eq!(admin.delete(path).await.status, 204);
    admin.delete(path).await.problem(404, "not-found");
    let reader = admin.get("/admin/roles/reader").await.json;
    assert_eq!(reader["permissions"], json!([]));
}

#[tokio::test]
async fn permissions_of_the_service_are_fixed() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let path = "/admin/permissions/users:read";
    let read = admin.get(path).await.json;
    assert_eq!(read["built_in"], json!(true));
    admin
        .put_json(path, &json!({}))
        .await
        .problem(409, "conflict");
    admin.delete(path).await.problem(409, "conflict");
    for name in [
        "posts",
        "posts:*",
        "Posts:read",
        ":read",
        "posts:",
        "a:b:c",
        "posts%3Aread%20",
    ] {
        let answer = admin
            .put_json(&format!("/admin/permissions/{name}"), &json!({}))
            .await;
        answer.names(422, "invalid-field", "name");
    }
}

#[tokio::test]
async fn role_with_permissions_of_the_service_administers() {
    let server = Server::start().await;
    let admin = server.admin().await;
    register(&admin, &["posts:read"]).await;
    let reader = json!({ "grants": grants(&["users:read", "posts:read"]) });
    role(&admin, "support", &reader).await;
    let alice = server.user("alice").await;
    alice.get("/admin/users").await.problem(403, "forbidden");
    let path = format!("/admin/users/{}/roles/support", alice.id().await);
    assert_eq!(admin.put(&path).await.status, 204);
    assert_eq!(alice.get("/admin/users").await.status, 200);
    // Through a parent, too, and no longer once the role loses it.
    role(&admin, "helper", &reader).await;
    role(&admin, "support", &json!({ "parents": ["helper"] })).await;
    assert_eq!(alice.get("/admin/users").await.status, 200);
    role(
        &admin,
        "helper",
        &json!({ "grants": grants(&["posts:read"]) }),
    )
    .await;
    alice.get("/admin/users").await.problem(403, "forbidden");
    // A condition is never met by the service's own operations.
    let conditional = json!({ "grants": [
        { "permission": "users:read", "condition": "resource.id == \"*\"" }
    ] });
    assert_eq!(put_role(&admin, "helper", &conditional).await.status, 200);
    alice.get("/admin/users").await.problem(403, "forbidden");
    let denied = [
        ("permission", "users:read"),
        ("role", "custom"),
        ("outcome", "deny"),
    ];
    let metrics = server.metrics().await;
    assert_eq!(metrics.sum("auth_rbac_decisions_total", &denied), 2.0);
}
