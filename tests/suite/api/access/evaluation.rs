//! One question: decisions, and what the request may look like.

use reqwest::Method;
use serde_json::{Value, json};

use super::{EVALUATION, Policy, counted, decision, question};
use crate::harness::{Answer, Server};

#[tokio::test]
async fn account_has_what_its_roles_grant_where_they_were_given() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let alice = server.user("alice").await.id().await;
    let bob = server.user("bob").await.id().await;
    let policy = Policy { admin: &admin };
    policy
        .permissions(&["posts:read", "posts:write", "files:read"])
        .await;
    policy.role("reader", &[], &[("posts:read", None)]).await;
    let owner = "resource.properties.owner == subject.id";
    let grants = [("posts:write", Some(owner)), ("files:*", None)];
    policy.role("writer", &["reader"], &grants).await;
    policy.give(&alice, "writer", "").await;
    let one = "?resource_type=posts&resource_id=7";
    policy.give(&bob, "reader", one).await;

    let (alice, bob) = (format!("user/{alice}"), format!("user/{bob}"));
    for (subject, action, resource, expected) in [
        (&alice, "read", "posts/7", true),
        (&alice, "read", "files/1", true),
        (&alice, "write", "posts/7", false),
        (&bob, "read", "posts/7", true),
        (&bob, "read", "posts/8", false),
        (&bob, "write", "posts/7", false),
    ] {
        let asked = question(subject, action, resource);
        assert_eq!(decision(&admin, &asked).await, expected, "{asked}");
    }
    // A condition looks at the properties of the question.
    let mut own = question(&alice, "write", "posts/7");
    own["resource"]["properties"] = json!({ "owner": own["subject"]["id"] });
    assert!(decision(&admin, &own).await);
    own["resource"]["properties"]["owner"] = json!("somebody else");
    assert!(!decision(&admin, &own).await);

    for (reason, expected) in [
        ("granted", 3.0),
        ("condition_holds", 1.0),
        ("condition_fails", 2.0),
        ("not_granted", 2.0),
        ("unknown_permission", 0.0),
        ("invalid", 0.0),
    ] {
        assert_eq!(counted(&server, reason).await, expected, "{reason}");
    }
}

#[tokio::test]
async fn what_nobody_knows_is_denied_with_200_and_a_reason() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let policy = Policy { admin: &admin };
    policy.permissions(&["posts:read"]).await;
    let alice = format!("user/{}", server.user("alice").await.id().await);
    for (asked, reason) in [
        (question(&alice, "read", "posts/7"), "not_granted"),
        (question("user/nobody", "read", "posts/7"), "not_granted"),
        (question("spaceship/1", "read", "posts/7"), "not_granted"),
        (
            question(
                "user/00000000-0000-7000-8000-000000000000",
                "read",
                "posts/7",
            ),
            "not_granted",
        ),
        (question(&alice, "fly", "posts/7"), "unknown_permission"),
        (question(&alice, "read", "planets/7"), "unknown_permission"),
        (question(&alice, "re ad", "po:sts/7"), "unknown_permission"),
    ] {
        let answer = admin.post(EVALUATION, &asked).await;
        assert_eq!(answer.status, 200, "{asked}: {}", answer.text);
        let denied = json!({ "decision": false, "context": { "reason": reason } });
        assert_eq!(answer.json, denied, "{asked}");
        let media = answer.header("content-type");
        assert!(media.starts_with("application/json"), "{media}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn disabled_account_is_denied() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let policy = Policy { admin: &admin };
    policy.permissions(&["posts:read"]).await;
    policy.role("everyone", &[], &[("posts:read", None)]).await;
    let alice = server.user("alice").await.id().await;
    let asked = question(&format!("user/{alice}"), "read", "posts/7");
    assert!(decision(&admin, &asked).await);
    let account = format!("/admin/users/{alice}");
    for (disabled, expected) in [(true, false), (false, true)] {
        let change = json!({ "disabled": disabled });
        assert_eq!(admin.patch(&account, &change).await.status, 200);
        assert_eq!(decision(&admin, &asked).await, expected);
    }
    assert_eq!(counted(&server, "subject_disabled").await, 1.0);
}

#[tokio::test]
async fn service_asks_with_the_one_permission_that_it_needs() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let policy = Policy { admin: &admin };
    policy
        .role("gateway", &[], &[("authz:evaluate", None)])
        .await;
    let gateway = server.user("gateway").await;
    let asked = question("user/nobody", "read", "posts/7");
    let refused = gateway.post(EVALUATION, &asked).await;
    refused.problem(403, "forbidden");
    assert_eq!(refused.json["permission"], "authz:evaluate");
    policy.give(&gateway.id().await, "gateway", "").await;
    assert!(!decision(&gateway, &asked).await);
    let refused = gateway.post(super::EXPLAIN, &asked).await;
    refused.problem(403, "forbidden");
    assert_eq!(refused.json["permission"], "authz:search");
}

#[tokio::test]
async fn unknown_fields_and_context_change_nothing() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let policy = Policy { admin: &admin };
    policy.permissions(&["posts:read"]).await;
    let condition = Some("subject.properties.team == \"red\"");
    policy
        .role("everyone", &[], &[("posts:read", condition)])
        .await;
    let mut asked = question("user/alice", "read", "posts/7");
    asked["subject"]["properties"] = json!({ "team": "red", "nested": { "list": [1, null, {}] } });
    assert!(decision(&admin, &asked).await);
    for extra in [
        json!({ "foo": "bar", "future": { "nested": [true] } }),
        json!({ "context": {} }),
        json!({ "context": { "time": "2025-06-27T18:03-07:00", "team": "blue" } }),
        json!({ "evaluations": [{ "subject": "ignored here" }] }),
    ] {
        let mut more = asked.clone();
        for (name, value) in extra.as_object().expect("an object") {
            more[name] = value.clone();
        }
        more["subject"]["surprise"] = extra.clone();
        more["action"]["surprise"] = extra;
        assert!(decision(&admin, &more).await, "{more}");
    }
}

#[tokio::test]
async fn request_id_comes_back_byte_for_byte() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let longest = "~".repeat(256);
    let ask = |id: &[u8], body: &Value| {
        let request = admin.request(Method::POST, EVALUATION).json(body);
        Answer::of(request.header("x-request-id", id))
    };
    let sound = question("user/alice", "read", "posts/7");
    for id in [
        "bfe9eb29-ab87-4ca3-be83-a1d5d8305716",
        "x",
        "a b",
        "{\"level\":\"error\"}",
        "$(reboot) ../../etc/passwd <script>",
        longest.as_str(),
    ] {
        for body in [&sound, &json!({})] {
            let answer = ask(id.as_bytes(), body).await;
            assert_eq!(answer.header("x-request-id"), id);
            let ours = answer.header("x-service-request-id");
            assert!(ours.len() == 32 && ours != id, "{ours}");
            if answer.status == 400 {
                answer.problem(400, "malformed-request");
            }
        }
        // The log has it only if it is a word.
        let word = id.len() <= 64 && !id.contains([' ', '{']);
        assert!(word || !server.log().contains(id), "{id}");
    }
    let too_long = "x".repeat(257);
    for id in [too_long.as_bytes(), "caf\u{e9}".as_bytes(), b"a\tb"] {
        let answer = ask(id, &sound).await;
        assert_eq!(answer.header("x-request-id").len(), 32);
        assert_eq!(answer.header("x-service-request-id"), "");
    }
    // Also before the guard.
    let request = server.anon().request(Method::POST, EVALUATION).json(&sound);
    let answer = Answer::of(request.header("x-request-id", "a b")).await;
    answer.problem(401, "unauthenticated");
    assert_eq!(answer.header("x-request-id"), "a b");
}
