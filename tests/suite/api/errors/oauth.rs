//! Every error of `/login`, `/refresh` and the token endpoint is in the format of RFC 6749.

use reqwest::Method;
use serde_json::Value;

use crate::harness::{Answer, Server};
use crate::raw::{Raw, RawAnswer};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// Asserts an error of RFC 6749 section 5.2: these two members, in its alphabet, and nothing else.
#[track_caller]
fn assert_oauth(content_type: &str, body: &Value, code: &str, what: &str) {
    assert!(content_type.starts_with(JSON), "{what}: {content_type}");
    assert_eq!(body["error"], code, "{what}: {body}");
    let description = body["error_description"].as_str().unwrap_or_default();
    assert!(!description.is_empty(), "{what}: {body}");
    assert!(
        description
            .chars()
            .all(|c| (' '..='~').contains(&c) && c != '"' && c != '\\'),
        "{what}: {body}"
    );
    assert_eq!(
        body.as_object().map(serde_json::Map::len),
        Some(2),
        "{what}: {body}"
    );
}

#[tokio::test]
async fn oauth_malformed_request_answers_invalid_request() {
    let server = Server::start().await;
    let cases: [(&str, &str, &[u8]); 18] = [
        ("/login", FORM, b""),
        ("/login", FORM, b"username=admin"),
        ("/login", FORM, b"password=x"),
        ("/login", FORM, b"username=a&username=b&password=x"),
        ("/login", FORM, b"username=a&password=x&password=y"),
        ("/login", FORM, b"username=a&password=x&scope=a&scope=b"),
        ("/login", FORM, b"{\"username\": \"a\"}"),
        ("/login", FORM, b"username=&password="),
        ("/refresh", FORM, b"refresh_token="),
        ("/refresh", FORM, b"refresh_token=%ff"),
        ("/refresh", JSON, b""),
        ("/refresh", JSON, b"{}"),
        ("/refresh", JSON, b"null"),
        ("/refresh", JSON, b"{\"refresh_token\": 1}"),
        (
            "/refresh",
            JSON,
            b"{\"refresh_token\": \"a\", \"refresh_token\": \"a\"}",
        ),
        (
            "/refresh",
            JSON,
            b"{\"refresh_token\": \"a\", \"caf\xc3\xa9 \\\"x\\\"\": 1}",
        ),
        ("/refresh", JSON, b"{\"refresh_token\": \"\xff\"}"),
        ("/refresh", JSON, b"{broken"),
    ];
    for (path, content_type, body) in cases {
        let what = format!("{path} {}", String::from_utf8_lossy(body));
        let request = server.anon().request(Method::POST, path);
        let request = request
            .header("content-type", content_type)
            .body(body.to_vec());
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, 400, "{what}: {}", answer.text);
        assert_oauth(
            answer.header("content-type"),
            &answer.json,
            "invalid_request",
            &what,
        );
        assert_eq!(answer.header("cache-control"), "no-store", "{what}");
        assert!(!answer.header("x-request-id").is_empty(), "{what}");
    }
}

#[tokio::test]
async fn oauth_rejection_answers_invalid_grant_unsupported_grant_or_invalid_scope() {
    let server = Server::start().await;
    for (form, code) in [
        ("username=admin&password=wrong", "invalid_grant"),
        ("username=nobody&password=wrong", "invalid_grant"),
        (
            "username=admin&password=x&grant_type=client_credentials",
            "unsupported_grant_type",
        ),
        (
            "username=admin&password=x&scope=two++blanks",
            "invalid_scope",
        ),
    ] {
        let request = server.anon().request(Method::POST, "/login");
        let answer = Answer::of(request.header("content-type", FORM).body(form)).await;
        assert_eq!(answer.status, 400, "{form}: {}", answer.text);
        assert_oauth(answer.header("content-type"), &answer.json, code, form);
    }
    for token in ["", "rt_unknown", &"x".repeat(10_000)] {
        let body = serde_json::json!({ "refresh_token": token });
        let answer = server.anon().post("/refresh", &body).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert_oauth(
            answer.header("content-type"),
            &answer.json,
            "invalid_grant",
            token,
        );
    }
}

#[tokio::test]
async fn oauth_errors_413_and_415_have_the_oauth_shape() {
    let server = Server::start().await;
    for (path, content_type) in [
        ("/login", JSON),
        ("/login", "text/plain"),
        ("/login", "multipart/form-data; boundary=x"),
        ("/oauth/token", JSON),
        ("/oauth/revoke", JSON),
        ("/refresh", "multipart/form-data; boundary=x"),
        ("/refresh", "text/plain"),
    ] {
        let request = server.anon().request(Method::POST, path);
        let answer = Answer::of(request.header("content-type", content_type).body("{}")).await;
        assert_eq!(answer.status, 415, "{path} {content_type}: {}", answer.text);
        assert_oauth(
            answer.header("content-type"),
            &answer.json,
            "invalid_request",
            path,
        );
    }
    for path in ["/login", "/refresh", "/oauth/token", "/oauth/revoke"] {
        let request = format!("POST {path}");
        let mut announced = Raw::open(&server).await;
        announced.head(&request, &["Content-Length: 16385"]).await;
        let mut chunked = Raw::open(&server).await;
        chunked
            .head(&request, &["Transfer-Encoding: chunked"])
            .await;
        chunked.chunk(&[b' '; 16384]).await;
        chunked.chunk(b" ").await;
        let answers: [RawAnswer; 2] = [announced.answer().await, chunked.answer().await];
        for answer in answers {
            assert_eq!(answer.status, 413, "{path}: {answer:?}");
            assert_oauth(
                answer.header("content-type"),
                &answer.json(),
                "invalid_request",
                path,
            );
        }
    }
}

#[tokio::test]
async fn login_form_of_more_fields_than_anybody_needs_answers_invalid_request() {
    let server = Server::start().await;
    server.register("alice").await;
    let post = async |fields: usize| {
        let form = format!("username=alice&password={}", crate::harness::PASSWORD);
        let request = server.anon().request(Method::POST, "/login");
        let request = request.header("content-type", FORM);
        Answer::of(request.body(form + &"&a=1".repeat(fields - 2))).await
    };
    assert_eq!(post(64).await.status, 200);
    let refused = post(65).await;
    assert_oauth(
        refused.header("content-type"),
        &refused.json,
        "invalid_request",
        "65",
    );
    let said = refused.json["error_description"].as_str();
    assert!(
        said.is_some_and(|said| said.contains("64 fields")),
        "{}",
        refused.text
    );
}
