//! The counters equal the requests that were sent.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::harness::{Answer, Client, PASSWORD, Server, until};

type Key = (String, String, String);

/// Requests by method, route and status, as the server counted them.
async fn counted(server: &Server) -> BTreeMap<Key, f64> {
    server
        .scrape()
        .await
        .of("http_server_request_duration_seconds_count")
        .filter(|series| series.value > 0.0)
        .map(|series| {
            let label = |name: &str| series.label(name).to_owned();
            let key = (
                label("http_request_method"),
                label("http_route"),
                label("http_response_status_code"),
            );
            (key, series.value)
        })
        .collect()
}

#[tokio::test]
async fn every_request_is_counted_once_by_method_route_and_status() {
    let server = Server::start().await;
    // The harness uses the other listener, which does not count its own requests.
    assert_eq!(counted(&server).await, BTreeMap::new());

    let mut sent: BTreeMap<Key, f64> = BTreeMap::new();
    let mut note = |method: &Method, route: &str, answer: &Answer| {
        // HEAD is served by the operation of GET, and counted there.
        let label = if *method == Method::HEAD {
            "GET"
        } else if ["GET", "POST", "PUT", "DELETE"].contains(&method.as_str()) {
            method.as_str()
        } else {
            "_OTHER"
        };
        let key = (
            label.to_owned(),
            route.to_owned(),
            answer.status.to_string(),
        );
        *sent.entry(key).or_default() += 1.0;
    };
    for _ in 0..3 {
        let answer = server.register("alice").await;
        note(&Method::POST, "/register", &answer);
        let answer = server.anon().login("alice", PASSWORD).await;
        note(&Method::POST, "/login", &answer);
        let user: Client = server.anon().with(&answer.json);
        let answer = server.anon().login("alice", "wrong").await;
        note(&Method::POST, "/login", &answer);
        let brew = Method::from_bytes(b"BREW").expect("a method");
        for (method, path, route) in [
            (Method::GET, "/", "/"),
            (Method::GET, "/openapi.json", "/openapi.json"),
            (Method::GET, "/health", "/health"),
            (Method::HEAD, "/health", "/health"),
            (Method::GET, "/users/me", "/users/me"),
            (Method::GET, "/users/me/", "/users/me"),
            (Method::GET, "/users/me?limit=1", "/users/me"),
            (Method::GET, "/admin-only", "/admin-only"),
            (
                Method::DELETE,
                "/users/me/sessions/x",
                "/users/me/sessions/{id}",
            ),
            (Method::GET, "/admin/users/x", "/admin/users/{id}"),
            (
                Method::PUT,
                "/admin/users/x/roles/y",
                "/admin/users/{id}/roles/{role}",
            ),
            (Method::PUT, "/users/me", "unmatched"),
            (Method::GET, "/login", "unmatched"),
            (Method::GET, "/nothing/at/all", "unmatched"),
            (brew, "/health", "unmatched"),
        ] {
            let answer = Answer::of(user.request(method.clone(), path)).await;
            note(&method, route, &answer);
        }
        let answer = user.post("/refresh", &json!({})).await;
        note(&Method::POST, "/refresh", &answer);
        let answer = user.refresh().await;
        note(&Method::POST, "/refresh", &answer);
        let answer = user.post("/logout", &json!({})).await;
        note(&Method::POST, "/logout", &answer);
    }
    assert_eq!(counted(&server).await, sent);
}

#[tokio::test]
async fn domain_counters_agree_with_http_counters() {
    let server = Server::start().await;
    let user = server.user("alice").await;
    let anon = server.anon();
    anon.login("alice", "wrong").await;
    anon.login("nobody", "wrong").await;
    let form = [
        ("username", "alice"),
        ("password", "x"),
        ("grant_type", "x"),
    ];
    Answer::of(anon.request(Method::POST, "/login").form(&form)).await;
    user.refresh().await;
    anon.token("x").get("/users/me").await;
    user.get("/admin-only").await;
    server.admin().await;

    let metrics = server.metrics().await;
    let http =
        |labels: &[(&str, &str)]| metrics.sum("http_server_request_duration_seconds_count", labels);
    let route = |name| ("http_route", name);
    let status = |code| ("http_response_status_code", code);
    let sum = |name: &str, labels: &[(&str, &str)]| metrics.sum(name, labels);
    let success = ("outcome", "success");

    assert_eq!(sum("auth_logins_total", &[]), http(&[route("/login")]));
    let logins = sum("auth_logins_total", &[success]);
    assert_eq!(logins, http(&[route("/login"), status("200")]));
    for kind in ["access", "refresh"] {
        let labels = [("token_type", kind), ("grant", "password")];
        assert_eq!(sum("auth_tokens_issued_total", &labels), logins);
    }
    let refreshes = sum("auth_token_refreshes_total", &[success]);
    assert_eq!(refreshes, http(&[route("/refresh"), status("200")]));
    let denied = sum("auth_rbac_decisions_total", &[("outcome", "deny")]);
    assert_eq!(denied, http(&[status("403")]));
    let invalid = sum("auth_token_verifications_total", &[("outcome", "invalid")]);
    assert_eq!(invalid, http(&[status("401")]));
    // A login hashes once, whether the account exists or not; malformed ones do not.
    let hashes = |operation| {
        let labels = [("operation", operation)];
        sum("auth_password_hash_duration_seconds_count", &labels)
    };
    let malformed = sum("auth_logins_total", &[("reason", "invalid_request")]);
    assert_eq!(malformed, 1.0);
    let reached = http(&[route("/login")]) - malformed;
    assert_eq!(hashes("verify") + hashes("dummy_verify"), reached);
    assert_eq!(hashes("dummy_verify"), 1.0);
}

#[tokio::test]
async fn entries_of_caches_are_counted_at_each_scrape() {
    let server = Server::start().await;
    let entries = async || {
        let metrics = server.metrics().await;
        ["token", "session", "account", "generation", "entity"]
            .map(|cache| metrics.sum("auth_cache_entries", &[("cache", cache)]))
    };
    assert_eq!(entries().await, [0.0; 5]);
    let alice = server.user("alice").await;
    alice.id().await;
    assert_eq!(entries().await, [1.0, 1.0, 1.0, 0.0, 0.0]);
    alice.refreshed().await.id().await;
    assert_eq!(entries().await, [2.0, 1.0, 1.0, 1.0, 0.0]);
}

#[tokio::test]
async fn warm_request_finds_its_caller_in_the_cache() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    let decisions = async |cache| {
        let metrics = server.metrics().await;
        let name = "auth_rbac_decision_duration_seconds_count";
        metrics.sum(name, &[("cache", cache)])
    };
    alice.id().await;
    assert_eq!(decisions("miss").await, 1.0);
    // Cached entries expire after five seconds: a slow machine takes longer between two requests.
    until("cached", async || {
        alice.id().await;
        decisions("hit").await > 0.0
    })
    .await;
}

/// The lines of warnings and of errors in this log, and of others.
fn lines(log: &str) -> (usize, usize, usize) {
    let lines = log.lines().filter(|line| line.starts_with('{'));
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.fold(
        (0, 0, 0),
        |(warnings, errors, others), line| match line["level"].as_str() {
            Some("warn") => (warnings + 1, errors, others),
            Some("error") => (warnings, errors + 1, others),
            _ => (warnings, errors, others + 1),
        },
    )
}

#[tokio::test]
async fn log_lines_of_warnings_and_errors_are_counted_by_level() {
    let server = Server::builder().embedded().start().await;
    let start = server.user("alice").await;
    start.refreshed().await.refreshed().await;
    // The token of a thief: a warning.
    start.refresh().await.oauth(400, "invalid_grant");
    let file = server.path().join("data").join("rbac-sentinel.db");
    let options = SqliteConnectOptions::new().filename(file);
    let mut database = options.connect().await.expect("it opens");
    sqlx::query("ALTER TABLE refresh_tokens RENAME TO mislaid")
        .execute(&mut database)
        .await
        .expect("renamed");
    database.close().await.expect("closed");
    assert_eq!(start.refresh().await.status, 500, "an error");
    until("counted", async || {
        let metrics = server.metrics().await;
        let counted = |level| metrics.sum("auth_log_events_total", &[("level", level)]);
        let (warnings, errors, others) = lines(&server.log());
        assert!(warnings > 0 && errors > 0 && others > 0);
        #[expect(clippy::cast_precision_loss, reason = "few lines")]
        let lines = [warnings, errors].map(|lines| lines as f64);
        lines == [counted("warn"), counted("error")]
    })
    .await;
}

#[tokio::test]
async fn accounts_and_sessions_are_counted_at_the_start() {
    let server = Server::builder().embedded().start().await;
    server.user("alice").await;
    let id = server.user("bob").await.id().await;
    let body = json!({ "disabled": true });
    let admin = server.admin().await;
    let disabled = admin.patch(&format!("/admin/users/{id}"), &body).await;
    assert_eq!(disabled.status, 200, "{}", disabled.text);
    let folder = server.stop().await;
    let server = Server::builder().embedded().dir(folder).start().await;
    let gauge =
        async |name: &str, labels: &[(&str, &str)]| server.metrics().await.sum(name, labels);
    until("counted", async || {
        gauge("auth_inventory_last_success_timestamp_seconds", &[]).await > 0.0
    })
    .await;
    assert_eq!(gauge("auth_users", &[("state", "active")]).await, 2.0);
    assert_eq!(gauge("auth_users", &[("state", "disabled")]).await, 1.0);
    // Alice's and the administrator's: Bob's ended.
    assert_eq!(gauge("auth_sessions_active", &[]).await, 2.0);
}
