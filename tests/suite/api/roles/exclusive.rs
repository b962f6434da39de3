//! Roles that exclude each other.

use serde_json::{Value, json};

use super::{put_role, role};
use crate::harness::{Answer, Client, Server};

/// Makes `auditor`, `author`, and `editor`, which inherits from `author`.
async fn roles(admin: &Client) {
    for (name, parents) in [
        ("auditor", json!([])),
        ("author", json!([])),
        ("editor", json!(["author"])),
    ] {
        role(admin, name, &json!({ "parents": parents })).await;
    }
}

async fn exclude(admin: &Client, roles: Value) -> Answer {
    let body = json!({ "roles": roles });
    admin.put_json("/admin/exclusive-roles/audit", &body).await
}

#[tokio::test]
async fn no_account_gets_a_second_role_of_a_set() {
    let server = Server::start().await;
    let admin = server.admin().await;
    roles(&admin).await;
    let created = exclude(&admin, json!(["author", "auditor"])).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let set = json!({ "name": "audit", "description": "", "roles": ["auditor", "author"] });
    assert_eq!(created.json, set);
    assert_eq!(
        exclude(&admin, json!(["auditor", "author"])).await.status,
        200
    );
    let list = admin.get("/admin/exclusive-roles").await.json;
    assert_eq!(list, json!({ "items": [set] }));

    let alice = server.user("alice").await.id().await;
    let path = |role: &str| format!("/admin/users/{alice}/roles/{role}");
    assert_eq!(admin.put(&path("auditor")).await.status, 204);
    admin.put(&path("author")).await.problem(409, "conflict");
    // The inherited one counts, wherever and however long it holds.
    admin.put(&path("editor")).await.problem(409, "conflict");
    let limited = path("editor") + "?resource_type=posts&expires_at=2100-01-01T00:00:00Z";
    admin.put(&limited).await.problem(409, "conflict");
    assert_eq!(admin.delete(&path("auditor")).await.status, 204);
    assert_eq!(admin.put(&limited).await.status, 204);
    admin.put(&path("auditor")).await.problem(409, "conflict");

    // A change of parents is checked against those who hold the role.
    let bob = server.user("bob").await.id().await;
    for name in ["auditor", "writer"] {
        role(&admin, name, &json!({})).await;
        let path = format!("/admin/users/{bob}/roles/{name}");
        assert_eq!(admin.put(&path).await.status, 204);
    }
    let parents = json!({ "parents": ["author"] });
    put_role(&admin, "writer", &parents)
        .await
        .problem(409, "conflict");
    // And no role inherits two.
    let both = json!({ "parents": ["author", "auditor"] });
    put_role(&admin, "both", &both)
        .await
        .problem(409, "conflict");
    admin
        .delete("/admin/roles/auditor")
        .await
        .problem(409, "conflict");

    assert_eq!(
        admin.delete("/admin/exclusive-roles/audit").await.status,
        204
    );
    let gone = admin.delete("/admin/exclusive-roles/audit").await;
    gone.problem(404, "not-found");
    assert_eq!(put_role(&admin, "writer", &parents).await.status, 200);
    // Not while somebody has two.
    let held = exclude(&admin, json!(["author", "auditor"])).await;
    held.problem(409, "conflict");
}

#[tokio::test]
async fn set_with_a_fault_is_refused_by_field_and_rule() {
    let server = Server::start().await;
    let admin = server.admin().await;
    roles(&admin).await;
    for roles in [
        json!([]),
        json!(["author"]),
        json!(["author", "author"]),
        json!(["author", "nobody"]),
        json!(["author", "user"]),
        json!(["author", "everyone"]),
    ] {
        let answer = exclude(&admin, roles).await;
        answer.names(422, "invalid-field", "roles");
    }
    // One inherits from the other: nobody could have it.
    let inherited = exclude(&admin, json!(["author", "editor"])).await;
    inherited.problem(409, "conflict");
    let body = json!({ "roles": ["author", "auditor"] });
    let named = admin.put_json("/admin/exclusive-roles/A", &body).await;
    named.names(422, "invalid-field", "name");
}

#[tokio::test]
async fn of_two_exclusive_roles_at_once_one_is_given() {
    let server = Server::start().await;
    let admin = server.admin().await;
    roles(&admin).await;
    exclude(&admin, json!(["author", "auditor"])).await;
    for round in 0..5 {
        let user = server.user(&format!("user{round}")).await.id().await;
        let give = async |role: &str| {
            let path = format!("/admin/users/{user}/roles/{role}");
            admin.put(&path).await.status
        };
        let (one, two) = tokio::join!(give("editor"), give("auditor"));
        assert_eq!([one.min(two), one.max(two)], [204, 409], "{one} {two}");
    }
}
