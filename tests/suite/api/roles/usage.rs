//! What nobody uses.

use serde_json::{Value, json};

use super::{grants, register, role};
use crate::harness::{Client, Server, until};

async fn usage(admin: &Client, days: u32) -> Value {
    let answer = admin
        .get(&format!("/admin/roles/usage?idle_days={days}"))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

/// The idle grants of a role, by permission.
fn idle(usage: &Value, role: &str) -> Vec<String> {
    let grants = usage["idle_grants"].as_array().expect("a list").iter();
    grants
        .filter(|grant| grant["role"] == role)
        .map(|grant| grant["permission"].as_str().expect("a name").to_owned())
        .collect()
}

#[tokio::test]
async fn grants_that_allowed_something_are_no_longer_idle() {
    let server = Server::start().await;
    let admin = server.admin().await;
    register(&admin, &["posts:read", "posts:write", "files:read"]).await;
    let author = json!({ "grants": grants(&["posts:*", "files:read", "users:read"]) });
    role(&admin, "author", &author).await;
    role(&admin, "editor", &json!({ "parents": ["author"] })).await;
    let alice = server.user("alice").await;
    let id = alice.id().await;
    assert_eq!(
        admin
            .put(&format!("/admin/users/{id}/roles/editor"))
            .await
            .status,
        204
    );
    let before = usage(&admin, 90).await;
    assert_eq!(
        idle(&before, "author"),
        ["files:read", "posts:*", "users:read"]
    );
    let asked = |action: &str| {
        json!({
            "subject": { "type": "user", "id": id },
            "action": { "name": action },
            "resource": { "type": "posts", "id": "1" },
        })
    };
    for (action, allowed) in [("read", true), ("fly", false)] {
        let answer = admin.post("/access/v1/evaluation", &asked(action)).await;
        assert_eq!(answer.json["decision"], allowed, "{}", answer.text);
    }
    assert_eq!(alice.get("/admin/users").await.status, 200);
    until("noted", async || {
        idle(&usage(&admin, 90).await, "author") == ["files:read"]
    })
    .await;
    let after = usage(&admin, 90).await;
    assert!(after["since"].is_string(), "{after}");
    let idle_roles = after["idle_roles"].as_array().expect("a list").iter();
    let idle_roles: Vec<_> = idle_roles.map(|idle| idle["role"].as_str()).collect();
    // It is assigned to nobody, unlike the role that inherits from it.
    assert!(idle_roles.contains(&Some("author")) && !idle_roles.contains(&Some("editor")));
    let unused = after["unused_permissions"].as_array().expect("a list");
    assert!(unused.contains(&json!("posts:write")) && !unused.contains(&json!("posts:read")));
    let refused = admin.get("/admin/roles/usage?idle_days=3651").await;
    refused.names(400, "malformed-request", "idle_days");
    let reserved = admin
        .post("/admin/roles", &json!({ "name": "usage" }))
        .await;
    reserved.names(422, "invalid-field", "name");
}
