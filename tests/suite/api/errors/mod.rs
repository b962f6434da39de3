//! Errors: every error is a problem, the framework's refusals included.

mod all_fields;
mod bodies;
mod echo;
mod host;
mod nul;
mod oauth;
mod queries;
mod request_id;

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::Value;

use crate::document::{PAGES, operations};
use crate::harness::{Answer, Server};

#[tokio::test]
async fn unknown_path_answers_404_problem_for_every_method() {
    let server = Server::start().await;
    for path in [
        "/nothing",
        "/admin",
        "/admin/users/1/2/3",
        "/users/me/x",
        "/.git/config",
        "/problems/unheard-of",
        "/problems/not-found/x",
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE, Method::OPTIONS] {
            let answer = Answer::of(server.anon().request(method, path)).await;
            answer.problem(404, "not-found");
            assert_eq!(answer.json["instance"], path);
            assert!(answer.json["title"].is_string(), "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn wrong_method_answers_405_with_allow() {
    let server = Server::start().await;
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for operation in operations() {
        let methods = known.entry(operation.template.clone()).or_default();
        methods.insert(operation.method.to_string());
        if operation.method == Method::GET {
            methods.insert("HEAD".to_owned());
        }
    }
    for page in PAGES {
        let methods = ["GET", "HEAD"].map(str::to_owned);
        known.insert(page.to_owned(), BTreeSet::from(methods));
    }
    let invented = Method::from_bytes(b"BREW").expect("a method");
    for (template, methods) in known {
        let path = template.replace("{id}", "1").replace("{role}", "user");
        for method in [Method::GET, Method::PUT, Method::OPTIONS, invented.clone()] {
            if methods.contains(method.as_str()) {
                continue;
            }
            let answer = Answer::of(server.anon().request(method.clone(), &path)).await;
            answer.problem(405, "method-not-allowed");
            let allowed: BTreeSet<String> = answer
                .header("allow")
                .split(", ")
                .map(str::to_owned)
                .collect();
            assert_eq!(allowed, methods, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn path_parameter_that_is_not_a_uuid_answers_400_and_names_it() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for operation in operations() {
        if !operation.template.contains("{id}") {
            continue;
        }
        for id in [
            "1",
            "not-a-uuid",
            "%00",
            "0199a5c4-9f6e-7c3a-8d2b-5e4f3a2b1c0",
        ] {
            let path = operation.path_with(id, "user");
            let request = admin.request(operation.method.clone(), &path);
            let request = request
                .header("content-type", "application/json")
                .body("{}");
            let answer = Answer::of(request).await;
            answer.problem(400, "malformed-request");
            assert_eq!(answer.json["errors"][0]["field"], "id", "{path}");
            assert_eq!(answer.json["errors"][0]["rule"], "must be a UUID", "{path}");
        }
    }
}

#[tokio::test]
async fn invalid_query_parameter_answers_400_and_names_it() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let long = "a".repeat(255);
    let cases = [
        ("limit", vec!["0", "51", "x", "-1", "1.5", "", "4294967296"]),
        (
            "cursor",
            vec!["", "x", "AAAAAAAAAAAAAAAAAAAAA!", "AAAAAAAAAAAAAAAAAAAAAAA"],
        ),
        ("search", vec!["", &long]),
    ];
    for (name, values) in cases {
        for value in values {
            let request = admin.request(Method::GET, "/admin/users");
            let answer = Answer::of(request.query(&[(name, value)])).await;
            answer.problem(400, "malformed-request");
            assert_eq!(answer.json["errors"][0]["field"], name, "{value}");
            assert!(
                answer.json["errors"][0]["rule"].is_string(),
                "{}",
                answer.text
            );
        }
    }
    for limit in ["1", "50"] {
        let answer = admin.get(&format!("/admin/users?limit={limit}")).await;
        assert_eq!(answer.status, 200, "{limit}: {}", answer.text);
    }
}

#[tokio::test]
async fn head_answers_headers_of_get_without_body() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let operations = operations();
    let readable = operations
        .iter()
        .filter(|operation| operation.method == Method::GET)
        .map(|operation| operation.path());
    let pages = PAGES.map(str::to_owned);
    for path in readable.chain(pages) {
        let got = admin.get(&path).await;
        let head = Answer::of(admin.request(Method::HEAD, &path)).await;
        assert_eq!(head.status, got.status, "{path}");
        let expected = match path.as_str() {
            // It has no https address.
            "/.well-known/authzen-configuration" => 404,
            // It needs a permission to ask about.
            "/authz/forward" => 400,
            path if path.contains("/admin/users/") => 404,
            // No type is registered.
            path if path.contains("/admin/resources/") => 404,
            path if path.contains("/admin/subjects/") => 404,
            _ => 200,
        };
        assert_eq!(got.status, expected, "{path}: {}", got.text);
        assert_eq!(head.text, "", "{path}");
        for name in ["content-type", "cache-control", "content-security-policy"] {
            assert_eq!(head.header(name), got.header(name), "{name} of {path}");
        }
        assert!(!head.header("x-request-id").is_empty(), "{path}");
        // Optional, but correct if it is there (RFC 9110 section 8.6).
        let length = head.header("content-length");
        assert!(
            length.is_empty() || length == got.text.len().to_string(),
            "{path} announces {length} bytes"
        );
    }
}

#[tokio::test]
async fn trailing_slash_is_the_same_path_without_redirect() {
    let server = Server::start().await;
    let user = server.user("alice").await;
    assert_eq!(user.get("/users/me/").await.status, 200);
    assert_eq!(user.get("/users/me//").await.status, 200);
    assert_eq!(user.get("/health/?").await.status, 200);
    let answer = user
        .post(
            "/refresh/",
            &serde_json::json!({ "refresh_token": user.refresh }),
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let request = server.anon().request(Method::POST, "/login/");
    let form = [
        ("username", "alice"),
        ("password", crate::harness::PASSWORD),
    ];
    let answer = Answer::of(request.form(&form)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    // Also where the answer is an error, and for the labels of the metrics.
    assert_eq!(server.anon().get("/users/me/").await.status, 401);
    let metrics = server.metrics().await;
    let counted = |route: &str| {
        let labels = [("http_route", route), ("http_request_method", "POST")];
        metrics.sum("http_server_request_duration_seconds_count", &labels)
    };
    assert_eq!(counted("/login"), 2.0);
    assert_eq!(counted("/refresh"), 1.0);
    assert_eq!(counted("unmatched"), 0.0);
}

#[tokio::test]
async fn errors_reveal_no_implementation_details() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let anon = server.anon();
    let answers = [
        anon.get("/nothing").await,
        anon.get("/login").await,
        anon.get("/users/me").await,
        admin.get("/admin/users/x").await,
        admin.get("/admin/users?limit=x").await,
        admin.get("/admin/users?cursor=x").await,
        anon.post("/register", &Value::Null).await,
        anon.post("/login", &Value::Null).await,
    ];
    for answer in answers {
        assert!((400..500).contains(&answer.status), "{}", answer.text);
        assert_eq!(answer.header("server"), "");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "no-store");
        for word in [
            "poem", "serde", "sqlx", "SELECT", "src/", "panicked", "struct ",
        ] {
            assert!(!answer.text.contains(word), "{word} in {}", answer.text);
        }
    }
}
