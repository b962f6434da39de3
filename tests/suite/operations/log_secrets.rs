//! No secret is ever logged or exported.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::harness::{Answer, Client, Server};

/// The planted secrets. Each is unique, so that a match in the log tells its source.
const WORDS: [&str; 25] = [
    "planted-secret-key-which-is-long-enough-0001",
    "planted-admin-password-0002",
    "planted-admin-name-0003",
    "planted-admin-mail-0004@example.com",
    "planted-password-0005",
    "planted-name-0006",
    "planted-mail-0007@example.com",
    "planted-new-password-0008",
    "planted-query-0009",
    "planted-path-0010",
    "planted-unknown-field-0011",
    "planted-broken-json-0012",
    "planted-user-agent-0013",
    "planted-wrong-type-0014",
    "planted-header-0015",
    "planted-cookie-0016",
    "planted-bearer-0017",
    "planted-basic-0018",
    "planted-refresh-0019",
    "planted-scope-0020",
    "planted-search-0021",
    "planted-client-secret-0022",
    "planted-request-id-0023",
    "planted-role-0024",
    "planted-forwarded-0025",
];

/// The address that all requests come from: the log has it masked, the metrics not at all.
const ADDRESS: &str = "198.51.100.25";
const MASKED: &str = "198.51.100.0/24";
const NETWORK: &str = "198.51";

fn word(number: usize) -> &'static str {
    let word = WORDS[number - 1];
    assert!(
        word.contains(&format!("{number:04}")),
        "{word} is not in its place"
    );
    word
}

async fn send(request: RequestBuilder) -> Answer {
    let marked = request
        .header("user-agent", word(13))
        .header("x-api-key", word(15))
        .header("cookie", format!("session={}", word(16)))
        .header("x-request-id", format!("\"{}\"", word(23)))
        .header("forwarded", format!("for={}", word(25)))
        .header("x-forwarded-for", format!("{}, {ADDRESS}", word(25)));
    Answer::of(marked).await
}

async fn post(client: &Client, path: &str, body: &Value) -> Answer {
    send(client.request(Method::POST, path).json(body)).await
}

async fn login(client: &Client, form: &[(&str, &str)]) -> Answer {
    send(client.request(Method::POST, "/login").form(form)).await
}

/// Sends every planted secret to the server, in requests that succeed and in others that fail. Returns the
/// tokens and passwords of its answers: they are secrets, too.
async fn tell_everything(server: &Server) -> Vec<String> {
    let anon = server.anon();
    let mut given = Vec::new();
    let mut pair = |answer: &Answer| {
        assert_eq!(answer.status, 200, "{}", answer.text);
        for name in ["access_token", "refresh_token"] {
            given.push(answer.json[name].as_str().expect("a token").to_owned());
        }
        server.anon().with(&answer.json)
    };

    // Requests that succeed.
    let body = json!({ "username": word(6), "email": word(7), "password": word(5) });
    assert_eq!(post(&anon, "/register", &body).await.status, 201);
    let form = [
        ("username", word(6)),
        ("password", word(5)),
        ("client_secret", word(22)),
    ];
    let user = pair(&login(&anon, &form).await);
    let user = pair(&post(&user, "/refresh", &json!({ "refresh_token": user.refresh })).await);
    let body = json!({ "current_password": word(5), "new_password": word(8) });
    pair(&post(&user, "/users/me/password", &body).await);
    let user = pair(&login(&anon, &[("username", word(7)), ("password", word(8))]).await);
    let admin = pair(&login(&anon, &[("username", word(3)), ("password", word(2))]).await);
    let path = format!("/admin/users?search={}", word(21));
    assert_eq!(send(admin.request(Method::GET, &path)).await.status, 200);
    let name = format!("x-{}", word(6));
    let made = json!({ "username": name, "email": format!("x-{}", word(7)) });
    let made = post(&admin, "/admin/users", &made).await;
    assert_eq!(made.status, 201, "{}", made.text);
    given.push(
        made.json["initial_password"]
            .as_str()
            .expect("a password")
            .to_owned(),
    );
    let id = user.id().await;

    // Requests that fail.
    let role = format!("/admin/users/{id}/roles/{}", word(24));
    // An unknown scope would be ignored: this one breaks the grammar.
    let scope = format!("\"{}\"", word(20));
    let fails = [
        send(admin.request(Method::PUT, &role)).await,
        send(admin.request(Method::DELETE, &format!("/admin/users/{}", word(10)))).await,
        send(user.request(Method::GET, &format!("/admin/users?limit={}", word(9)))).await,
        send(anon.request(
            Method::GET,
            &format!("/{0}/{0}?token={1}", word(10), word(9)),
        ))
        .await,
        send(anon.request(Method::POST, &format!("/login?password={}", word(9)))).await,
        send(anon.request(Method::GET, &format!("/users/me?access_token={}", word(17)))).await,
        send(anon.token(word(17)).request(Method::GET, "/users/me")).await,
        send(
            anon.request(Method::GET, "/users/me")
                .basic_auth(word(18), Some(word(18))),
        )
        .await,
        login(&anon, &[("username", word(6)), ("password", word(2))]).await,
        login(&anon, &[("username", word(10)), ("password", word(5))]).await,
        login(
            &anon,
            &[
                ("username", word(6)),
                ("password", word(8)),
                ("scope", &scope),
            ],
        )
        .await,
        login(
            &anon,
            &[
                ("username", word(6)),
                ("password", word(8)),
                ("grant_type", word(20)),
            ],
        )
        .await,
        login(&anon, &[(word(11), word(11))]).await,
        post(&anon, "/refresh", &json!({ "refresh_token": word(19) })).await,
        post(&anon, "/refresh", &json!({ "refresh_token": [word(14)] })).await,
        post(
            &anon,
            "/register",
            &json!({ "password": word(11), "unknown": word(11) }),
        )
        .await,
        post(
            &anon,
            "/register",
            &json!({ "username": { "a": word(14) } }),
        )
        .await,
        post(
            &anon,
            "/register",
            &json!({ "username": word(6), "email": word(7), "password": word(5) }),
        )
        .await,
        post(
            &anon,
            "/register",
            &json!({ "username": "bob", "email": word(14), "password": word(5) }),
        )
        .await,
        post(
            &user,
            "/users/me/password",
            &json!({ "current_password": word(2), "new_password": word(5) }),
        )
        .await,
        send(
            anon.request(Method::POST, "/register")
                .header("content-type", "application/json")
                .body(format!("{{\"password\": \"{}\", {}", word(12), word(12))),
        )
        .await,
        send(
            anon.request(Method::POST, "/register")
                .header("content-type", word(12))
                .body(word(12)),
        )
        .await,
        send(
            anon.request(Method::POST, "/register")
                .body(word(12).repeat(4_000)),
        )
        .await,
        // A rate limit.
        post(&anon, "/refresh", &json!({ "refresh_token": word(7) })).await,
        post(&anon, "/refresh", &json!({ "refresh_token": word(7) })).await,
        post(&anon, "/refresh", &json!({ "refresh_token": word(7) })).await,
        // A used refresh token: ends the family, with a warning. Then the family is at its limit.
        post(&anon, "/refresh", &json!({ "refresh_token": given[1] })).await,
        post(&anon, "/refresh", &json!({ "refresh_token": given[1] })).await,
    ];
    for answer in fails {
        assert!((400..500).contains(&answer.status), "{}", answer.text);
    }
    assert_eq!(
        post(&user, "/logout", &json!({ "all": true })).await.status,
        204
    );
    let gone = send(user.request(Method::GET, "/users/me")).await;
    assert_eq!(gone.status, 401);
    given
}

async fn assert_nothing_is_told(format: &str) {
    // The service's own log at the finest level, and other crates' at debug: no level logs more.
    let level = "debug,rbac_sentinel=trace";
    let server = Server::builder()
        .env("LOG_LEVEL", level)
        .env("LOG_FORMAT", format)
        .env("SECRET_KEY", word(1))
        .env("ADMIN_PASSWORD", word(2))
        .env("ADMIN_USERNAME", word(3))
        .env("ADMIN_EMAIL", word(4))
        .env("REFRESH_GRACE", "0s")
        .env("RATE_LIMITS", "on")
        .env("TRUSTED_PROXIES", "127.0.0.1")
        .env("RATE_LIMIT_REFRESH_ACCOUNT", "2/1h")
        .start()
        .await;
    let given = tell_everything(&server).await;
    let log = server.log();
    let metrics = server.metrics().await.0;
    // The log has the expected lines, so it is the right one.
    assert!(
        log.contains("authn_login_success")
            && log.contains("authn_login_fail")
            && log.contains("excess_rate_limit_exceeded"),
        "{log}"
    );
    // Parts of a token are secret, too.
    let parts = given
        .iter()
        .flat_map(|token| token.split('.'))
        .filter(|part| part.len() > 20);
    for secret in WORDS.into_iter().chain(parts) {
        let found = |text: &str, place: &str| {
            if let Some(line) = text.lines().find(|line| line.contains(secret)) {
                panic!("{secret} is in the {place}: {line}");
            }
        };
        found(&log, "log");
        found(&metrics, "metrics");
    }
    // No part of a secret, either: every word begins like this, and masking keeps fewer characters.
    assert!(
        !log.contains("planted") && !metrics.contains("planted"),
        "{log}"
    );
    let beside_masked = log.replace(MASKED, "");
    assert!(
        log.contains(MASKED) && !beside_masked.contains(NETWORK) && !metrics.contains(NETWORK),
        "{log}"
    );
    assert!(!log.contains('@'), "an address is in the log: {log}");
    if format == "json" {
        assert_json_lines(&log);
    }
    // The greeting names the administrator, and no secret.
    for secret in [word(1), word(2), word(4)] {
        assert!(!server.greeting.contains(secret), "{}", server.greeting);
    }
}

#[track_caller]
fn assert_json_lines(log: &str) {
    for line in log.lines() {
        let parsed: Value = serde_json::from_str(line).unwrap_or(Value::Null);
        for name in ["timestamp", "level", "message"] {
            assert!(parsed[name].is_string(), "no {name}: {line}");
        }
        let timestamp = parsed["timestamp"].as_str().unwrap_or_default();
        assert!(
            chrono::DateTime::parse_from_rfc3339(timestamp).is_ok(),
            "{line}"
        );
        assert!(timestamp.ends_with('Z'), "{line}");
        let level = parsed["level"].as_str().unwrap_or_default();
        assert!(
            ["trace", "debug", "info", "warn", "error"].contains(&level),
            "{line}"
        );
    }
}

#[tokio::test]
async fn trace_log_in_json_holds_no_secrets() {
    assert_nothing_is_told("json").await;
}

#[tokio::test]
async fn trace_log_in_text_holds_no_secrets() {
    assert_nothing_is_told("pretty").await;
}

#[tokio::test]
async fn generated_admin_password_is_printed_once_and_never_logged() {
    let start = || {
        Server::builder()
            .without("ADMIN_PASSWORD")
            .env("LOG_LEVEL", "debug,rbac_sentinel=trace")
    };
    let server = start().start().await;
    let (_, rest) = server
        .greeting
        .split_once("with the password ")
        .expect("shown");
    let password = rest.split_whitespace().next().expect("a word").to_owned();
    assert!(password.len() >= 20, "{}", server.greeting);
    assert_eq!(server.greeting.matches(&password).count(), 1);
    server.login("admin", &password).await;
    assert!(!server.log().contains(&password), "{}", server.log());
    assert!(!server.metrics().await.0.contains(&password));
    assert_json_lines(&server.log());

    let again = start().dir(server.stop().await).start().await;
    assert!(!again.greeting.contains("password"), "{}", again.greeting);
    again.login("admin", &password).await;
    assert!(!again.log().contains(&password), "{}", again.log());
}

#[tokio::test]
async fn refusal_to_start_is_explained_without_secrets() {
    let binary = env!("CARGO_BIN_EXE_rbac-sentinel");
    let folder = tempfile::tempdir().expect("a folder");
    for (name, value) in [
        ("SECRET_KEY", "planted-short"),
        ("HS256_KEY", "planted-short"),
        ("DATABASE_URL", "mysql://root:planted-password@localhost/db"),
        ("REDIS_URL", "http://:planted-password@localhost"),
        ("ADMIN_PASSWORD", "planted"),
    ] {
        let output = std::process::Command::new(binary)
            .env_clear()
            .current_dir(folder.path())
            .env("API_ADDR", "127.0.0.1:0")
            .env("OPS_ADDR", "127.0.0.1:0")
            .env("HASH_MEMORY_KIB", "64")
            .env("ALLOW_INSECURE", "true")
            .env("LOG_LEVEL", "trace")
            .env(name, value)
            .output()
            .expect("runs");
        assert!(!output.status.success(), "{name} was accepted");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(!said.trim().is_empty(), "{name} was refused without a word");
        assert!(!said.contains("planted"), "{name}: {said}");
    }
}
