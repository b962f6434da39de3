//! Rate limits in the metrics and in the log.

use std::time::Instant;

use serde_json::Value;

use super::{change_password, decisions, limits, login, refresh, register};
use crate::harness::{PASSWORD, Server, on_servers};

const HOME: &str = "192.0.2.1";

#[tokio::test]
async fn rate_limit_checks_are_counted_by_limiter_and_decision() {
    let rates = [
        ("LOGIN_SOURCE", "4/1h"),
        ("LOGIN_ACCOUNT", "3/1h"),
        ("REGISTER_SOURCE", "2/1h"),
        ("REFRESH_ACCOUNT", "2/1h"),
        ("PASSWORD_ACCOUNT", "1/1h"),
    ];
    let server = limits(&rates).start().await;
    let before = server.metrics().await;
    assert_eq!(before.sum("auth_rate_limit_decisions_total", &[]), 0.0);
    let mut requests = 0.0;
    let mut sent = || requests += 1.0;
    for number in 0..5 {
        register(
            &server,
            HOME,
            &format!("user-{number}"),
            &format!("u{number}@example.com"),
        )
        .await;
        refresh(&server, HOME, "nonsense").await;
        login(&server, HOME, "user-0", "wrong").await;
        login(&server, HOME, "user-1", PASSWORD).await;
        (0..4).for_each(|_| sent());
    }
    // From elsewhere, but for its account within the limits.
    let user = server.login("user-1", PASSWORD).await;
    for _ in 0..3 {
        change_password(&user, "wrong").await;
    }
    let token = user.refresh.expect("a token");
    for _ in 0..4 {
        refresh(&server, HOME, &token).await;
    }
    (0..8).for_each(|_| sent());

    let metrics = server.metrics().await;
    for (limiter, allowed, denied) in [
        ("register", 2.0, 3.0),
        // Five of unknown tokens, and two of one session.
        ("refresh", 7.0, 2.0),
        // Four from home, two of each name, and one from elsewhere.
        ("login", 5.0, 6.0),
        ("password", 1.0, 2.0),
        ("general", requests, 0.0),
    ] {
        assert_eq!(decisions(&metrics, limiter, "allow"), allowed, "{limiter}");
        assert_eq!(decisions(&metrics, limiter, "deny"), denied, "{limiter}");
        for (counter, name) in [
            ("auth_registrations_total", "register"),
            ("auth_logins_total", "login"),
            ("auth_token_refreshes_total", "refresh"),
            ("auth_password_changes_total", "password"),
        ] {
            if name == limiter {
                let refused = metrics.sum(counter, &[("reason", "rate_limited")]);
                assert_eq!(refused, denied, "{limiter}");
                assert_eq!(metrics.sum(counter, &[]), allowed + denied, "{limiter}");
            }
        }
    }
    let all = metrics.sum("auth_rate_limit_decisions_total", &[("decision", "deny")]);
    let status = [("http_response_status_code", "429")];
    let answered = metrics.sum("http_server_request_duration_seconds_count", &status);
    assert_eq!(answered, all);
    // Redis, if configured, counts the shared limits; each replica counts the general one.
    let decisions = |labels: &[_]| metrics.sum("auth_rate_limit_decisions_total", labels);
    let shared = decisions(&[]) - decisions(&[("limiter", "general")]);
    let in_redis = if on_servers() { shared } else { 0.0 };
    assert_eq!(decisions(&[("backend", "redis")]), in_redis);
    assert_eq!(
        decisions(&[("backend", "memory")]),
        decisions(&[]) - in_redis
    );
}

/// The lines of the log with this message, each with its fields.
fn lines(server: &Server, event: &str) -> Vec<Value> {
    let log = server.log();
    let lines = log.lines().filter(|line| line.contains(event));
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[tokio::test]
async fn rate_limit_refusals_are_logged_once_a_second() {
    const REFUSALS: u64 = 200;
    let server = limits(&[("LOGIN_ACCOUNT", "1/1h")]).start().await;
    let start = Instant::now();
    for _ in 0..=REFUSALS {
        login(&server, HOME, "alice@example.com", "hunter2hunter2").await;
    }
    let seconds = start.elapsed().as_secs() + 2;
    let lines = lines(&server, "excess_rate_limit_exceeded");
    assert!((1..=seconds).contains(&(lines.len() as u64)), "{lines:#?}");
    let fields = |line: &Value| -> Value {
        let fields = &line["fields"];
        if fields.is_object() {
            fields.clone()
        } else {
            line.clone()
        }
    };
    let mut said = 0;
    for line in &lines {
        assert_eq!(
            line["level"].as_str().map(str::to_lowercase).as_deref(),
            Some("info")
        );
        let fields = fields(line);
        if fields["message"] == "refused" {
            // The rest of a second, in which no refusal followed before it was over.
            assert_eq!(fields["reason"], "login", "{line}");
        } else {
            assert_eq!(fields["limiter"], "login", "{line}");
            assert_eq!(fields["dimension"], "account", "{line}");
        }
        said += fields["refusals"].as_u64().expect("a number");
    }
    assert_eq!(fields(&lines[0])["refusals"], 1);
    assert!((1..=REFUSALS).contains(&said), "{said}");
    // Nor does each of them log another line: one login reached its password check.
    let log = server.log();
    assert_eq!(log.matches("authn_login_fail").count(), 1, "{log}");
    for secret in [HOME, "alice", "hunter2"] {
        assert!(!log.contains(secret), "{log}");
    }
}
