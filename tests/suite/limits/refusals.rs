//! The body and the headers of a 429.

use std::collections::BTreeMap;

use super::limits;
use crate::document::operations;
use crate::harness::{ADMIN_PASSWORD, Answer};

/// An item of a structured field (RFC 9651): a string with whole numbers as parameters.
#[track_caller]
fn item(text: &str) -> (String, BTreeMap<String, u64>) {
    let (name, parameters) = text.split_once(';').expect("parameters");
    let name = name
        .strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'));
    let name = name.expect("a string").to_owned();
    let allowed = |c: char| c.is_ascii_lowercase() || c == '-';
    assert!(!name.is_empty() && name.chars().all(allowed), "{text}");
    let parameters = parameters.split(';').map(|parameter| {
        let (key, value) = parameter.split_once('=').expect("a value");
        (key.to_owned(), value.parse().expect("a whole number"))
    });
    (name, parameters.collect())
}

/// Asserts the headers of a refusal by a limit of so many requests in an hour.
#[track_caller]
fn headers(answer: &Answer, limit: &str, count: u64) -> u64 {
    let wait: u64 = answer.header("retry-after").parse().expect("whole seconds");
    let one = 3600_u64.div_ceil(count);
    assert!((1..=one).contains(&wait), "{wait}");
    let (name, policy) = item(answer.header("ratelimit-policy"));
    assert_eq!(name, limit);
    let expected = [("q".to_owned(), count), ("w".to_owned(), 3600)];
    assert_eq!(policy, BTreeMap::from(expected));
    let (name, left) = item(answer.header("ratelimit"));
    assert_eq!(name, limit);
    let expected = [("r".to_owned(), 0), ("t".to_owned(), wait)];
    assert_eq!(left, BTreeMap::from(expected));
    assert_eq!(answer.header("cache-control"), "no-store");
    wait
}

#[tokio::test]
async fn rate_limit_answers_429_with_retry_after() {
    let server = limits(&[("REGISTER_SOURCE", "2/1h")]).start().await;
    for name in ["alice", "bob"] {
        assert_eq!(server.register(name).await.status, 201);
    }
    let answer = server.register("carol").await;
    answer.limited("register", "source");
    assert_eq!(answer.json["title"], "Too many requests");
    assert_eq!(answer.json["instance"], "/register");
    let wait = headers(&answer, "register", 2);
    let detail = answer.json["detail"].as_str().expect("a sentence");
    assert!(detail.contains(&format!("{wait} seconds")), "{detail}");
    // The only members that problems have, and no address among them.
    let members: Vec<&String> = answer.json.as_object().expect("an object").keys().collect();
    let known = [
        "counted",
        "detail",
        "instance",
        "limit",
        "request_id",
        "status",
        "title",
        "type",
    ];
    assert_eq!(members, known);
    assert!(!answer.text.contains("127.0.0.1"), "{}", answer.text);
}

#[tokio::test]
async fn rate_limit_of_oauth_endpoints_answers_oauth_error_with_retry_after() {
    let rates = [("LOGIN_ACCOUNT", "1/1h"), ("REFRESH_SOURCE", "1/1h")];
    let server = limits(&rates).start().await;
    let user = server.login("admin", ADMIN_PASSWORD).await;
    server.anon().login("nobody", "wrong").await;
    let answer = server.anon().login("nobody", "wrong").await;
    answer.oauth_limited("login");
    let wait = headers(&answer, "login", 1);
    let description = answer.json["error_description"].as_str().expect("text");
    assert!(
        description.contains(&format!("{wait} seconds")),
        "{description}"
    );
    assert_eq!(user.refresh().await.status, 200);
    let answer = user.refresh().await;
    answer.oauth_limited("refresh");
    headers(&answer, "refresh", 1);
}

#[test]
fn openapi_documents_429_and_its_headers_but_for_health() {
    for operation in operations() {
        let response = operation.responses().remove("429");
        if operation.id == "health" {
            assert_eq!(response, None);
            continue;
        }
        let response = response.unwrap_or_else(|| panic!("{} lacks 429", operation.id));
        for name in ["Retry-After", "RateLimit-Policy", "RateLimit"] {
            let header = &response["headers"][name];
            assert!(header["description"].is_string(), "{} {name}", operation.id);
        }
    }
}
