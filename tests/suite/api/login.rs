//! Login with the OAuth password form.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::json;

use crate::harness::{ADMIN_PASSWORD, Answer, Metrics, PASSWORD, Server};

/// Password hashes computed so far: checks, real or not, and new ones.
fn hashes(metrics: &Metrics) -> (f64, f64) {
    let of = |operation| {
        let name = "auth_password_hash_duration_seconds_count";
        metrics.sum(name, &[("operation", operation)])
    };
    (of("verify") + of("dummy_verify"), of("hash"))
}

fn logins(metrics: &Metrics, reason: &str) -> f64 {
    metrics.sum("auth_logins_total", &[("reason", reason)])
}

/// Everything that a client can see of an answer, without the parts that always differ.
fn visible(answer: &Answer) -> (u16, String, BTreeMap<String, String>) {
    let headers = answer
        .headers
        .iter()
        .filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), format!("{value:?}")))
        .collect();
    (answer.status, answer.text.clone(), headers)
}

#[tokio::test]
async fn longest_password_logs_in() {
    let server = Server::start().await;
    let password: String = (1..)
        .flat_map(|number| (number * 7919).to_string().chars().collect::<Vec<_>>())
        .take(128)
        .collect();
    let body = json!({ "username": "alice", "email": "alice@example.com", "password": password });
    let made = server.anon().post("/register", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    server.login("alice", &password).await.id().await;
}

#[tokio::test]
async fn login_rejects_unknown_account_disabled_account_and_wrong_password_alike() {
    let server = Server::start().await;
    let admin = server.admin().await;
    server.user("alice").await;
    let blocked = server.user("blocked").await.id().await;
    let path = format!("/admin/users/{blocked}");
    let answer = admin.patch(&path, &json!({ "disabled": true })).await;
    assert_eq!(answer.status, 200);

    let long = "x".repeat(129);
    let huge = "\u{1F512}".repeat(1200);
    let wrong = "not-the-password";
    let cases = [
        ("nobody", PASSWORD, "unknown_user"),
        ("nobody@example.com", PASSWORD, "unknown_user"),
        ("nobody", &long, "unknown_user"),
        ("nobody", &huge, "unknown_user"),
        ("' OR 1=1 --", PASSWORD, "unknown_user"),
        ("nul\0byte", PASSWORD, "unknown_user"),
        ("alice", wrong, "bad_password"),
        ("alice@example.com", wrong, "bad_password"),
        ("alice", &long, "bad_password"),
        ("alice", &huge, "bad_password"),
        ("blocked", PASSWORD, "disabled"),
        ("blocked@example.com", PASSWORD, "disabled"),
        ("blocked", wrong, "bad_password"),
        ("blocked", &long, "bad_password"),
    ];
    let mut first = None;
    for (name, password, reason) in cases {
        let case = format!("{name:?} with {} bytes", password.len());
        let before = server.metrics().await;
        let answer = server.anon().login(name, password).await;
        let after = server.metrics().await;
        answer.oauth(400, "invalid_grant");
        let seen = visible(&answer);
        assert_eq!(*first.get_or_insert(seen.clone()), seen, "{case}");
        assert_eq!(hashes(&after).0 - hashes(&before).0, 1.0, "{case}");
        assert_eq!(hashes(&after).1, hashes(&before).1, "{case}");
        assert_eq!(
            logins(&after, reason) - logins(&before, reason),
            1.0,
            "{case}"
        );
    }
    let metrics = server.metrics().await;
    let failed = metrics.sum("auth_logins_total", &[("outcome", "failure")]);
    assert_eq!(failed, f64::from(u32::try_from(cases.len()).expect("few")));
}

#[tokio::test]
async fn login_rejects_malformed_request_before_any_work() {
    let server = Server::start().await;
    server.register("alice").await;
    let anon = server.anon();
    let before = server.metrics().await;
    let (name, password) = (("username", "alice"), ("password", PASSWORD));
    let malformed: &[(&str, &[(&str, &str)])] = &[
        ("invalid_request", &[]),
        ("invalid_request", &[name]),
        ("invalid_request", &[password]),
        ("invalid_request", &[name, name, password]),
        ("invalid_request", &[name, password, password]),
        (
            "invalid_request",
            &[
                name,
                password,
                ("grant_type", "password"),
                ("grant_type", "password"),
            ],
        ),
        (
            "invalid_request",
            &[
                name,
                password,
                ("scope", "users:read"),
                ("scope", "users:read"),
            ],
        ),
        (
            "unsupported_grant_type",
            &[name, password, ("grant_type", "client_credentials")],
        ),
        ("invalid_request", &[name, ("password", "")]),
        ("invalid_request", &[("username", ""), password]),
        (
            "unsupported_grant_type",
            &[name, password, ("grant_type", "Password")],
        ),
        ("invalid_scope", &[name, password, ("scope", "\"quoted\"")]),
        (
            "invalid_scope",
            &[name, password, ("scope", "users:read  root")],
        ),
    ];
    for (error, form) in malformed {
        let answer = anon.form(form).await;
        answer.oauth(400, error);
        assert!(!answer.text.contains(PASSWORD), "{}", answer.text);
    }
    let body = json!({ "username": "alice", "password": PASSWORD });
    let answer = anon.post("/login", &body).await;
    answer.oauth(415, "invalid_request");
    assert!(!answer.text.contains(PASSWORD), "{}", answer.text);
    // Credentials in the query are ignored: every log on the way would have them.
    let path = format!("/login?username=alice&password={PASSWORD}");
    let answer = Answer::of(anon.request(Method::POST, &path).form(&[name])).await;
    answer.oauth(400, "invalid_request");

    let after = server.metrics().await;
    assert_eq!(hashes(&before), hashes(&after));
    let counted = malformed.len() + 2;
    let counted = f64::from(u32::try_from(counted).expect("few"));
    assert_eq!(logins(&after, "invalid_request"), counted);
}

#[tokio::test]
async fn login_answers_oauth_tokens() {
    let server = Server::start().await;
    server.register("alice").await;
    let forms: [&[(&str, &str)]; 4] = [
        &[("username", "alice"), ("password", PASSWORD)],
        &[
            ("username", "alice"),
            ("password", PASSWORD),
            ("grant_type", "password"),
        ],
        // Parameters without a value count as omitted (RFC 6749 section 3.2).
        &[
            ("username", "alice"),
            ("password", PASSWORD),
            ("grant_type", ""),
            ("scope", ""),
        ],
        &[
            ("username", "alice"),
            ("password", PASSWORD),
            ("unheard-of", "ignored"),
        ],
    ];
    for form in forms {
        let answer = server.anon().form(form).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(
            answer
                .header("content-type")
                .starts_with("application/json")
        );
        assert_eq!(answer.json["token_type"], "bearer");
        assert_eq!(answer.json["expires_in"], 900);
        assert!(answer.json["access_token"].is_string());
        assert!(answer.json["refresh_token"].is_string());
        assert!(answer.json["scope"].is_null(), "{}", answer.text);
        assert!(!answer.text.contains(PASSWORD));
    }
}

#[tokio::test]
async fn login_answers_the_granted_scopes() {
    let server = Server::start().await;
    server.register("alice").await;
    let granted = async |name, password, scope| {
        let form = [("username", name), ("password", password), ("scope", scope)];
        let answer = server.anon().form(&form).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json["scope"].as_str().expect("a scope").to_owned()
    };
    let all = "authenticated admin:access users:read users:write roles:assign sessions:revoke";
    assert_eq!(
        granted("alice", PASSWORD, "authenticated").await,
        "authenticated"
    );
    // Requesting more does not widen the scope.
    assert_eq!(granted("alice", PASSWORD, all).await, "authenticated");
    assert_eq!(granted("admin", ADMIN_PASSWORD, all).await, all);
}

#[tokio::test]
async fn login_ignores_client_credentials_of_interactive_documentation() {
    let server = Server::start().await;
    server.register("alice").await;
    let form = [
        ("grant_type", "password"),
        ("username", "alice"),
        ("password", PASSWORD),
        ("scope", "authenticated users:read"),
        ("client_id", "swagger"),
        ("client_secret", "swagger-secret"),
    ];
    let anon = server.anon();
    let plain = anon.form(&form).await;
    assert_eq!(plain.status, 200, "{}", plain.text);
    let request = anon.request(Method::POST, "/login").form(&form[..4]);
    let basic = Answer::of(request.basic_auth("client", Some("secret"))).await;
    assert_eq!(basic.status, 200, "{}", basic.text);
    // An invalid token changes nothing, either: clients that log in again often send one.
    let stale = anon.token("nonsense").form(&form).await;
    assert_eq!(stale.status, 200, "{}", stale.text);
}

#[tokio::test]
async fn login_and_refresh_count_issued_tokens() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    let admin = server.admin().await;
    server.login("ALICE@EXAMPLE.COM", PASSWORD).await;
    server.anon().login("alice", "wrong-password").await;
    let alice = alice.refreshed().await.refreshed().await;
    admin.refreshed().await;
    server.anon().token("x").get("/users/me").await;
    let garbage = json!({ "refresh_token": "rt_garbage" });
    alice.post("/refresh", &garbage).await;

    let metrics = server.metrics().await;
    let success = [("outcome", "success")];
    assert_eq!(metrics.sum("auth_logins_total", &success), 3.0);
    assert_eq!(metrics.sum("auth_token_refreshes_total", &success), 3.0);
    for grant in ["password", "refresh"] {
        for kind in ["access", "refresh"] {
            let labels = [("grant", grant), ("token_type", kind)];
            let issued = metrics.sum("auth_tokens_issued_total", &labels);
            assert_eq!(issued, 3.0, "{labels:?}");
        }
    }
    let unknown = [("outcome", "failure"), ("reason", "unknown_token")];
    assert_eq!(metrics.sum("auth_token_refreshes_total", &unknown), 1.0);
    let failed = [("outcome", "failure")];
    assert_eq!(metrics.sum("auth_token_refreshes_total", &failed), 1.0);
}

#[tokio::test]
async fn login_time_shows_in_every_session_at_once() {
    let server = Server::start().await;
    let first = server.user("alice").await;
    first.warm_up().await;
    let before = first.get("/users/me").await.json["last_login_at"].clone();
    server.login("alice", PASSWORD).await;
    let after = first.get("/users/me").await.json["last_login_at"].clone();
    assert!(before.is_string() && after.is_string());
    assert_ne!(before, after);
}
