//! The policy over HTTP: roles, permissions, exclusive roles, and what accounts hold.

mod assignments;
mod escalation;
mod exclusive;
mod permissions;
mod usage;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Client, Server};

/// Registers permissions.
async fn register(admin: &Client, names: &[&str]) {
    for name in names {
        let answer = admin
            .put_json(&format!("/admin/permissions/{name}"), &json!({}))
            .await;
        assert!([200, 201].contains(&answer.status), "{}", answer.text);
    }
}

/// Creates or replaces a role.
async fn put_role(admin: &Client, name: &str, role: &Value) -> Answer {
    admin.put_json(&format!("/admin/roles/{name}"), role).await
}

/// The same, which must work.
async fn role(admin: &Client, name: &str, role: &Value) {
    let answer = put_role(admin, name, role).await;
    assert!([200, 201].contains(&answer.status), "{}", answer.text);
}

/// Grants of these permissions, without conditions.
fn grants(permissions: &[&str]) -> Value {
    let grant = |permission: &&str| json!({ "permission": permission });
    permissions.iter().map(grant).collect()
}

/// The names of a list's items.
fn names(answer: &Answer) -> Vec<&str> {
    let items = answer.json["items"].as_array().expect("a list");
    items
        .iter()
        .map(|item| item["name"].as_str().expect("a name"))
        .collect()
}

#[tokio::test]
async fn role_is_created_read_changed_and_deleted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    register(&admin, &["posts:read", "posts:write", "posts:delete"]).await;
    let author = json!({
        "name": "author",
        "description": "Writes.",
        "grants": [
            { "permission": "posts:write", "condition": "resource.properties.owner==subject.id" },
            { "permission": "posts:read" },
        ],
    });
    let created = admin.post("/admin/roles", &author).await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(created.header("location"), "/admin/roles/author");
    let stored = json!({
        "name": "author",
        "description": "Writes.",
        "built_in": false,
        "parents": [],
        "grants": [
            { "permission": "posts:read" },
            { "permission": "posts:write", "condition": "resource.properties.owner == subject.id" },
        ],
        "permissions": ["posts:read"],
    });
    assert_eq!(created.json, stored);
    let read = admin.get("/admin/roles/author").await;
    assert_eq!((read.status, &read.json), (200, &stored));
    assert_eq!(read.header("etag"), created.header("etag"));
    admin
        .post("/admin/roles", &author)
        .await
        .problem(409, "conflict");

    role(
        &admin,
        "editor",
        &json!({ "parents": ["author"], "grants": [{ "permission": "posts:*" }] }),
    )
    .await;
    let editor = admin.get("/admin/roles/editor").await.json;
    assert_eq!(
        editor["permissions"],
        json!(["posts:delete", "posts:read", "posts:write"])
    );
    // Each field for itself; the others stay.
    let changed = admin
        .patch("/admin/roles/editor", &json!({ "description": "Edits." }))
        .await;
    assert_eq!(changed.json["description"], "Edits.");
    assert_eq!(changed.json["parents"], json!(["author"]));
    let changed = admin
        .patch("/admin/roles/editor", &json!({ "parents": [] }))
        .await;
    assert_eq!(changed.json["parents"], json!([]));
    assert_eq!(changed.json["grants"], grants(&["posts:*"]));
    // PUT replaces all of it, and twice changes nothing.
    let empty = put_role(&admin, "editor", &json!({})).await;
    assert_eq!((empty.status, &empty.json["grants"]), (200, &json!([])));
    let again = put_role(&admin, "editor", &json!({})).await;
    assert_eq!(again.header("etag"), empty.header("etag"));

    let list = admin.get("/admin/roles").await;
    assert_eq!(
        names(&list),
        ["admin", "author", "editor", "everyone", "user"]
    );
    let mut seen = Vec::new();
    let mut path = "/admin/roles?limit=2".to_owned();
    loop {
        let page = admin.get(&path).await;
        seen.extend(names(&page).into_iter().map(str::to_owned));
        let Some(cursor) = page.json["next_cursor"].as_str() else {
            break;
        };
        path = format!("/admin/roles?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, names(&list));

    assert_eq!(admin.delete("/admin/roles/editor").await.status, 204);
    admin
        .get("/admin/roles/editor")
        .await
        .problem(404, "not-found");
    admin
        .delete("/admin/roles/editor")
        .await
        .problem(404, "not-found");
    let patched = admin.patch("/admin/roles/editor", &json!({})).await;
    patched.problem(404, "not-found");
    let changes = |part: &'static str, action: &'static str| [("part", part), ("action", action)];
    let metrics = server.metrics().await;
    let count = |labels: &[(&str, &str)]| metrics.sum("auth_rbac_policy_changes_total", labels);
    assert_eq!(count(&changes("permission", "created")), 3.0);
    assert_eq!(count(&changes("role", "created")), 2.0);
    assert_eq!(count(&changes("role", "changed")), 3.0);
    assert_eq!(count(&changes("role", "deleted")), 1.0);
    assert_eq!(metrics.sum("auth_rbac_policy_version", &[]), 10.0);
}

#[tokio::test]
async fn change_of_another_version_is_refused() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let send = async |method: Method, headers: &[(&str, &str)], body: Value| {
        let mut request = admin.request(method, "/admin/roles/auditor").json(&body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request).await
    };
    let missing = send(Method::PUT, &[("If-Match", "*")], json!({})).await;
    missing.problem(412, "precondition-failed");
    let first = send(Method::PUT, &[("If-None-Match", "*")], json!({})).await;
    assert_eq!(first.status, 201, "{}", first.text);
    let twice = send(Method::PUT, &[("If-None-Match", "*")], json!({})).await;
    twice.problem(412, "precondition-failed");
    let tag = first.header("etag").to_owned();
    let described = json!({ "description": "Reads." });
    let second = send(Method::PATCH, &[("If-Match", &tag)], described.clone()).await;
    assert_eq!(second.status, 200, "{}", second.text);
    let new_tag = second.header("etag").to_owned();
    assert_ne!(new_tag, tag);
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        let stale = send(method, &[("If-Match", &tag)], json!({})).await;
        stale.problem(412, "precondition-failed");
    }
    for (name, value) in [("If-Match", "tag"), ("If-None-Match", &*new_tag)] {
        let malformed = send(Method::PUT, &[(name, value)], json!({})).await;
        malformed.names(400, "malformed-request", name);
    }
    assert_eq!(
        admin.get("/admin/roles/auditor").await.json["description"],
        "Reads."
    );
    let deleted = Answer::of(
        admin
            .request(Method::DELETE, "/admin/roles/auditor")
            .header("If-Match", &new_tag),
    );
    assert_eq!(deleted.await.status, 204);
}

#[tokio::test]
async fn of_two_changes_of_one_version_one_is_made() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let first = put_role(&admin, "auditor", &json!({})).await;
    let tag = first.header("etag").to_owned();
    let change = |text: &'static str| {
        let body = json!({ "description": text });
        let request = admin.request(Method::PATCH, "/admin/roles/auditor");
        Answer::of(request.header("If-Match", &tag).json(&body))
    };
    let (one, two, three) = tokio::join!(change("one"), change("two"), change("three"));
    let mut statuses = [one.status, two.status, three.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412]);
}

#[tokio::test]
async fn role_with_a_fault_is_refused_by_field_and_rule() {
    let server = Server::start().await;
    let admin = server.admin().await;
    register(&admin, &["posts:read"]).await;
    role(&admin, "child", &json!({})).await;
    role(&admin, "parent", &json!({})).await;
    role(&admin, "child", &json!({ "parents": ["parent"] })).await;
    for (name, body, field) in [
        ("Child", json!({}), "name"),
        ("1", json!({}), "name"),
        ("a%20b", json!({}), "name"),
        ("x", json!({ "parents": ["nobody"] }), "parents"),
        ("x", json!({ "parents": ["everyone"] }), "parents"),
        ("x", json!({ "grants": grants(&["posts:write"]) }), "grants"),
        ("x", json!({ "grants": grants(&["posts"]) }), "grants"),
        ("x", json!({ "grants": grants(&["*:*"]) }), "grants"),
        (
            "x",
            json!({ "grants": grants(&["authenticated"]) }),
            "grants",
        ),
        (
            "x",
            json!({ "grants": [{ "permission": "posts:read", "condition": "true" }] }),
            "grants[0].condition",
        ),
        ("x", json!({ "description": "a\u{7}b" }), "description"),
        (
            "x",
            json!({ "description": "x".repeat(501) }),
            "description",
        ),
    ] {
        let answer = put_role(&admin, name, &body).await;
        answer.names(422, "invalid-field", field);
        assert!(!answer.text.contains("nobody"), "{}", answer.text);
    }
    let unknown = put_role(&admin, "x", &json!({ "grant": [] })).await;
    unknown.names(400, "malformed-request", "grant");
    for (name, body) in [
        // A cycle, and one of its own.
        ("parent", json!({ "parents": ["child"] })),
        ("parent", json!({ "parents": ["parent"] })),
        // What belongs to the service.
        ("admin", json!({})),
        ("user", json!({ "grants": grants(&["posts:read"]) })),
        ("everyone", json!({ "parents": ["child"] })),
    ] {
        put_role(&admin, name, &body).await.problem(409, "conflict");
    }
    for name in ["admin", "user", "everyone", "parent"] {
        let refused = admin.delete(&format!("/admin/roles/{name}")).await;
        refused.problem(409, "conflict");
    }
    // Sixteen generations and no more.
    for generation in 0..17 {
        let parents = match generation {
            0 => json!([]),
            _ => json!([format!("g{}", generation - 1)]),
        };
        let name = format!("g{generation}");
        let answer = put_role(&admin, &name, &json!({ "parents": parents })).await;
        let status = if generation < 16 { 201 } else { 409 };
        assert_eq!(answer.status, status, "{generation}");
    }
    let listed = admin.get("/admin/roles/admin").await.json;
    let permissions = listed["permissions"].as_array().expect("a list");
    assert!(permissions.contains(&json!("roles:assign_any")));
    assert!(!permissions.contains(&json!("posts:read")));
}

#[tokio::test]
async fn everybody_has_the_grants_of_everyone() {
    let server = Server::start().await;
    let admin = server.admin().await;
    register(&admin, &["posts:read"]).await;
    let alice = server.user("alice").await;
    let held = async || {
        let answer = alice.get("/users/me/permissions").await;
        answer.json["items"].as_array().expect("a list").clone()
    };
    assert_eq!(held().await, [json!(null); 0]);
    let answer = admin
        .patch(
            "/admin/roles/everyone",
            &json!({ "grants": grants(&["posts:read"]) }),
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        held().await,
        [json!({
            "permission": "posts:read",
            "roles": ["everyone"],
            "text": "everyone → posts:read",
        })]
    );
}
