//! The shadow policy: what it would change, without effect.

use serde_json::{Value, json};

use crate::harness::{Server, until};

const POLICY: &str = "permissions: {posts:read: '', posts:write: ''}\n\
    roles: {everyone: {grants: [posts:read]}}\n";

fn asked(action: &str) -> Value {
    json!({
        "subject": { "type": "user", "id": "alice" },
        "action": { "name": action },
        "resource": { "type": "posts", "id": "7" },
    })
}

#[tokio::test]
async fn shadow_policy_shows_what_it_would_change_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shadow.yaml");
    let server = Server::builder()
        .env("SHADOW_POLICY", path.to_str().expect("UTF-8"))
        .env("RATE_LIMITS", "off")
        .start()
        .await;
    let admin = server.admin().await;
    for name in ["posts:read", "posts:write"] {
        let path = format!("/admin/permissions/{name}");
        assert_eq!(admin.put_json(&path, &json!({})).await.status, 201);
    }
    let grants = json!({ "grants": [{ "permission": "posts:write" }] });
    assert_eq!(
        admin.patch("/admin/roles/everyone", &grants).await.status,
        200
    );
    let decide = async |action: &str| {
        let answer = admin.post("/access/v1/evaluation", &asked(action)).await;
        answer.json["decision"].clone()
    };
    let shadow = async || admin.get("/admin/policy/shadow").await.json;
    // The file is not there yet: the service runs, says so, and compares nothing.
    assert!(server.log().contains("authz_shadow_policy_unusable"));
    assert_eq!(decide("write").await, json!(true));
    let found = shadow().await;
    assert_eq!(
        (&found["loaded"], &found["compared"]),
        (&json!(false), &json!(0))
    );

    std::fs::write(&path, POLICY).expect("written");
    until("read", async || shadow().await["loaded"] == json!(true)).await;
    for (action, decision) in [("read", false), ("write", true), ("fly", false)] {
        assert_eq!(decide(action).await, json!(decision), "{action}");
    }
    let found = shadow().await;
    let counts = ["compared", "gains", "losses"].map(|name| found[name].clone());
    assert_eq!(counts, [json!(3), json!(1), json!(1)]);
    let examples = found["examples"].as_array().expect("a list");
    let shown = |at: usize| {
        (
            examples[at]["action"].clone(),
            examples[at]["change"].clone(),
        )
    };
    assert_eq!(shown(0), (json!("write"), json!("loss")));
    assert_eq!(shown(1), (json!("read"), json!("gain")));
    assert_eq!(
        examples[0]["subject"],
        json!({ "type": "user", "id": "alice" })
    );
    let metrics = server.metrics().await;
    for (permission, direction) in [("posts:read", "gain"), ("posts:write", "loss")] {
        let labels = [("permission", permission), ("direction", direction)];
        assert_eq!(
            metrics.sum("auth_rbac_shadow_divergences_total", &labels),
            1.0
        );
    }
    assert_eq!(metrics.sum("auth_rbac_shadow_compared_total", &[]), 3.0);
    assert_eq!(metrics.sum("auth_rbac_shadow_loaded", &[]), 1.0);
}

#[tokio::test]
async fn without_a_shadow_policy_nothing_is_compared() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let answer = admin.get("/admin/policy/shadow").await;
    assert_eq!(
        (answer.status, &answer.json["loaded"]),
        (200, &json!(false))
    );
}
