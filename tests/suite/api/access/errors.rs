//! Requests that are no questions.

use reqwest::Method;
use serde_json::{Value, json};

use super::{EVALUATION, EVALUATIONS, EXPLAIN, counted, question};
use crate::harness::{Answer, Server};

/// Bodies, and the field that each is refused for with its rule.
fn broken() -> Vec<(Value, &'static str, &'static str)> {
    let sound = || question("user/alice", "read", "posts/7");
    let with = |pointer: &str, value: Value| {
        let mut asked = sound();
        *asked.pointer_mut(pointer).expect("it is there") = value;
        asked
    };
    let without = |part: &str, name: Option<&str>| {
        let mut asked = sound();
        let fields = match name {
            Some(_) => asked[part].as_object_mut(),
            None => asked.as_object_mut(),
        };
        fields.expect("an object").remove(name.unwrap_or(part));
        asked
    };
    let properties = |part: &str, value: Value| {
        let mut asked = sound();
        asked[part]["properties"] = value;
        asked
    };
    let name = "must have 1 to 256 characters, none of them NUL";
    let object = "must be an object";
    let mut context = sound();
    context["context"] = json!([]);
    vec![
        (without("subject", None), "subject", "is missing"),
        (without("action", None), "action", "is missing"),
        (without("resource", None), "resource", "is missing"),
        (
            without("subject", Some("type")),
            "subject.type",
            "is missing",
        ),
        (without("subject", Some("id")), "subject.id", "is missing"),
        (without("action", Some("name")), "action.name", "is missing"),
        (
            without("resource", Some("type")),
            "resource.type",
            "is missing",
        ),
        (without("resource", Some("id")), "resource.id", "is missing"),
        (with("/subject", json!("alice")), "subject", object),
        (with("/action", json!(null)), "action", object),
        (with("/resource", json!(["posts"])), "resource", object),
        (
            with("/action/name", json!(123)),
            "action.name",
            "must be a string",
        ),
        (
            with("/subject/id", json!(null)),
            "subject.id",
            "must be a string",
        ),
        (with("/subject/id", json!("")), "subject.id", name),
        (with("/subject/type", json!("a\0b")), "subject.type", name),
        (
            with("/resource/id", json!("x".repeat(257))),
            "resource.id",
            name,
        ),
        (with("/resource/type", json!("")), "resource.type", name),
        (with("/action/name", json!("\0")), "action.name", name),
        (
            properties("subject", json!([])),
            "subject.properties",
            object,
        ),
        (
            properties("action", json!("x")),
            "action.properties",
            object,
        ),
        (
            properties("resource", json!(null)),
            "resource.properties",
            object,
        ),
        (context, "context", object),
    ]
}

#[tokio::test]
async fn faults_of_one_question_answer_400_and_name_field_and_rule() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for (body, field, rule) in broken() {
        for path in [EVALUATION, EVALUATIONS, EXPLAIN] {
            let answer = admin.post(path, &body).await;
            answer.names(400, "malformed-request", field);
            assert_eq!(answer.json["errors"][0]["rule"], rule, "{path} {body}");
        }
    }
    // All at once.
    let answer = admin.post(EVALUATION, &json!({ "action": {} })).await;
    answer.problem(400, "malformed-request");
    let named = [
        json!({ "field": "subject", "rule": "is missing" }),
        json!({ "field": "action.name", "rule": "is missing" }),
        json!({ "field": "resource", "rule": "is missing" }),
    ];
    assert_eq!(answer.json["errors"], json!(named));
    // None was a decision.
    assert_eq!(counted(&server, "invalid").await, 0.0);
}

#[tokio::test]
async fn bodies_that_are_no_json_objects_answer_400() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let twice = r#"{"subject": {"type": "user", "id": "a", "id": "b"}}"#;
    let deep = format!("{{\"context\": {}{}}}", "[".repeat(40), "]".repeat(40));
    for path in [EVALUATION, EVALUATIONS, EXPLAIN] {
        let send = |content_type: &str, body: &str| {
            let request = admin.request(Method::POST, path);
            let request = request.header("content-type", content_type);
            Answer::of(request.body(body.to_owned()))
        };
        for body in ["", "{", "nothing", "[]", "null", "\"text\"", "{} {}"] {
            let answer = send("application/json", body).await;
            answer.problem(400, "malformed-request");
        }
        let sound = question("user/alice", "read", "posts/7").to_string();
        for media in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "text/json",
        ] {
            let answer = send(media, &sound).await;
            answer.problem(400, "malformed-request");
            let detail = answer.json["detail"].as_str().unwrap_or_default();
            assert!(detail.contains("application/json"), "{}", answer.text);
        }
        let answer = send("application/json; charset=utf-8", &sound).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let answer = send("application/json", twice).await;
        answer.names(400, "malformed-request", "id");
        assert_eq!(answer.json["errors"][0]["rule"], "is given twice");
        let answer = send("application/json", &deep).await;
        answer.names(400, "malformed-request", "body");
    }
}

#[tokio::test]
async fn refusals_repeat_no_value() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let secret = "kestrel-obelisk-4711";
    for body in [
        json!({ "subject": secret }),
        json!({ "subject": { "type": [secret], "id": format!("{secret}\0") } }),
        json!({ "context": secret, "evaluations": secret, "options": secret }),
        json!({ "options": { "evaluations_semantic": secret } }),
        json!({ "evaluations": [secret, { "subject": secret, "context": [secret] }] }),
    ] {
        for path in [EVALUATION, EVALUATIONS, EXPLAIN] {
            let answer = admin.post(path, &body).await;
            assert!(!answer.text.contains(secret), "{path}: {}", answer.text);
        }
    }
}
