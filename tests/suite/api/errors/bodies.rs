//! Malformed bodies, and bodies with wrong fields or types.

use reqwest::Method;
use serde_json::{Value, json};

use crate::document::{Operation, operations};
use crate::harness::{Answer, Client, PASSWORD, Server};
use crate::raw::Raw;

const LIMIT: usize = 16 * 1024;

/// Every operation with a JSON body, apart from those that speak RFC 6749.
fn with_json() -> Vec<Operation> {
    let mut found = operations();
    found.retain(|operation| operation.takes_json() && !operation.oauth());
    assert!(found.len() >= 5, "most operations that write take JSON");
    found
}

async fn send(client: &Client, operation: &Operation, content_type: &str, body: &[u8]) -> Answer {
    let request = client
        .request(operation.method.clone(), &operation.path())
        .header("content-type", content_type)
        .body(body.to_vec());
    Answer::of(request).await
}

#[tokio::test]
async fn body_that_is_not_json_answers_400_with_position() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for operation in with_json() {
        for body in [
            &b""[..],
            b"{",
            b"{\"username\": \"x\",}",
            b"{} {}",
            b"{'a': 1}",
            b"\xff\xfe{}",
            b"{\"username\": \"\xff\xfe\"}",
            "[".repeat(10_000).as_bytes(),
        ] {
            // An optional body is not missing.
            if body.is_empty() && ["logout", "deleteMe"].contains(&operation.id.as_str()) {
                continue;
            }
            let answer = send(&admin, &operation, "application/json", body).await;
            answer.problem(400, "malformed-request");
        }
        let answer = send(&admin, &operation, "application/json", b"{\n  oops").await;
        let detail = answer.json["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("line 2, column 3"), "{}", answer.text);
    }
}

#[tokio::test]
async fn body_not_an_object_or_with_unknown_fields_answers_400() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for operation in with_json() {
        for body in ["null", "[]", "1", "true", "\"text\""] {
            let answer = send(&admin, &operation, "application/json", body.as_bytes()).await;
            answer.problem(400, "malformed-request");
        }
        let answer = send(&admin, &operation, "application/json", b"{\"surprise\": 1}").await;
        if !operation.refuses_unknown_fields() {
            // The standard of these bodies wants them ignored.
            assert!(!answer.text.contains("surprise"), "{}", answer.text);
            continue;
        }
        answer.problem(400, "malformed-request");
        let error = json!({ "field": "surprise", "rule": "is unknown" });
        let errors = answer.json["errors"].as_array().expect("a list");
        assert!(errors.contains(&error), "{}", operation.id);
        // Beside it, fields that the operation needs.
        let missing = errors.iter().filter(|one| one["rule"] == "is missing");
        assert_eq!(missing.count() + 1, errors.len(), "{}", operation.id);
    }
}

#[tokio::test]
async fn field_of_wrong_type_answers_400_and_names_it() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let register = |change: &str| {
        format!("{{\"username\": \"alice\", \"email\": \"alice@example.com\"{change}}}")
    };
    let password = format!(", \"password\": \"{PASSWORD}\"");
    let cases = [
        ("/register", register(""), "password", "is missing"),
        (
            "/register",
            register(", \"password\": 12345678"),
            "password",
            "must be a string",
        ),
        (
            "/register",
            register(", \"password\": null"),
            "password",
            "must be a string",
        ),
        (
            "/register",
            register(", \"password\": [\"x\"]"),
            "password",
            "must be a string",
        ),
        (
            "/register",
            register(&format!("{password}{password}")),
            "password",
            "is given twice",
        ),
        (
            "/register",
            register(&format!("{password}, \"role\": null")),
            "role",
            "must be a string",
        ),
        (
            "/register",
            register(&format!("{password}, \"is_admin\": true")),
            "is_admin",
            "is unknown",
        ),
        (
            "/logout",
            "{\"all\": \"yes\"}".to_owned(),
            "all",
            "must be a boolean",
        ),
        (
            "/logout",
            "{\"all\": null}".to_owned(),
            "all",
            "must be a boolean",
        ),
        (
            "/logout",
            "{\"refresh_token\": 1}".to_owned(),
            "refresh_token",
            "must be a string",
        ),
        (
            "/users/me/password",
            "{\"current_password\": \"x\"}".to_owned(),
            "new_password",
            "is missing",
        ),
    ];
    for (path, body, field, rule) in cases {
        let request = admin.request(Method::POST, path);
        let request = request.header("content-type", "application/json");
        let answer = Answer::of(request.body(body.clone())).await;
        answer.problem(400, "malformed-request");
        let error = json!({ "field": field, "rule": rule });
        assert_eq!(answer.json["errors"], json!([error]), "{body}");
    }
}

#[tokio::test]
async fn body_of_other_media_type_answers_415_or_what_its_standard_says() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for operation in with_json() {
        for content_type in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonp",
            "",
        ] {
            let answer = send(&admin, &operation, content_type, b"{}").await;
            other_media_type(&operation, &answer);
            let detail = answer.json["detail"].as_str().unwrap_or_default();
            assert!(detail.contains("application/json"), "{}", answer.text);
        }
        let request = admin.request(operation.method.clone(), &operation.path());
        let answer = Answer::of(request.body("{}")).await;
        other_media_type(&operation, &answer);
    }
    for content_type in ["application/json; charset=utf-8", "Application/JSON"] {
        let request = admin.request(Method::PATCH, "/users/me");
        let request = request.header("content-type", content_type).body("{}");
        assert_eq!(Answer::of(request).await.status, 200, "{content_type}");
    }
}

/// Asserts the refusal of a body of another media type.
#[track_caller]
fn other_media_type(operation: &Operation, answer: &Answer) {
    match operation.wrong_media_type() {
        400 => answer.problem(400, "malformed-request"),
        _ => answer.problem(415, "unsupported-media-type"),
    };
}

/// A registration of exactly this many bytes.
fn padded(name: &str, length: usize) -> Vec<u8> {
    let email = format!("{name}@example.com");
    let body = json!({ "username": name, "email": email, "password": PASSWORD }).to_string();
    format!("{body}{}", " ".repeat(length - body.len())).into_bytes()
}

#[tokio::test]
async fn body_over_the_limit_answers_413() {
    let server = Server::start().await;
    let post = |body: Vec<u8>| {
        let request = server.anon().request(Method::POST, "/register");
        Answer::of(
            request
                .header("content-type", "application/json")
                .body(body),
        )
    };
    let answer = post(padded("alice", LIMIT)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);

    // Announced: refused by its head alone, before a byte of it was sent.
    let length = format!("Content-Length: {}", LIMIT + 1);
    let mut raw = Raw::open(&server).await;
    raw.head(
        "POST /register",
        &["Content-Type: application/json", &length],
    )
    .await;
    let answer = raw.answer().await;
    assert_eq!(answer.status, 413, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.json()["type"], "/problems/too-large");
    assert_eq!(answer.json()["request_id"], answer.header("x-request-id"));
    assert_eq!(answer.header("connection"), "close");

    // Arrived already: it is not read in vain either, and ends its connection.
    let mut raw = Raw::open(&server).await;
    raw.head(
        "POST /register",
        &["Content-Type: application/json", &length],
    )
    .await;
    raw.send(&padded("bob", LIMIT + 1)).await;
    let answer = raw.answer().await;
    assert_eq!(answer.status, 413, "{answer:?}");
    assert_eq!(answer.header("connection"), "close");
}

#[tokio::test]
async fn chunked_body_over_the_limit_answers_413() {
    let server = Server::start().await;
    let headers = [
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
    ];
    let mut raw = Raw::open(&server).await;
    raw.head("POST /register", &headers).await;
    raw.chunk(&padded("alice", LIMIT)).await;
    raw.send(b"0\r\n\r\n").await;
    let answer = raw.answer().await;
    assert_eq!(answer.status, 201, "{answer:?}");

    // The body never ends: the response must not wait for it.
    let mut raw = Raw::open(&server).await;
    raw.head("POST /register", &headers).await;
    raw.chunk(&padded("bob", LIMIT)).await;
    raw.chunk(b" ").await;
    let answer = raw.answer().await;
    assert_eq!(answer.status, 413, "{answer:?}");
    assert_eq!(answer.json()["type"], "/problems/too-large");
}

#[tokio::test]
async fn every_operation_answers_413_to_a_large_body() {
    let server = Server::start().await;
    for operation in operations() {
        let limit = operation.record().body.map_or(LIMIT, |body| body.largest);
        let length = format!("Content-Length: {}", limit + 1);
        let request = format!("{} {}", operation.method, operation.path());
        let mut raw = Raw::open(&server).await;
        raw.head(&request, &[&length]).await;
        let answer = raw.answer().await;
        assert_eq!(answer.status, 413, "{request}: {answer:?}");
        let said = if operation.oauth() { "error" } else { "type" };
        assert_ne!(answer.json()[said], Value::Null, "{request}: {answer:?}");
    }
}

#[tokio::test]
async fn body_that_is_not_utf8_answers_400_and_is_no_wrong_password() {
    let server = Server::start().await;
    server.register("alice").await;
    for form in [
        &b"username=alice&password=caf%E9"[..],
        b"username=alice&password=caf\xe9",
        b"username=alice%FF&password=violet-harbour-31",
        b"username=alice&password=violet-harbour-31&client_secret=%C3",
    ] {
        let request = server.anon().request(Method::POST, "/login");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = Answer::of(request.body(form.to_vec())).await;
        answer.oauth(400, "invalid_request");
        assert_eq!(answer.json["error_description"], "body: must be UTF-8");
    }
    let metrics = server.metrics().await;
    let wrong = [("reason", "bad_password")];
    assert_eq!(metrics.sum("auth_logins_total", &wrong), 0.0);

    let admin = server.admin().await;
    for operation in with_json() {
        for body in [
            &b"{\"username\": \"caf\xe9\"}"[..],
            b"{\"x\xff\": 1}",
            b"\xff\xfe{}",
        ] {
            let answer = send(&admin, &operation, "application/json", body).await;
            answer.names(400, "malformed-request", "body");
            assert_eq!(answer.json["errors"][0]["rule"], "must be UTF-8");
        }
    }
}

#[tokio::test]
async fn truncated_body_reaches_no_handler() {
    let server = Server::start().await;
    let body = padded("alice", 200);
    let mut raw = Raw::open(&server).await;
    let headers = [
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
    ];
    raw.head("POST /register", &headers).await;
    raw.chunk(&body).await;
    raw.send(b"not a chunk\r\n").await;
    let answer = raw.answer().await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.json()["type"], "/problems/malformed-request");
    assert_eq!(
        server.register("alice").await.status,
        201,
        "no account was registered"
    );
}
