//! Registration.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Answer, Metrics, PASSWORD, Server};

pub(super) fn form(username: &str, email: &str, password: &str) -> Value {
    json!({ "username": username, "email": email, "password": password })
}

pub(super) fn registrations(metrics: &Metrics, reason: &str) -> f64 {
    metrics.sum("auth_registrations_total", &[("reason", reason)])
}

#[tokio::test]
async fn registered_account_can_login_by_username_or_email_in_any_case() {
    let server = Server::start().await;
    let answer = server.register("Alice").await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.json["username"], "Alice");
    assert_eq!(answer.json["roles"], json!(["user"]));
    assert_eq!(answer.json["disabled"], false);
    assert!(!answer.text.contains("password"), "{}", answer.text);
    for name in ["Alice", "alice", "ALICE@example.com"] {
        assert_eq!(
            server.anon().login(name, PASSWORD).await.status,
            200,
            "{name}"
        );
    }
    let metrics = server.metrics().await;
    assert_eq!(
        metrics.sum("auth_registrations_total", &[("outcome", "success")]),
        1.0
    );
    assert_eq!(
        metrics.sum("auth_logins_total", &[("outcome", "success")]),
        3.0
    );
}

#[tokio::test]
async fn answer_says_where_the_new_account_is() {
    for (url, base) in [
        ("https://auth.example.com", ""),
        ("https://example.com/auth", "/auth"),
    ] {
        let server = Server::builder().env("PUBLIC_URL", url).start().await;
        let answer = server.register("alice").await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let location = answer.header("location").to_owned();
        let path = location.strip_prefix(base).expect("below the base path");
        let alice = server.anon().login("alice", PASSWORD).await;
        let found = server.anon().with(&alice.json).get(path).await;
        assert_eq!(found.json["id"], answer.json["id"], "{location}");

        let admin = server.admin().await;
        let body = json!({ "username": "bob", "email": "bob@example.com" });
        let answer = admin.post("/admin/users", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let location = answer.header("location").to_owned();
        let path = location.strip_prefix(base).expect("below the base path");
        let found = admin.get(path).await;
        assert_eq!(found.json["username"], "bob", "{location}");
    }
}

#[tokio::test]
async fn address_is_stored_with_its_domain_in_ascii_and_found_in_both_forms() {
    let server = Server::start().await;
    let stored = "Anna@xn--bcher-kva.example";
    let body = form("anna", "Anna@B\u{fc}cher.example", PASSWORD);
    let answer = server.anon().post("/register", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.json["email"], stored);
    for name in [
        "anna@b\u{fc}cher.example",
        "ANNA@B\u{dc}CHER.example",
        stored,
    ] {
        let answer = server.anon().login(name, PASSWORD).await;
        assert_eq!(answer.status, 200, "{name}");
    }
    for email in ["anna@b\u{fc}cher.example", stored] {
        let body = form("other", email, PASSWORD);
        let answer = server.anon().post("/register", &body).await;
        answer.names(409, "taken", "email");
    }
    for (email, rule) in [
        ("a%b.example@example.com", "% or !"),
        ("a@exam\u{ad}ple.com", "invisible"),
        ("\u{ff41}@example.com", "full-width"),
        ("a@127.0.0.1", "IP address"),
        ("-a@example.com", "dash"),
    ] {
        let body = form("other", email, PASSWORD);
        let answer = server.anon().post("/register", &body).await;
        answer.names(422, "invalid-field", "email");
        assert!(answer.text.contains(rule), "{}", answer.text);
    }
}

#[tokio::test]
async fn login_ignores_blanks_around_the_name_and_not_around_the_password() {
    let server = Server::start().await;
    server.register("alice").await;
    for name in [" alice", "alice ", "\talice@example.com \u{a0}"] {
        let answer = server.anon().login(name, PASSWORD).await;
        assert_eq!(answer.status, 200, "{name:?}");
    }
    for (name, password) in [("al ice", PASSWORD), ("alice", &format!("{PASSWORD} "))] {
        let answer = server.anon().login(name, password).await;
        answer.oauth(400, "invalid_grant");
    }
}

#[tokio::test]
async fn registration_rejects_taken_username_or_email_in_any_case() {
    let server = Server::start().await;
    assert_eq!(server.register("Alice").await.status, 201);
    let register = async |username, email| {
        let body = form(username, email, PASSWORD);
        server.anon().post("/register", &body).await
    };
    for username in ["Alice", "alice", "ALICE"] {
        let answer = register(username, "other@example.com").await;
        answer.names(409, "taken", "username");
    }
    for email in ["alice@example.com", "ALICE@Example.COM"] {
        let answer = register("other", email).await;
        answer.names(409, "taken", "email");
        assert!(!answer.text.contains(email), "{}", answer.text);
    }
    assert_eq!(register("other", "other@example.com").await.status, 201);
}

#[tokio::test]
async fn registration_gives_no_role_above_user() {
    let server = Server::start().await;
    let body = json!({
        "username": "mallory", "email": "mallory@example.com",
        "password": PASSWORD, "role": "admin",
    });
    let user = server.user("plain").await;
    for nobody in [&server.anon(), &user] {
        let answer = nobody.post("/register", &body).await;
        answer.problem(403, "forbidden");
        assert_eq!(answer.json["permission"], "roles:assign");
    }
    server
        .anon()
        .login("mallory", PASSWORD)
        .await
        .oauth(400, "invalid_grant");

    let mut unheard_of = body.clone();
    unheard_of["role"] = json!("unheard-of");
    let answer = server.anon().post("/register", &unheard_of).await;
    answer.problem(403, "forbidden");
}

/// An administrator does not choose the passwords of others (ASVS 6.4.6).
#[tokio::test]
async fn administrator_registers_nobody() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for role in ["admin", "user", "unheard-of"] {
        let mut body = form("mallory", "mallory@example.com", PASSWORD);
        body["role"] = json!(role);
        let answer = admin.post("/register", &body).await;
        answer.problem(403, "forbidden");
        assert!(answer.text.contains("POST /admin/users"), "{}", answer.text);
    }
    let body = form("mallory", "mallory@example.com", PASSWORD);
    admin
        .post("/register", &body)
        .await
        .problem(403, "forbidden");
    let listed = admin.get("/admin/users").await;
    assert_eq!(listed.json["items"].as_array().map(Vec::len), Some(1));
    let metrics = server.metrics().await;
    assert_eq!(registrations(&metrics, "for_another"), 4.0);
    // A logged-in caller without these permissions registers another account of their own.
    let alice = server.user("alice").await;
    let body = form("alice2", "alice2@example.com", PASSWORD);
    assert_eq!(alice.post("/register", &body).await.status, 201);
}

#[tokio::test]
async fn registration_with_unprivileged_role_needs_no_permission() {
    let server = Server::start().await;
    let body = json!({
        "username": "alice", "email": "alice@example.com", "password": PASSWORD, "role": "user",
    });
    let answer = server.anon().post("/register", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.json["roles"], json!(["user"]));
}

#[tokio::test]
async fn registration_rejects_invalid_username_and_email_by_field() {
    let server = Server::start().await;
    let long = "a".repeat(33);
    for username in [
        "",
        "ab",
        ".dot",
        "a b c",
        "a@b.c",
        "al\u{456}ce",
        "a\nbc",
        &long,
    ] {
        let body = form(username, "a@example.com", PASSWORD);
        let answer = server.anon().post("/register", &body).await;
        answer.names(422, "invalid-field", "username");
        assert!(!answer.text.contains(PASSWORD), "{}", answer.text);
    }
    let long = format!("a@{}.example", "b".repeat(255));
    for email in [
        "",
        "a",
        "a@",
        "@example.com",
        "a@localhost",
        "a b@example.com",
        "a@example.com\nBcc: b@example.com",
        "A <a@example.com>",
        &long,
    ] {
        let body = form("alice", email, PASSWORD);
        let answer = server.anon().post("/register", &body).await;
        answer.names(422, "invalid-field", "email");
        assert!(!answer.text.contains(PASSWORD), "{}", answer.text);
    }
}

#[tokio::test]
async fn registration_rejects_malformed_body_without_echoing_it() {
    let server = Server::start().await;
    let send = async |body: String| {
        let request = server
            .anon()
            .request(reqwest::Method::POST, "/register")
            .header("content-type", "application/json")
            .body(body);
        let answer = Answer::of(request).await;
        answer.problem(400, "malformed-request");
        assert!(!answer.text.contains(PASSWORD), "{}", answer.text);
        answer
    };
    let good = form("alice", "alice@example.com", PASSWORD);
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body.to_string()
    };
    for field in ["username", "email", "password", "role"] {
        for value in [
            Value::Null,
            json!(7),
            json!([PASSWORD]),
            json!({"a": PASSWORD}),
        ] {
            let answer = send(with(field, value)).await;
            answer.names(400, "malformed-request", field);
        }
    }
    for field in ["username", "email", "password"] {
        let mut body = good.clone();
        body.as_object_mut().expect("an object").remove(field);
        let answer = send(body.to_string()).await;
        answer.names(400, "malformed-request", field);
        let twice = format!("{{\"{field}\": \"{PASSWORD}\", {}", &good.to_string()[1..]);
        let answer = send(twice).await;
        answer.names(400, "malformed-request", field);
    }
    for field in ["is_admin", "roles", "disabled", "id"] {
        let answer = send(with(field, json!(true))).await;
        answer.names(400, "malformed-request", field);
    }
    send(format!("{{\"password\": \"{PASSWORD}\"")).await;
    send(format!("\"{PASSWORD}\"")).await;
    send(format!("{good} {good}")).await;
    send(String::new()).await;

    let form = [("username", "alice"), ("password", PASSWORD)];
    let request = server.anon().request(reqwest::Method::POST, "/register");
    let answer = Answer::of(request.form(&form)).await;
    answer.problem(415, "unsupported-media-type");
    assert_eq!(server.register("alice").await.status, 201);
}

#[tokio::test]
async fn registration_with_invalid_token_creates_no_account() {
    let server = Server::start().await;
    let ended = server.user("bob").await;
    assert_eq!(ended.post("/logout", &json!({})).await.status, 204);
    let body = form("alice", "alice@example.com", PASSWORD);
    for stranger in [server.anon().token("nonsense"), ended] {
        stranger.post("/register", &body).await.invalid_token();
    }
    let request = server.anon().request(reqwest::Method::POST, "/register");
    let basic = Answer::of(request.basic_auth("a", Some("b")).json(&body)).await;
    basic.problem(401, "unauthenticated");
    assert!(!basic.header("www-authenticate").is_empty());
    assert_eq!(server.register("alice").await.status, 201);
}

#[tokio::test]
async fn concurrent_registrations_of_one_username_create_one_account() {
    let server = Server::start().await;
    let answers = join_all((0..50).map(async |index: u32| {
        let name = if index.is_multiple_of(2) {
            "alice"
        } else {
            "ALICE"
        };
        // Half of them also have the same address.
        let email = format!("alice{}@example.com", index / 4);
        server
            .anon()
            .post("/register", &form(name, &email, PASSWORD))
            .await
    }))
    .await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1);
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        refused.problem(409, "taken");
    }
    let metrics = server.metrics().await;
    assert_eq!(registrations(&metrics, "none"), 1.0);
    assert_eq!(registrations(&metrics, "duplicate"), 49.0);
    assert_eq!(registrations(&metrics, "error"), 0.0);
    server.login("Alice", PASSWORD).await;
}

#[tokio::test]
async fn registration_outcomes_are_counted_by_reason() {
    let server = Server::start().await;
    let anon = server.anon();
    for name in ["alice", "bob"] {
        assert_eq!(server.register(name).await.status, 201);
    }
    for name in ["alice", "bob", "BOB"] {
        assert_eq!(server.register(name).await.status, 409);
    }
    let weak = form("carol", "carol@example.com", "password");
    assert_eq!(anon.post("/register", &weak).await.status, 422);
    for bad in ["no address", "a@b"] {
        let body = form("carol", bad, PASSWORD);
        assert_eq!(anon.post("/register", &body).await.status, 422);
    }
    let mut admin = form("carol", "carol@example.com", PASSWORD);
    admin["role"] = json!("admin");
    assert_eq!(anon.post("/register", &admin).await.status, 403);

    let metrics = server.metrics().await;
    for (reason, count) in [
        ("none", 2.0),
        ("duplicate", 3.0),
        ("weak_password", 1.0),
        ("invalid_input", 2.0),
        ("forbidden_role", 1.0),
        ("overloaded", 0.0),
        ("error", 0.0),
    ] {
        assert_eq!(registrations(&metrics, reason), count, "{reason}");
    }
    let success = [("outcome", "success")];
    assert_eq!(metrics.sum("auth_registrations_total", &success), 2.0);
    let failure = [("outcome", "failure")];
    assert_eq!(metrics.sum("auth_registrations_total", &failure), 7.0);
}
