//! `X-Request-Id`: from the client to the answer and the log.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{ADMIN_PASSWORD, Answer, Server};
use crate::raw::Raw;

/// The events in the log that carry this request id.
fn events(server: &Server, id: &str) -> Vec<Value> {
    server
        .log()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .filter(|line| line["request_id"] == id && line["event"].is_string())
        .collect()
}

/// Our ids are 32 hexadecimal digits.
fn is_ours(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[tokio::test]
async fn clients_request_id_is_echoed_and_logged_beside_our_own() {
    let server = Server::start().await;
    // The first is chosen to look like another request's.
    let other = server.anon().get("/health").await;
    let forged = other.header("x-request-id").to_owned();
    let mut ours = HashSet::from([forged.clone()]);
    for id in [&*forged, "my-trace_1.2", "my-trace_1.2"] {
        // Not refused: refusals of one source share a line.
        let form = [("username", "admin"), ("password", ADMIN_PASSWORD)];
        let request = server.anon().request(Method::POST, "/login");
        let answer = Answer::of(request.header("x-request-id", id).form(&form)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-request-id"), id);
        let own = answer.header("x-service-request-id").to_owned();
        assert!(is_ours(&own), "{own}");
        let found = events(&server, &own);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0]["client_request_id"], id);
        assert_eq!(found[0]["http_route"], "/login");
        assert!(ours.insert(own), "two requests have one id");
    }
    // Nothing is logged under the id that the client chose.
    assert_eq!(events(&server, &forged).len(), 0);

    let request = server.anon().request(Method::GET, "/nothing");
    let answer = Answer::of(request.header("x-request-id", "mine")).await;
    answer.problem(404, "not-found");
    assert_eq!(
        answer.json["request_id"],
        answer.header("x-service-request-id")
    );
}

#[tokio::test]
async fn trusted_proxys_request_id_is_kept_and_logged() {
    let server = Server::builder()
        .env("TRUSTED_PROXIES", "127.0.0.1")
        .start()
        .await;
    for (id, expected) in [("my-trace_1.2", "bad_password"), ("A", "unknown_user")] {
        let name = if expected == "bad_password" {
            "admin"
        } else {
            "nobody"
        };
        let form = [("username", name), ("password", "wrong")];
        let request = server.anon().request(Method::POST, "/login");
        let answer = Answer::of(request.header("x-request-id", id).form(&form)).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.header("x-request-id"), id);
        assert_eq!(answer.header("x-service-request-id"), "");
        let found = events(&server, id);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0]["event"], "authn_login_fail");
        assert_eq!(found[0]["reason"], expected);
        assert_eq!(found[0]["http_route"], "/login");
    }
    let longest = "x".repeat(64);
    let request = server.anon().request(Method::GET, "/health");
    let answer = Answer::of(request.header("x-request-id", &longest)).await;
    assert_eq!(answer.header("x-request-id"), longest);
}

#[tokio::test]
async fn request_id_that_could_forge_a_log_line_is_replaced() {
    let server = Server::start().await;
    let too_long = "x".repeat(65);
    for id in [
        "",
        "a b",
        "a\tb",
        "\",\"level\":\"error",
        "{}",
        "a=b",
        "$(reboot)",
        "../../etc/passwd",
        "caf\u{e9}",
        &too_long,
    ] {
        let form = [("username", "admin"), ("password", ADMIN_PASSWORD)];
        let request = server.anon().request(Method::POST, "/login").form(&form);
        let answer = Answer::of(request.header("x-request-id", id.as_bytes())).await;
        let replaced = answer.header("x-request-id").to_owned();
        assert!(is_ours(&replaced), "{id:?} became {replaced:?}");
        assert_eq!(answer.header("x-service-request-id"), "");
        assert_eq!(events(&server, &replaced).len(), 1, "{replaced}");
        if id.len() > 3 {
            assert!(!server.log().contains(id), "{id}");
        }
    }
}

#[tokio::test]
async fn every_answer_has_its_own_request_id() {
    let server = Server::start().await;
    let user = server.user("alice").await;
    let anon = server.anon();
    let mut seen = HashSet::new();
    let answers = [
        anon.get("/").await,
        anon.get("/docs").await,
        anon.get("/openapi.json").await,
        anon.get("/health").await,
        anon.get("/nothing").await,
        anon.get("/login").await,
        anon.get("/users/me").await,
        user.get("/users/me").await,
        user.get("/admin-only").await,
        anon.post("/register", &json!({})).await,
        anon.post("/login", &json!({})).await,
        anon.post("/refresh", &json!({})).await,
        user.post("/logout", &json!({})).await,
    ];
    for answer in answers {
        let id = answer.header("x-request-id").to_owned();
        assert_eq!(id.len(), 32, "{}: {}", answer.status, answer.text);
        assert!(seen.insert(id), "an id came twice");
    }
    let mut raw = Raw::open(&server).await;
    raw.head("POST /login", &["Content-Length: 99999"]).await;
    let answer = raw.answer().await;
    assert_eq!(answer.status, 413);
    assert!(seen.insert(answer.header("x-request-id").to_owned()));
}
