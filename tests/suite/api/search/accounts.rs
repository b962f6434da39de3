//! Searches for accounts, by the roles that they hold.

use serde_json::{Value, json};

use super::{ids, permissions, put, register, role, search, server, walk};
use crate::harness::{Client, Server};

fn who(action: &str, id: &str) -> Value {
    json!({
        "subject": { "type": "user" }, "action": { "name": action },
        "resource": { "type": "record", "id": id },
    })
}

/// Accounts of these names: their ids, in this order.
async fn accounts<const N: usize>(server: &Server, names: [&str; N]) -> [String; N] {
    let mut ids = Vec::new();
    for name in names {
        let answer = server.register(name).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        ids.push(answer.json["id"].as_str().expect("an id").to_owned());
    }
    ids.try_into().expect("as many")
}

async fn assign(admin: &Client, user: &str, role: &str, query: &str) {
    let answer = admin
        .put(&format!("/admin/users/{user}/roles/{role}{query}"))
        .await;
    assert_eq!(answer.status, 204, "{}", answer.text);
}

/// Readers, writers who are readers, and a role that grants by a property of the subject.
async fn roles(admin: &Client) {
    permissions(admin, &["record:read", "record:write", "record:audit"]).await;
    role(admin, "reader", &[], &[("record:read", "")]).await;
    role(admin, "writer", &["reader"], &[("record:write", "")]).await;
    let level = "subject.properties.level == 7";
    role(admin, "auditor", &[], &[("record:audit", level)]).await;
}

#[tokio::test]
async fn accounts_are_found_by_the_roles_that_grant_the_permission() {
    let (server, admin) = server().await;
    roles(&admin).await;
    let [reader, writer, one, typed, _nobody] =
        accounts(&server, ["reader", "writer", "one", "typed", "nobody"]).await;
    assign(&admin, &reader, "reader", "").await;
    assign(&admin, &writer, "writer", "").await;
    assign(
        &admin,
        &one,
        "writer",
        "?resource_type=record&resource_id=r1",
    )
    .await;
    assign(&admin, &typed, "reader", "?resource_type=record").await;
    for (action, id, expected) in [
        ("read", "r1", vec![&reader, &writer, &one, &typed]),
        ("read", "r2", vec![&reader, &writer, &typed]),
        ("write", "r1", vec![&writer, &one]),
        ("write", "r2", vec![&writer]),
        ("audit", "r1", vec![]),
    ] {
        let answer = search(&admin, "subject", &who(action, id)).await;
        assert_eq!(ids(&answer), expected, "{action} {id}");
        let (found, pages) = walk(&admin, "subject", &who(action, id), 1).await;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{action} {id}");
        assert_eq!(pages, expected.len().max(1));
    }
    // For one resource alone it is known by the assignment, and need not be registered.
    let body = json!({
        "subject": { "type": "user", "id": one }, "action": { "name": "write" },
        "resource": { "type": "record" },
    });
    assert_eq!(ids(&search(&admin, "resource", &body).await), ["r1"]);
    register(
        &admin,
        "resources",
        "record",
        &[("r0", json!({})), ("r1", json!({}))],
    )
    .await;
    assert_eq!(ids(&search(&admin, "resource", &body).await), ["r1"]);
    let body = json!({
        "subject": { "type": "user", "id": writer }, "action": { "name": "write" },
        "resource": { "type": "record" },
    });
    assert_eq!(ids(&search(&admin, "resource", &body).await), ["r0", "r1"]);
    let body = json!({
        "subject": { "type": "user", "id": one }, "resource": { "type": "record", "id": "r1" },
    });
    assert_eq!(
        ids(&search(&admin, "action", &body).await),
        ["read", "write"]
    );
}

#[tokio::test]
async fn disabled_accounts_are_never_results() {
    let (server, admin) = server().await;
    roles(&admin).await;
    let [alice, bob] = accounts(&server, ["alice", "bob"]).await;
    for id in [&alice, &bob] {
        assign(&admin, id, "reader", "").await;
    }
    // Also where it is named, registered, or everybody is allowed.
    register(&admin, "subjects", "user", &[(&bob, json!({}))]).await;
    let named = format!("subject.id == \"{bob}\"");
    let everyone = [("record:write", named.as_str()), ("record:audit", "")];
    role(&admin, "everyone", &[], &everyone).await;
    let found = search(&admin, "subject", &who("write", "r1")).await;
    assert_eq!(ids(&found), [&bob]);
    let answer = admin
        .patch(&format!("/admin/users/{bob}"), &json!({ "disabled": true }))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let found = search(&admin, "subject", &who("read", "r1")).await;
    assert_eq!(ids(&found), [&alice]);
    assert_eq!(
        ids(&search(&admin, "subject", &who("write", "r1")).await),
        [""; 0]
    );
    let admin_id = admin.id().await;
    let found = search(&admin, "subject", &who("audit", "r1")).await;
    assert_eq!(ids(&found), [&admin_id, &alice]);
    for what in ["resource", "action"] {
        let body = json!({
            "subject": { "type": "user", "id": bob }, "action": { "name": "audit" },
            "resource": { "type": "record", "id": "r1" },
        });
        assert_eq!(ids(&search(&admin, what, &body).await), [""; 0], "{what}");
    }
}

#[tokio::test]
async fn registered_properties_of_an_account_give_no_role() {
    let (server, admin) = server().await;
    roles(&admin).await;
    let [auditor, other] = accounts(&server, ["auditor", "other"]).await;
    assign(&admin, &auditor, "auditor", "").await;
    assert_eq!(
        ids(&search(&admin, "subject", &who("audit", "r1")).await),
        [""; 0]
    );
    // Nothing was cached of a type that was not registered.
    let level = json!({ "level": 7 });
    let entities = [(auditor.as_str(), level.clone()), (&other, level)];
    register(&admin, "subjects", "user", &entities).await;
    let found = search(&admin, "subject", &who("audit", "r1")).await;
    assert_eq!(ids(&found), [&auditor]);
    let body = json!({
        "subject": { "type": "user", "id": auditor }, "resource": { "type": "record", "id": "r1" },
    });
    assert_eq!(ids(&search(&admin, "action", &body).await), ["audit"]);
    let path = format!("/admin/subjects/user/{auditor}");
    put(&admin, &path, &json!({ "properties": { "level": 6 } })).await;
    assert_eq!(ids(&search(&admin, "action", &body).await), [""; 0]);
}

#[tokio::test]
async fn an_account_that_is_found_in_several_ways_is_one_result() {
    let (server, admin) = server().await;
    permissions(&admin, &["record:read"]).await;
    let [alice, bob] = accounts(&server, ["alice", "bob"]).await;
    let level = json!({ "level": 7 });
    register(
        &admin,
        "subjects",
        "user",
        &[(&alice, level.clone()), ("carol", level)],
    )
    .await;
    let named = format!("subject.id == \"{alice}\"");
    let by_property = "subject.properties.level == 7";
    let grants = [
        ("record:read", named.as_str()),
        ("record:read", by_property),
    ];
    role(&admin, "everyone", &[], &grants).await;
    role(&admin, "reader", &[], &[("record:read", "")]).await;
    role(
        &admin,
        "second",
        &["reader"],
        &[("record:read", by_property)],
    )
    .await;
    for role in ["reader", "second"] {
        assign(&admin, &alice, role, "").await;
        assign(&admin, &alice, role, "?resource_type=record").await;
        assign(&admin, &bob, role, "").await;
    }
    for limit in [1, 2, 3, 10] {
        let (found, _) = walk(&admin, "subject", &who("read", "r1"), limit).await;
        assert_eq!(found, [alice.as_str(), "carol", &bob], "{limit}");
    }
}
