//! Several questions in one request.

use serde_json::{Value, json};

use super::{EVALUATIONS, Policy, counted, question};
use crate::harness::{Answer, Client, Server};

/// A server at which everybody may read posts 1 and 3.
async fn reading() -> (Server, Client) {
    let server = Server::start().await;
    let admin = server.admin().await;
    let policy = Policy { admin: &admin };
    policy.permissions(&["posts:read", "posts:write"]).await;
    let odd = Some("resource.id in [\"1\", \"3\"]");
    policy.role("everyone", &[], &[("posts:read", odd)]).await;
    (server, admin)
}

/// A request about these posts.
fn about(posts: &[&str], semantic: Option<&str>) -> Value {
    let whole = question("user/alice", "read", "posts/0");
    let item = |id: &&str| json!({ "resource": { "type": "posts", "id": id } });
    let mut body = json!({
        "subject": whole["subject"], "action": whole["action"],
        "evaluations": posts.iter().map(item).collect::<Vec<_>>(),
    });
    if let Some(semantic) = semantic {
        body["options"] = json!({ "evaluations_semantic": semantic, "another": 1 });
    }
    body
}

/// The decisions of an answer.
#[track_caller]
fn decisions(answer: &Answer) -> Vec<bool> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json["decision"], Value::Null);
    let items = answer.json["evaluations"].as_array().expect("a list");
    let decision = |item: &Value| item["decision"].as_bool().expect("a decision");
    items.iter().map(decision).collect()
}

#[tokio::test]
async fn semantic_says_when_the_list_of_decisions_ends() {
    let (server, admin) = reading().await;
    let (yes, no) = (true, false);
    for (semantic, posts, expected) in [
        (None, &["1", "2", "3"][..], &[yes, no, yes][..]),
        (Some("execute_all"), &["2", "1", "2"], &[no, yes, no]),
        (
            Some("deny_on_first_deny"),
            &["1", "3", "2", "1"],
            &[yes, yes, no],
        ),
        (Some("deny_on_first_deny"), &["1", "3"], &[yes, yes]),
        (
            Some("permit_on_first_permit"),
            &["2", "4", "1", "2"],
            &[no, no, yes],
        ),
        (Some("permit_on_first_permit"), &["2", "4"], &[no, no]),
    ] {
        let answer = admin.post(EVALUATIONS, &about(posts, semantic)).await;
        assert_eq!(decisions(&answer), expected, "{semantic:?} {posts:?}");
    }
    // What was not asked any more is not counted.
    assert_eq!(counted(&server, "condition_holds").await, 8.0);
    assert_eq!(counted(&server, "condition_fails").await, 8.0);
}

#[tokio::test]
async fn item_replaces_defaults_as_a_whole() {
    let (_server, admin) = reading().await;
    let mut body = about(&["1"], None);
    body["resource"] = json!({ "type": "posts", "id": "3" });
    body["evaluations"] = json!([
        {},
        { "resource": { "type": "posts", "id": "2" } },
        { "action": { "name": "write" } },
        { "subject": { "type": "spaceship", "id": "1" }, "context": { "time": "now" } },
        // Nothing is merged into half an entity.
        { "resource": { "id": "1" } },
    ]);
    let answer = admin.post(EVALUATIONS, &body).await;
    assert_eq!(decisions(&answer), [true, false, false, true, false]);
    let broken = json!({ "status": 400, "message": "resource.type is missing" });
    let context = json!({ "reason": "invalid", "error": broken });
    assert_eq!(answer.json["evaluations"][4]["context"], context);
}

#[tokio::test]
async fn item_that_is_no_question_is_denied_in_its_place() {
    let (server, admin) = reading().await;
    let items = json!([
        { "resource": { "type": "posts", "id": "1" } },
        {},
        { "resource": { "type": "posts", "id": 7 }, "context": [] },
        "posts/1",
        { "resource": { "type": "posts", "id": "3" } },
    ]);
    for (semantic, expected) in [
        ("execute_all", &[true, false, false, false, true][..]),
        ("deny_on_first_deny", &[true, false]),
        ("permit_on_first_permit", &[true]),
    ] {
        let mut body = about(&[], Some(semantic));
        body["evaluations"] = items.clone();
        let answer = admin.post(EVALUATIONS, &body).await;
        assert_eq!(decisions(&answer), expected, "{semantic}");
        for (at, message) in [
            (1, "resource is missing"),
            (2, "resource.id must be a string; context must be an object"),
            (3, "must be an object"),
        ] {
            if let Some(item) = answer.json["evaluations"].get(at) {
                let error = json!({ "status": 400, "message": message });
                assert_eq!(item["context"]["error"], error);
            }
        }
    }
    assert_eq!(counted(&server, "invalid").await, 4.0);
}

#[tokio::test]
async fn without_items_it_is_one_question() {
    let (_server, admin) = reading().await;
    let whole = question("user/alice", "read", "posts/1");
    for evaluations in [None, Some(json!([]))] {
        let mut body = whole.clone();
        if let Some(evaluations) = evaluations {
            body["evaluations"] = evaluations;
        }
        let answer = admin.post(EVALUATIONS, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json, json!({ "decision": true }));
        body["resource"]["id"] = json!("2");
        let answer = admin.post(EVALUATIONS, &body).await;
        let context = json!({ "reason": "condition_fails" });
        assert_eq!(
            answer.json,
            json!({ "decision": false, "context": context })
        );
        body["resource"] = json!({ "type": "posts" });
        let answer = admin.post(EVALUATIONS, &body).await;
        answer.names(400, "malformed-request", "resource.id");
    }
}

#[tokio::test]
async fn faults_of_the_whole_request_answer_400() {
    let (_server, admin) = reading().await;
    for (name, value, field, rule) in [
        ("evaluations", json!({}), "evaluations", "must be a list"),
        ("evaluations", json!(null), "evaluations", "must be a list"),
        ("options", json!([]), "options", "must be an object"),
        (
            "options",
            json!({ "evaluations_semantic": "all" }),
            "options.evaluations_semantic",
            "must be one of execute_all, deny_on_first_deny, permit_on_first_permit",
        ),
        (
            "options",
            json!({ "evaluations_semantic": null }),
            "options.evaluations_semantic",
            "must be one of execute_all, deny_on_first_deny, permit_on_first_permit",
        ),
        ("subject", json!("alice"), "subject", "must be an object"),
        (
            "subject",
            json!({ "type": "user" }),
            "subject.id",
            "is missing",
        ),
        ("context", json!(1), "context", "must be an object"),
    ] {
        let mut body = about(&["1"], None);
        body[name] = value;
        let answer = admin.post(EVALUATIONS, &body).await;
        answer.names(400, "malformed-request", field);
        assert_eq!(answer.json["errors"][0]["rule"], rule, "{body}");
    }
}

#[tokio::test]
async fn list_has_at_most_100_items() {
    let (_server, admin) = reading().await;
    let answer = admin.post(EVALUATIONS, &about(&["1"; 100], None)).await;
    assert_eq!(decisions(&answer), [true; 100]);
    // Whole questions with properties, more than other bodies may have.
    let mut large = about(&["1"; 100], None);
    for item in large["evaluations"].as_array_mut().expect("a list") {
        item["resource"]["properties"] = json!({ "text": "x".repeat(900) });
    }
    assert_eq!(
        decisions(&admin.post(EVALUATIONS, &large).await),
        [true; 100]
    );
    let answer = admin.post(EVALUATIONS, &about(&["1"; 101], None)).await;
    answer.names(400, "malformed-request", "evaluations");
    assert_eq!(
        answer.json["errors"][0]["rule"],
        "must have at most 100 items"
    );
}
