//! The scenario by which AuthZEN decision points are certified (openid/authzen, `certification/`): Basic and
//! Batch with Core and Properties, and Discovery; searches are in `api/search/`. Its subjects are no accounts, so
//! that its grants hang on the role `everyone`. The records are registered with their status, for one decision
//! is asked without saying it.

use reqwest::Method;
use serde_json::{Value, json};

use super::{EVALUATION, EVALUATIONS, Policy};
use crate::harness::{Answer, Client, Server};

/// A server with the fixture.
async fn fixture() -> (Server, Client) {
    let server = Server::builder()
        .env("PUBLIC_URL", "https://pdp.example.com")
        .start()
        .await;
    let admin = server.admin().await;
    let policy = Policy { admin: &admin };
    policy
        .permissions(&["record:read", "record:write", "record:delete"])
        .await;
    let known = "subject.id in [\"alice\", \"bob\"]";
    let active = "subject.id == \"alice\" and resource.properties.status == \"active\"";
    let archived =
        "subject.properties.role == \"admin\" and resource.properties.status == \"archived\"";
    let soft = "subject.id == \"alice\" and action.properties.soft == true";
    let grants = [
        ("record:read", Some(known)),
        ("record:write", Some(active)),
        ("record:write", Some(archived)),
        ("record:delete", Some(soft)),
    ];
    policy.role("everyone", &[], &grants).await;
    let kind = "/admin/resources/record";
    let described = json!({ "description": "of a test" });
    let answer = admin.put_json(kind, &described).await;
    assert!([200, 201, 204].contains(&answer.status), "{}", answer.text);
    let records = json!({ "upsert": [
        { "id": "record-1", "properties": { "status": "active" } },
        { "id": "record-2", "properties": { "status": "archived" } },
    ] });
    let answer = admin.post(&format!("{kind}/batch"), &records).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    (server, admin)
}

fn alice() -> Value {
    json!({ "type": "user", "id": "alice" })
}

fn bob() -> Value {
    json!({ "type": "user", "id": "bob" })
}

fn admin_bob() -> Value {
    json!({ "type": "user", "id": "bob", "properties": { "role": "admin" } })
}

fn action(name: &str) -> Value {
    json!({ "name": name })
}

fn delete(soft: bool) -> Value {
    json!({ "name": "delete", "properties": { "soft": soft } })
}

/// The first or the second record.
fn record(number: u8) -> Value {
    json!({ "type": "record", "id": format!("record-{number}") })
}

fn with_status(number: u8, status: &str) -> Value {
    let mut record = record(number);
    record["properties"] = json!({ "status": status });
    record
}

fn asked(subject: Value, action: Value, resource: Value) -> Value {
    json!({ "subject": subject, "action": action, "resource": resource })
}

/// The same with other members.
fn and(mut body: Value, more: Value) -> Value {
    let Value::Object(more) = more else {
        panic!("an object");
    };
    body.as_object_mut().expect("an object").extend(more);
    body
}

/// The decision of an answer, which has the form that the standard gives it.
#[track_caller]
fn decision(answer: &Value) -> bool {
    let context = answer.get("context");
    assert!(context.is_none_or(Value::is_object), "{answer}");
    answer["decision"].as_bool().expect("a decision")
}

#[tokio::test]
async fn basic_core_and_properties() {
    let (_server, client) = fixture().await;
    let time = json!({ "context": { "time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1" } });
    let mut more = asked(alice(), action("read"), with_status(1, "active"));
    more["subject"]["properties"] = json!({ "department": "Sales", "role": "manager" });
    more["action"]["properties"] = json!({ "method": "GET" });
    more["resource"]["properties"]["owner"] = json!("bob");
    let read = || asked(alice(), action("read"), record(1));
    let unknown = json!({ "foo": "bar", "futureField": { "nested": true } });
    for (body, expected) in [
        // Core.
        (read(), true),
        (asked(bob(), action("write"), record(1)), false),
        (asked(bob(), action("read"), record(1)), true),
        (asked(alice(), action("write"), record(1)), true),
        (and(read(), time), true),
        (more, true),
        (and(read(), unknown), true),
        // Properties.
        (
            asked(alice(), action("write"), with_status(1, "active")),
            true,
        ),
        (
            asked(alice(), action("write"), with_status(2, "archived")),
            false,
        ),
        (
            asked(admin_bob(), action("write"), with_status(2, "archived")),
            true,
        ),
        (asked(alice(), delete(true), record(1)), true),
        (asked(alice(), delete(false), record(1)), false),
    ] {
        // The same question has the same answer.
        for _ in 0..3 {
            let answer = client.post(EVALUATION, &body).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let media = answer.header("content-type");
            assert!(media.starts_with("application/json"), "{media}");
            assert_eq!(decision(&answer.json), expected, "{body}");
        }
    }
    let request = client.request(Method::POST, EVALUATION).json(&read());
    let answer = Answer::of(request.header("x-request-id", "any: string, at all")).await;
    assert_eq!(answer.header("x-request-id"), "any: string, at all");
}

#[tokio::test]
async fn basic_core_errors_are_400() {
    let (_server, client) = fixture().await;
    let read = || asked(alice(), action("read"), record(1));
    for part in ["subject", "action", "resource"] {
        let mut body = read();
        body.as_object_mut().expect("an object").remove(part);
        let answer = client.post(EVALUATION, &body).await;
        answer.names(400, "malformed-request", part);
    }
    for (part, name) in [
        ("subject", "type"),
        ("subject", "id"),
        ("action", "name"),
        ("resource", "type"),
        ("resource", "id"),
    ] {
        let mut body = read();
        body[part].as_object_mut().expect("an object").remove(name);
        let answer = client.post(EVALUATION, &body).await;
        answer.names(400, "malformed-request", &format!("{part}.{name}"));
    }
    for body in [
        and(read(), json!({ "subject": "alice" })),
        and(read(), json!({ "action": { "name": 123 } })),
    ] {
        let answer = client.post(EVALUATION, &body).await;
        answer.problem(400, "malformed-request");
    }
    let request = || client.request(Method::POST, EVALUATION);
    let text = request().header("content-type", "text/plain");
    let json = || request().header("content-type", "application/json");
    for request in [
        text.body(read().to_string()),
        json().body("{not json"),
        json().body(""),
    ] {
        let answer = Answer::of(request).await;
        answer.problem(400, "malformed-request");
    }
}

#[tokio::test]
async fn batch_core_and_properties() {
    let (_server, client) = fixture().await;
    let list = |body: Value, items: &[Value]| and(body, json!({ "evaluations": items }));
    let resource = |resource: Value| json!({ "resource": resource });
    let read = || json!({ "subject": alice(), "action": action("read") });
    let write = || json!({ "subject": alice(), "action": action("write") });
    let both = [resource(record(1)), resource(record(2))];
    let (active, archived) = (with_status(1, "active"), with_status(2, "archived"));
    let execute_all = json!({ "options": { "evaluations_semantic": "execute_all" } });
    let mut later = both.clone();
    later[1]["context"] = json!({ "time": "2025-06-27T19:00-07:00", "source": "batch" });
    // The fixture leaves some decisions open: those are `None`.
    let (yes, no, open) = (Some(true), Some(false), None);
    for (body, expected) in [
        (list(read(), &both), [yes, open]),
        (
            list(
                json!({ "subject": bob(), "resource": record(1) }),
                &[
                    json!({ "action": action("read") }),
                    json!({ "action": action("write") }),
                ],
            ),
            [yes, no],
        ),
        (
            list(
                write(),
                &[resource(active.clone()), resource(archived.clone())],
            ),
            [yes, no],
        ),
        (
            list(
                json!({ "action": action("write"), "resource": archived.clone() }),
                &[
                    json!({ "subject": alice() }),
                    json!({ "subject": admin_bob() }),
                ],
            ),
            [no, yes],
        ),
        (
            list(
                json!({}),
                &[
                    asked(alice(), action("read"), record(1)),
                    asked(bob(), action("write"), record(1)),
                ],
            ),
            [yes, no],
        ),
        (
            list(and(read(), json!({ "context": { "time": "now" } })), &later),
            [yes, open],
        ),
        (
            list(
                and(write(), resource(active)),
                &[json!({}), resource(archived)],
            ),
            [yes, no],
        ),
        (
            list(and(read(), execute_all), &[resource(record(1)), json!({})]),
            [yes, no],
        ),
    ] {
        let answer = client.post(EVALUATIONS, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let decisions = answer.json["evaluations"].as_array().expect("a list");
        assert_eq!(decisions.len(), expected.len(), "{}", answer.text);
        for (answer, expected) in decisions.iter().zip(expected) {
            let decision = decision(answer);
            assert!(expected.is_none_or(|known| decision == known), "{body}");
        }
    }
    for evaluations in [json!({}), json!({ "evaluations": [] })] {
        let one = and(asked(alice(), action("read"), record(1)), evaluations);
        let answer = client.post(EVALUATIONS, &one).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(decision(&answer.json));
    }
}

#[tokio::test]
async fn discovery() {
    let (server, _) = fixture().await;
    let path = "/.well-known/authzen-configuration";
    let answer = server.anon().get(path).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let media = answer.header("content-type");
    assert!(media.starts_with("application/json"), "{media}");
    let base = "https://pdp.example.com";
    assert_eq!(answer.json["policy_decision_point"], base);
    let members = answer.json.as_object().expect("an object");
    assert!(members.contains_key("access_evaluation_endpoint"));
    for (name, value) in members {
        let url = value.as_str().expect("an address");
        let known = name.ends_with("_endpoint") && url.starts_with(&format!("{base}/access/v1/"));
        assert!(known || name == "policy_decision_point", "{name}: {url}");
    }
}
