//! What certification asks of searches: levels Core and Properties.

use reqwest::Method;
use serde_json::{Value, json};

use super::{ids, permissions, put, register, role, search, server};
use crate::harness::{Answer, Client};

/// Two subjects and two resources: alice reads and writes what is active, bob reads, and subjects whose role is
/// admin write what is archived. Soft deletion alone is for alice.
async fn fixture(admin: &Client) {
    permissions(admin, &["record:read", "record:write", "record:delete"]).await;
    register(
        admin,
        "subjects",
        "user",
        &[("alice", json!({})), ("bob", json!({ "role": "admin" }))],
    )
    .await;
    register(
        admin,
        "resources",
        "record",
        &[
            ("record-1", json!({ "status": "active" })),
            ("record-2", json!({ "status": "archived" })),
        ],
    )
    .await;
    let caller_wins = json!({ "caller_wins": true });
    put(admin, "/admin/resources/record", &caller_wins).await;
    let active = "resource.properties.status == \"active\"";
    let archived = "resource.properties.status == \"archived\"";
    role(
        admin,
        "everyone",
        &[],
        &[
            ("record:read", "subject.id in [\"alice\", \"bob\"]"),
            (
                "record:write",
                &format!("subject.id == \"alice\" and {active}"),
            ),
            (
                "record:write",
                &format!("subject.properties.role == \"admin\" and {archived}"),
            ),
            (
                "record:delete",
                "subject.id == \"alice\" and action.properties.soft == true",
            ),
        ],
    )
    .await;
}

fn readers() -> Value {
    json!({
        "subject": { "type": "user" }, "action": { "name": "read" },
        "resource": { "type": "record", "id": "record-1" },
    })
}

fn readable() -> Value {
    json!({
        "subject": { "type": "user", "id": "alice" }, "action": { "name": "read" },
        "resource": { "type": "record" },
    })
}

fn possible() -> Value {
    json!({
        "subject": { "type": "user", "id": "alice" },
        "resource": { "type": "record", "id": "record-1" },
    })
}

#[tokio::test]
async fn search_core() {
    let (_server, admin) = server().await;
    fixture(&admin).await;
    let context = json!({ "time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1" });
    for (what, body, expected) in [
        ("subject", readers(), &["alice", "bob"][..]),
        ("resource", readable(), &["record-1", "record-2"]),
        ("action", possible(), &["read", "write"]),
    ] {
        let answer = search(&admin, what, &body).await;
        assert_eq!(ids(&answer), expected, "{what}");
        assert!(
            answer["page"].is_null(),
            "all of it, and no page was asked for"
        );
        // None of these changes it.
        let mut with_context = body.clone();
        with_context["context"] = context.clone();
        assert_eq!(search(&admin, what, &with_context).await, answer);
        let mut with_more = body.clone();
        with_more["surprise"] = json!({ "a": 1 });
        with_more["resource"]["surprise"] = json!(1);
        assert_eq!(search(&admin, what, &with_more).await, answer);
    }
    let mut with_id = readers();
    with_id["subject"]["id"] = "alice".into();
    assert_eq!(
        ids(&search(&admin, "subject", &with_id).await),
        ["alice", "bob"]
    );
    let mut with_id = readable();
    with_id["resource"]["id"] = "record-1".into();
    assert_eq!(
        ids(&search(&admin, "resource", &with_id).await),
        ["record-1", "record-2"]
    );
}

#[tokio::test]
async fn search_properties() {
    let (_server, admin) = server().await;
    fixture(&admin).await;
    let record =
        json!({ "type": "record", "id": "record-2", "properties": { "status": "archived" } });
    let bob = json!({ "type": "user", "id": "bob", "properties": { "role": "admin" } });
    let write = json!({ "name": "write" });
    let body = json!({ "subject": { "type": "user" }, "action": write, "resource": record });
    assert_eq!(ids(&search(&admin, "subject", &body).await), ["bob"]);
    let body = json!({ "subject": bob, "action": write, "resource": { "type": "record" } });
    assert_eq!(ids(&search(&admin, "resource", &body).await), ["record-2"]);
    let body = json!({ "subject": bob, "resource": record });
    assert_eq!(
        ids(&search(&admin, "action", &body).await),
        ["read", "write"]
    );
    // The type of the resource lets the caller's properties count first.
    let active =
        json!({ "type": "record", "id": "record-2", "properties": { "status": "active" } });
    let body = json!({ "subject": { "type": "user" }, "action": write, "resource": active });
    assert_eq!(ids(&search(&admin, "subject", &body).await), ["alice"]);
    // That of the subject does not: bob stays an administrator.
    let body = json!({
        "subject": { "type": "user", "properties": { "role": "guest" } }, "action": write, "resource": record,
    });
    assert_eq!(ids(&search(&admin, "subject", &body).await), ["bob"]);
    let soft = json!({ "name": "delete", "properties": { "soft": true } });
    let body = json!({ "subject": { "type": "user" }, "action": soft, "resource": record });
    assert_eq!(ids(&search(&admin, "subject", &body).await), ["alice"]);
}

#[tokio::test]
async fn unknown_entities_and_types_have_empty_results() {
    let (_server, admin) = server().await;
    fixture(&admin).await;
    let nothing = json!({ "results": [] });
    let read = json!({ "name": "read" });
    let user = |id: &str| json!({ "type": "user", "id": id });
    let record = json!({ "type": "record", "id": "record-1" });
    let ship = |id: &str| json!({ "type": "spaceship", "id": id });
    for (what, body) in [
        (
            "action",
            json!({ "subject": user("nobody"), "resource": record }),
        ),
        (
            "action",
            json!({ "subject": ship("alice"), "resource": record }),
        ),
        (
            "action",
            json!({ "subject": user("alice"), "resource": ship("1") }),
        ),
        (
            "subject",
            json!({ "subject": ship("1"), "action": read, "resource": record }),
        ),
        (
            "subject",
            json!({ "subject": user("bob"), "action": read, "resource": ship("1") }),
        ),
        (
            "subject",
            json!({ "subject": user("bob"), "action": { "name": "fly" }, "resource": record }),
        ),
        (
            "resource",
            json!({ "subject": user("nobody"), "action": read, "resource": record }),
        ),
        (
            "resource",
            json!({ "subject": ship("alice"), "action": read, "resource": record }),
        ),
        (
            "resource",
            json!({ "subject": user("alice"), "action": read, "resource": ship("") }),
        ),
    ] {
        assert_eq!(search(&admin, what, &body).await, nothing, "{what} {body}");
    }
}

#[tokio::test]
async fn malformed_searches_answer_400() {
    let (_server, admin) = server().await;
    let user = json!({ "type": "user", "id": "alice" });
    let record = json!({ "type": "record", "id": "record-1" });
    let read = json!({ "name": "read" });
    for (what, body, field) in [
        (
            "subject",
            json!({ "subject": user, "resource": record }),
            "action",
        ),
        (
            "resource",
            json!({ "action": read, "resource": record }),
            "subject",
        ),
        ("action", json!({ "subject": user }), "resource"),
        (
            "subject",
            json!({ "subject": user, "action": read, "resource": { "type": "record" } }),
            "resource.id",
        ),
        (
            "resource",
            json!({ "subject": { "type": "user" }, "action": read, "resource": record }),
            "id",
        ),
        (
            "action",
            json!({ "subject": { "type": "user" }, "resource": record }),
            "id",
        ),
        (
            "subject",
            json!({ "subject": {}, "action": read, "resource": record }),
            "type",
        ),
        (
            "action",
            json!({ "subject": user, "resource": "record-1" }),
            "resource",
        ),
        (
            "action",
            json!({ "subject": user, "resource": record, "page": { "limit": -1 } }),
            "page.limit",
        ),
        (
            "action",
            json!({ "subject": user, "resource": record, "context": [] }),
            "context",
        ),
    ] {
        let answer = admin
            .post(&format!("/access/v1/search/{what}"), &body)
            .await;
        answer.problem(400, "malformed-request");
        let named = answer.json["errors"][0]["field"]
            .as_str()
            .unwrap_or_default();
        assert!(named.ends_with(field), "{what} {body}: {}", answer.text);
    }
    for (content_type, body) in [
        ("text/plain", "{}"),
        ("application/x-www-form-urlencoded", "a=b"),
        ("", "{}"),
        ("application/json", ""),
        ("application/json", "{"),
        ("application/json", "[]"),
    ] {
        for what in ["subject", "resource", "action"] {
            let request = admin.request(Method::POST, &format!("/access/v1/search/{what}"));
            let request = request.header("content-type", content_type).body(body);
            Answer::of(request).await.problem(400, "malformed-request");
        }
    }
}

#[tokio::test]
async fn pages_of_certification() {
    let (_server, admin) = server().await;
    fixture(&admin).await;
    let mut body = readers();
    body["page"] = json!({ "limit": 1 });
    let first = search(&admin, "subject", &body).await;
    assert_eq!(ids(&first), ["alice"]);
    // The page comes first, for readers of long answers.
    let token = first["page"]["next_token"].as_str().expect("more");
    assert!(!token.is_empty());
    // Without the limit, which the token has.
    body["page"] = json!({ "token": token });
    let second = search(&admin, "subject", &body).await;
    assert_eq!(ids(&second), ["bob"]);
    assert_eq!(second["page"], json!({ "next_token": "", "count": 1 }));
}
