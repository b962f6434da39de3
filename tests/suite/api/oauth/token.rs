//! The token endpoint (RFC 6749 sections 3.2, 4.3, 5 and 6), and `/login` and `/refresh` beside it.

use bytes::Bytes;
use futures_util::stream;
use reqwest::Method;
use serde_json::json;

use super::{FORM, login_of, post, refresh_of, user};
use crate::harness::{Answer, PASSWORD, Server};
use crate::http2::Http2;

/// Forms that the endpoint refuses: the error's code, and what its description begins with.
const REFUSED: &[(&str, &str, &str)] = &[
    // A grant is needed, and an unknown one is told before anything else that is wrong.
    ("", "invalid_request", "grant_type: is missing"),
    ("grant_type=", "invalid_request", "grant_type: is missing"),
    ("grant_type", "invalid_request", "grant_type: is missing"),
    (
        "username=alice&password=x",
        "invalid_request",
        "grant_type: is missing",
    ),
    (
        "grant_type=client_credentials",
        "unsupported_grant_type",
        "",
    ),
    ("grant_type=Password", "unsupported_grant_type", ""),
    (
        "grant_type=authorization_code&code=x&username=a&username=b",
        "unsupported_grant_type",
        "",
    ),
    (
        "grant_type=password&grant_type=password&username=alice&password=x",
        "invalid_request",
        "grant_type: is given twice",
    ),
    (
        "grant_type=password&grant_type=refresh_token",
        "invalid_request",
        "grant_type: is given twice",
    ),
    // A parameter without a value is omitted.
    (
        "grant_type=password",
        "invalid_request",
        "username: is missing",
    ),
    (
        "grant_type=password&username=&password=x",
        "invalid_request",
        "username: is missing",
    ),
    (
        "grant_type=password&username=alice",
        "invalid_request",
        "password: is missing",
    ),
    (
        "grant_type=password&username=alice&password=",
        "invalid_request",
        "password: is missing",
    ),
    (
        "grant_type=refresh_token",
        "invalid_request",
        "refresh_token: is missing",
    ),
    (
        "grant_type=refresh_token&refresh_token=",
        "invalid_request",
        "refresh_token: is missing",
    ),
    // No parameter may be repeated.
    (
        "grant_type=password&username=alice&username=bob&password=x",
        "invalid_request",
        "username: is given twice",
    ),
    (
        "grant_type=password&username=alice&password=x&password=x",
        "invalid_request",
        "password: is given twice",
    ),
    (
        "grant_type=password&username=alice&password=x&scope=a&scope=a",
        "invalid_request",
        "scope: is given twice",
    ),
    (
        "grant_type=password&username=alice&password=x&client_id=a&client_id=a",
        "invalid_request",
        "client_id: is given twice",
    ),
    (
        "grant_type=refresh_token&refresh_token=a&refresh_token=a",
        "invalid_request",
        "refresh_token: is given twice",
    ),
    // What the grants themselves refuse.
    (
        "grant_type=password&username=alice&password=wrong",
        "invalid_grant",
        "wrong username or password",
    ),
    (
        "grant_type=password&username=nobody&password=wrong",
        "invalid_grant",
        "wrong username or password",
    ),
    (
        "grant_type=password&username=alice&password=x&scope=a++b",
        "invalid_scope",
        "",
    ),
    (
        "grant_type=refresh_token&refresh_token=rt_x",
        "invalid_grant",
        "the refresh token is invalid",
    ),
    (
        "grant_type=refresh_token&refresh_token=rt_x&scope=%22",
        "invalid_scope",
        "",
    ),
];

#[tokio::test]
async fn token_endpoint_refuses_with_the_codes_of_the_standard() {
    let server = Server::start().await;
    server.register("alice").await;
    for (form, code, description) in REFUSED {
        let answer = post(&server.anon(), "/oauth/token", form).await;
        answer.oauth(400, code);
        assert_eq!(answer.header("pragma"), "no-cache", "{form}");
        let said = answer.json["error_description"].as_str().expect("text");
        assert!(said.starts_with(description), "{form}: {said}");
    }
}

#[tokio::test]
async fn token_endpoint_refuses_alike_over_http2() {
    let server = Server::start().await;
    server.register("alice").await;
    let mut http2 = Http2::open(&server).await;
    let kind = [("content-type", FORM.to_owned())];
    for (form, code, description) in REFUSED {
        let body = stream::iter([Bytes::from_static(form.as_bytes())]);
        let request = ("POST", "/oauth/token");
        let (status, json) = http2.send_with(request, &kind, body).await;
        assert_eq!((status, &json["error"]), (400, &json!(code)), "{form}");
        let said = json["error_description"].as_str().expect("text");
        assert!(said.starts_with(description), "{form}: {said}");
    }
}

#[tokio::test]
async fn token_endpoint_takes_forms_by_post_alone() {
    let server = Server::start().await;
    let anon = server.anon();
    let json = json!({ "grant_type": "password", "username": "admin", "password": "x" });
    for request in [
        anon.request(Method::POST, "/oauth/token").json(&json),
        anon.request(Method::POST, "/oauth/token"),
        anon.request(Method::POST, "/oauth/token")
            .body("grant_type=password"),
    ] {
        let answer = Answer::of(request).await;
        answer.oauth(415, "invalid_request");
    }
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let path = format!("/oauth/token?{}", login_of("alice"));
        let answer = Answer::of(anon.request(method, &path)).await;
        answer.problem(405, "method-not-allowed");
        assert_eq!(answer.header("allow"), "POST");
    }
    // Parameters in the query are ignored: every log on the way would have them.
    server.register("alice").await;
    let path = format!("/oauth/token?{}", login_of("alice"));
    post(&anon, &path, "").await.oauth(400, "invalid_request");
    let path = format!("/oauth/token?password={PASSWORD}");
    let answer = post(&anon, &path, "grant_type=password&username=alice").await;
    answer.oauth(400, "invalid_request");
}

#[tokio::test]
async fn token_endpoint_answers_tokens_for_both_grants() {
    let server = Server::start().await;
    server.register("alice").await;
    let anon = server.anon();
    let unknown = "&resource=a&resource=b&audience=&unheard_of=1";
    let login = post(&anon, "/oauth/token", &(login_of("+alice+") + unknown)).await;
    let alice = anon.with(&login.json);
    let refresh = post(&anon, "/oauth/token", &(refresh_of(&alice) + unknown)).await;
    for answer in [&login, &refresh] {
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("pragma"), "no-cache");
        assert!(
            answer
                .header("content-type")
                .starts_with("application/json")
        );
        assert_eq!(answer.json["token_type"], "bearer");
        assert_eq!(answer.json["expires_in"], 900);
        assert!(answer.json["scope"].is_null(), "{}", answer.text);
    }
    assert!(
        login
            .header("set-cookie")
            .starts_with("rbac-sentinel-device=")
    );
    assert_eq!(refresh.header("set-cookie"), "");
    let next = anon.with(&refresh.json);
    assert_ne!(next.refresh, alice.refresh);
    assert_eq!(next.get("/users/me").await.json["username"], "alice");

    let narrow = post(&anon, "/oauth/token", &(login_of("alice") + "&scope=none")).await;
    assert_eq!(narrow.json["scope"], "");
    let narrow = refresh_of(&next) + "&scope=authenticated+users%3Aread";
    let narrow = post(&anon, "/oauth/token", &narrow).await;
    assert_eq!(narrow.json["scope"], "authenticated");
}

#[tokio::test]
async fn login_takes_the_refresh_grant_and_refresh_takes_forms() {
    let server = Server::start().await;
    let alice = user(&server, "alice").await;
    let anon = server.anon();
    let next = async |path: &str, form: String| {
        let answer = post(&anon, path, &form).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        anon.with(&answer.json)
    };
    let alice = next("/login", refresh_of(&alice)).await;
    let alice = next("/refresh", refresh_of(&alice)).await;
    let token = alice.refresh.as_deref().expect("a token");
    let form = format!("refresh_token={token}&scope=&unheard_of=1&client_id=x");
    let alice = next("/refresh", form).await;
    assert_eq!(alice.get("/users/me").await.status, 200);

    for (path, form, code, description) in [
        ("/login", "", "invalid_request", "username: is missing"),
        (
            "/login",
            "grant_type=refresh_token",
            "invalid_request",
            "refresh_token: is missing",
        ),
        ("/login", "grant_type=x", "unsupported_grant_type", ""),
        (
            "/refresh",
            "",
            "invalid_request",
            "refresh_token: is missing",
        ),
        (
            "/refresh",
            "refresh_token=a&refresh_token=b",
            "invalid_request",
            "refresh_token: is given twice",
        ),
        (
            "/refresh",
            "grant_type=password&username=a&password=b",
            "unsupported_grant_type",
            "the only grant type here is `refresh_token`",
        ),
        ("/refresh", "refresh_token=a&scope=%22", "invalid_scope", ""),
    ] {
        let answer = post(&anon, path, form).await;
        answer.oauth(400, code);
        let said = answer.json["error_description"].as_str().expect("text");
        assert!(said.starts_with(description), "{path} {form}: {said}");
    }
}

#[tokio::test]
async fn each_grant_is_counted_as_its_flow_wherever_it_comes() {
    let server = Server::start().await;
    let alice = user(&server, "alice").await;
    let anon = server.anon();
    post(&anon, "/oauth/token", "grant_type=password").await;
    post(
        &anon,
        "/oauth/token",
        "grant_type=password&username=a&password=b",
    )
    .await;
    let alice = anon.with(&post(&anon, "/oauth/token", &refresh_of(&alice)).await.json);
    let alice = anon.with(&post(&anon, "/login", &refresh_of(&alice)).await.json);
    post(&anon, "/refresh", &refresh_of(&alice)).await;
    post(
        &anon,
        "/oauth/token",
        "grant_type=refresh_token&refresh_token=x",
    )
    .await;
    // Nobody's grant.
    for form in ["", "grant_type=x", "grant_type=refresh_token"] {
        post(&anon, "/oauth/token", form).await;
    }
    let metrics = server.metrics().await;
    let logins = |reason| metrics.sum("auth_logins_total", &[("reason", reason)]);
    assert_eq!(
        ["none", "invalid_request", "unknown_user"].map(logins),
        [1.0; 3]
    );
    assert_eq!(metrics.sum("auth_logins_total", &[]), 3.0);
    let refreshes = |reason| metrics.sum("auth_token_refreshes_total", &[("reason", reason)]);
    assert_eq!(["none", "unknown_token"].map(refreshes), [3.0, 1.0]);
    assert_eq!(metrics.sum("auth_token_refreshes_total", &[]), 4.0);
    let log = server.log();
    for (reason, times) in [("unsupported_grant_type", 1), ("malformed-request", 1)] {
        let said = log.lines().filter(|line| {
            line.contains("request_refused") && line.contains(&format!("\"{reason}\""))
        });
        assert!(said.count() >= times, "{reason}: {log}");
    }
}
