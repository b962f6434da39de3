//! What hostile pages try, request by request, as browsers would send it.

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::{APP, COOKIE, EVIL, form_of, in_cookie, kept, log_in, sent, with_app, with_cookies};
use crate::harness::{Answer, PASSWORD, Signal};
use crate::raw::Raw;

const REFRESH: &str = "grant_type=refresh_token";

fn login() -> String {
    format!("grant_type=password&username=alice&password={PASSWORD}")
}

#[tokio::test]
async fn foreign_pages_can_use_no_cookie_and_log_nobody_in() {
    let rates = [("RATE_LIMITS", "on"), ("RATE_LIMIT_LOGIN_SOURCE", "2/1h")];
    let builder = rates.iter().fold(with_cookies(), |builder, (name, value)| {
        builder.env(name, value)
    });
    let mut server = builder.start().await;
    server.register("alice").await;
    let (alice, token) = log_in(&server, "alice").await;
    let anon = server.anon();
    // What a browser adds to a request that a foreign page caused.
    let marks: [&[(&str, &str)]; 6] = [
        &[("origin", EVIL), ("sec-fetch-site", "cross-site")],
        &[("origin", "null"), ("sec-fetch-site", "cross-site")],
        &[
            ("origin", "https://evil.example.com"),
            ("sec-fetch-site", "same-site"),
        ],
        &[("origin", "http://app.example.com")],
        &[
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
        ],
        &[("sec-fetch-site", "same-site")],
    ];
    let form = |path: &str, form: &str| {
        let request = anon.request(Method::POST, path);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        sent(request.body(form.to_owned()), &token)
    };
    let (mut logins, mut refreshes, mut others) = (0.0, 0.0, 0.0);
    for mark in marks {
        let from = |request: RequestBuilder| {
            mark.iter().fold(request, |request, (name, value)| {
                request.header(*name, *value)
            })
        };
        for path in ["/oauth/token", "/login"] {
            // A simple request, as a form sends it, and one that a script would need a preflight for.
            for request in [form(path, &login()), in_cookie(form(path, &login()))] {
                let answer = Answer::of(from(request)).await;
                answer.oauth(403, "invalid_request");
                assert_eq!(answer.header("set-cookie"), "", "{mark:?}");
                logins += 1.0;
            }
            let answer = Answer::of(from(in_cookie(form(path, REFRESH)))).await;
            answer.oauth(403, "invalid_request");
            refreshes += 1.0;
        }
        let answer = Answer::of(from(in_cookie(form("/refresh", REFRESH)))).await;
        answer.oauth(403, "invalid_request");
        refreshes += 1.0;
        let answer = Answer::of(from(in_cookie(form("/oauth/revoke", "")))).await;
        answer.oauth(403, "invalid_request");
        let logout = in_cookie(sent(alice.request(Method::POST, "/logout"), &token));
        Answer::of(from(logout))
            .await
            .problem(403, "foreign-origin");
        others += 2.0;
        // Without the header, which a simple request cannot have, the cookie does not count.
        for (path, of) in [
            ("/refresh", REFRESH),
            ("/oauth/token", REFRESH),
            ("/oauth/revoke", ""),
        ] {
            let answer = Answer::of(from(form(path, of))).await;
            answer.oauth(400, "invalid_request");
        }
    }
    assert_eq!(alice.get("/users/me").await.status, 200);
    let metrics = server.metrics().await;
    let foreign = |name| metrics.sum(name, &[("reason", "foreign_origin")]);
    assert_eq!(foreign("auth_logins_total"), logins);
    assert_eq!(foreign("auth_token_refreshes_total"), refreshes);
    // No permit and no hash was spent on them.
    assert_eq!(
        metrics.sum(
            "auth_password_hash_duration_seconds_count",
            &[("operation", "verify")]
        ),
        1.0
    );
    let request = in_cookie(sent(form_of(&anon, APP, "/refresh", REFRESH), &token));
    assert_eq!(Answer::of(request).await.status, 200);
    log_in(&server, "alice").await;

    server.signal(Signal::TERM);
    assert_eq!(server.wait_exit().await, Some(0));
    let log = server.log();
    let lines = log
        .lines()
        .filter(|line| line.contains("\"foreign-origin\""));
    let told: f64 = lines
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .map(|line| {
            assert_eq!(line["event"], "request_refused");
            line["refusals"].as_f64().expect("a number")
        })
        .sum();
    assert_eq!(told, logins + refreshes + others, "{log}");
    // The addresses are those of victims: nothing blocks them.
    assert!(!log.contains("authn_login_fail"), "{log}");
}

#[tokio::test]
async fn login_of_a_foreign_page_is_allowed_where_no_cookie_is() {
    let server = with_app().start().await;
    server.register("alice").await;
    let answer = Answer::of(form_of(&server.anon(), EVIL, "/login", &login())).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "",
        "and not readable"
    );
}

#[tokio::test]
async fn injected_cookies_are_no_way_in() {
    let server = with_cookies().start().await;
    server.register("alice").await;
    let (alice, token) = log_in(&server, "alice").await;
    let ask = async |cookies: &[String]| {
        let request = in_cookie(form_of(&server.anon(), APP, "/refresh", REFRESH));
        let request = cookies
            .iter()
            .fold(request, |request, line| request.header("cookie", line));
        Answer::of(request).await
    };
    let pair = |name: &str, value: &str| format!("{name}={value}");
    // Of two cookies of this name one is somebody else's.
    for twice in [
        vec![format!("{COOKIE}=rt_evil; {COOKIE}={token}")],
        vec![format!("{COOKIE}={token};{COOKIE}={token}")],
        vec![pair(COOKIE, &token), pair(COOKIE, "rt_evil")],
        vec![pair(COOKIE, ""), pair(COOKIE, &token)],
    ] {
        let answer = ask(&twice).await;
        answer.oauth(400, "invalid_request");
        let said = answer.json["error_description"].as_str().expect("text");
        assert_eq!(said, "Cookie: has the refresh token twice");
    }
    // Other names are other cookies.
    for other in [
        pair("rbac-sentinel-refresh", &token),
        pair("__host-rbac-sentinel-refresh", &token),
        pair(&format!("{COOKIE}2"), &token),
        pair(&format!("x{COOKIE}"), &token),
        format!("a={COOKIE}={token}"),
        pair(COOKIE, ""),
    ] {
        let answer = ask(&[other]).await;
        answer.oauth(400, "invalid_request");
    }
    for wrong in [
        "x".to_owned(),
        "A".repeat(12_000),
        format!("\"{token}\""),
        format!("{token}%00"),
    ] {
        let answer = ask(&[pair(COOKIE, &wrong)]).await;
        answer.oauth(400, "invalid_grant");
        assert!(!answer.text.contains(&wrong[..wrong.len().min(40)]) || wrong == "x");
    }
    assert_eq!(alice.get("/users/me").await.status, 200);
    let crowd: String = (0..400).map(|number| format!("c{number}=x; ")).collect();
    let answer = ask(&[crowd + &pair(COOKIE, &token)]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_ne!(kept(&answer), token);
}

#[tokio::test]
async fn origin_of_a_request_splits_no_response() {
    let server = with_cookies().start().await;
    for origin in [
        "https://app.example.com%0d%0aX-Injected: yes",
        "https://app.example.com\tX-Injected: yes",
        "https://app.example.com, https://evil.example",
        "https://app.example.com https://evil.example",
        "\u{e9}",
    ] {
        let mut raw = Raw::open(&server).await;
        raw.head("GET /users/me", &[&format!("Origin: {origin}")])
            .await;
        let answer = raw.answer().await;
        assert_eq!(answer.status, 401, "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), "");
        assert!(
            !answer.head.to_lowercase().contains("injected"),
            "{answer:?}"
        );
    }
    // Lines that end early: the library refuses them, or they are headers of the request.
    for lines in [
        "Origin: https://app.example.com\r\n X-Injected: yes",
        "Origin: https://app.example.com\rX-Injected: yes",
    ] {
        let mut raw = Raw::open(&server).await;
        raw.head("GET /users/me", &[lines]).await;
        let answer = raw.answer().await;
        assert!(
            !answer.head.to_lowercase().contains("injected"),
            "{answer:?}"
        );
    }
    for lines in [
        [
            "Origin: https://app.example.com",
            "Origin: https://evil.example",
        ],
        ["Origin: https://app.example.com"; 2],
    ] {
        let mut raw = Raw::open(&server).await;
        raw.head("GET /users/me", &lines).await;
        let answer = raw.answer().await;
        assert_eq!(
            answer.header("access-control-allow-origin"),
            "",
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn preflight_runs_nothing() {
    let server = with_cookies().start().await;
    server.register("alice").await;
    let (alice, token) = log_in(&server, "alice").await;
    for path in ["/logout", "/oauth/revoke", "/users/me", "/oauth/token"] {
        let request = alice.request(Method::OPTIONS, path).header("origin", APP);
        let request = request.header("access-control-request-method", "DELETE");
        let request = in_cookie(sent(request, &token)).json(&json!({ "all": true }));
        assert_eq!(Answer::of(request).await.status, 204, "{path}");
    }
    let metrics = server.metrics().await;
    assert_eq!(metrics.sum("auth_token_verifications_total", &[]), 0.0);
    assert_eq!(alice.get("/users/me").await.status, 200);
}
