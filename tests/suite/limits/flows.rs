//! Each limiter refuses at its limit, and counts only the requests that it should.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::{change_password, from, limits, login, refresh, register};
use crate::harness::{ADMIN_PASSWORD, Answer, Client, PASSWORD, Server};
use crate::support::statements::caused_by_requests;

const HOME: &str = "192.0.2.1";
const OFFICE: &str = "192.0.2.2";

#[tokio::test]
async fn login_is_rate_limited_by_client_address() {
    let server = limits(&[("LOGIN_SOURCE", "3/1h")]).start().await;
    assert_eq!(
        login(&server, HOME, "admin", ADMIN_PASSWORD).await.status,
        200
    );
    for name in ["admin", "nobody"] {
        let answer = login(&server, HOME, name, "wrong").await;
        answer.oauth(400, "invalid_grant");
    }
    for name in ["admin", "nobody", "somebody"] {
        let answer = login(&server, HOME, name, ADMIN_PASSWORD).await;
        answer.oauth_limited("login");
    }
    let answer = login(&server, OFFICE, "admin", ADMIN_PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn login_is_rate_limited_by_username_in_any_case() {
    let server = limits(&[("LOGIN_ACCOUNT", "3/1h")]).start().await;
    for (number, name) in ["admin", "Admin", "ADMIN"].into_iter().enumerate() {
        let address = format!("192.0.2.{number}");
        let answer = login(&server, &address, name, "wrong").await;
        answer.oauth(400, "invalid_grant");
    }
    for address in ["192.0.2.0", "192.0.2.99", "2001:db8::1"] {
        let answer = login(&server, address, "aDMIN", ADMIN_PASSWORD).await;
        answer.oauth_limited("login");
    }
    // Others are not, from the same address.
    assert_eq!(server.register("alice").await.status, 201);
    assert_eq!(
        login(&server, "192.0.2.0", "alice", PASSWORD).await.status,
        200
    );
}

#[tokio::test]
async fn login_rate_limit_is_the_same_for_unknown_usernames() {
    let server = limits(&[("LOGIN_ACCOUNT", "2/1h")]).start().await;
    let mut told = Vec::new();
    for name in ["admin", "nobody", "nobody@example.com", "+", "a'b\u{2028}ü"] {
        let mut answers = Vec::new();
        for _ in 0..4 {
            let answer = login(&server, HOME, name, "wrong").await;
            // How long to wait depends on the moment, and every request has its own id.
            let body: String = answer
                .text
                .chars()
                .filter(|c| !c.is_ascii_digit())
                .collect();
            let names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
            answers.push((answer.status, body, names));
        }
        let statuses: Vec<u16> = answers.iter().map(|(status, ..)| *status).collect();
        assert_eq!(statuses, [400, 400, 429, 429], "{name}");
        told.push(answers);
    }
    for other in &told[1..] {
        assert_eq!(*other, told[0]);
    }
}

#[tokio::test]
async fn registration_is_rate_limited_by_client_address() {
    let server = limits(&[("REGISTER_SOURCE", "2/1h")]).start().await;
    let attempt = async |address, name: &str| {
        register(&server, address, name, &format!("{name}@example.com")).await
    };
    assert_eq!(attempt(HOME, "alice").await.status, 201);
    // Requests refused later on were counted as well.
    attempt(HOME, "alice").await.problem(409, "taken");
    attempt(HOME, "bob").await.limited("register", "source");
    assert_eq!(attempt(OFFICE, "bob").await.status, 201);
}

#[tokio::test]
async fn registration_is_rate_limited_by_username_and_email() {
    let server = limits(&[("REGISTER_ACCOUNT", "2/1h")]).start().await;
    let attempt = async |username, email| register(&server, HOME, username, email).await;
    assert_eq!(attempt("alice", "a1@example.com").await.status, 201);
    assert_eq!(attempt("Alice", "a2@example.com").await.status, 409);
    let answer = attempt("ALICE", "a3@example.com").await;
    answer.limited("register", "account");

    assert_eq!(attempt("bob-1", "bob@example.com").await.status, 201);
    assert_eq!(attempt("bob-2", "Bob@example.com").await.status, 409);
    let answer = attempt("bob-3", "BOB@example.com").await;
    answer.limited("register", "account");
    // A refusal by one of the two limits charges nothing of the other.
    for _ in 0..3 {
        attempt("bob-4", "bob@example.com")
            .await
            .limited("register", "account");
    }
    assert_eq!(attempt("bob-4", "bob-4@example.com").await.status, 201);
    // A username is not an address of mail, even if they are the same text.
    assert_eq!(attempt("a3@example.com", "x").await.status, 422);
    assert_eq!(attempt("carol", "a3@example.com").await.status, 201);
}

#[tokio::test]
async fn refresh_is_rate_limited_by_client_address_and_session() {
    let rates = [("REFRESH_SOURCE", "4/1h"), ("REFRESH_ACCOUNT", "2/1h")];
    let server = limits(&rates).start().await;
    let user = server.user("alice").await;
    let token = user.refresh.clone().expect("a token");
    let answer = refresh(&server, HOME, &token).await;
    assert_eq!(answer.status, 200);
    let next = user.with(&answer.json).refresh.expect("a token");
    let answer = refresh(&server, OFFICE, &next).await;
    assert_eq!(answer.status, 200);
    // Another token of the same session is no way around the limit, from anywhere.
    let third = user.with(&answer.json).refresh.expect("a token");
    for spent in [&third, &next, &token] {
        refresh(&server, "192.0.2.99", spent)
            .await
            .oauth_limited("refresh");
    }
    // Random tokens belong to no session: they use up the permits of their source.
    for number in 0..3 {
        let unknown = format!("rt_{number}{}", "A".repeat(42));
        let answer = refresh(&server, HOME, &unknown).await;
        answer.oauth(400, "invalid_grant");
    }
    let answer = refresh(&server, HOME, "nonsense").await;
    answer.oauth_limited("refresh");
    // Another session is not affected: a token beyond the limit of its source is not looked up.
    let fresh = server.login("alice", PASSWORD).await;
    let token = fresh.refresh.expect("a token");
    for _ in 0..3 {
        refresh(&server, HOME, &token)
            .await
            .oauth_limited("refresh");
    }
    assert_eq!(refresh(&server, OFFICE, &token).await.status, 200);
    // The limit logs its refusals; the refresh does not log them again.
    let log = server.log();
    let mut refusals = log
        .lines()
        .filter(|line| line.contains("authn_token_refresh_fail"));
    assert!(refusals.all(|line| !line.contains("rate_limited")), "{log}");
}

#[tokio::test]
async fn current_password_checks_are_rate_limited_by_account() {
    let server = limits(&[("PASSWORD_ACCOUNT", "3/1h")]).start().await;
    let alice = server.user("alice").await;
    let bob = server.user("bob").await;
    for _ in 0..2 {
        let answer = change_password(&alice, "wrong").await;
        answer.problem(422, "wrong-password");
    }
    let elsewhere = server.login("alice", PASSWORD).await;
    let change = json!({ "email": "other@example.com", "current_password": "wrong" });
    let answer = elsewhere.patch("/users/me", &change).await;
    answer.problem(422, "wrong-password");
    // Both operations are refused, in both sessions, even with the right password.
    for user in [&alice, &elsewhere] {
        let answer = change_password(user, PASSWORD).await;
        answer.limited("password", "account");
        let change = json!({ "email": "other@example.com", "current_password": PASSWORD });
        let answer = user.patch("/users/me", &change).await;
        answer.limited("password", "account");
    }
    alice
        .delete_me(PASSWORD)
        .await
        .limited("password", "account");
    // Operations without a password are not limited; nor is another account.
    let same = alice
        .patch("/users/me", &json!({ "username": "alice" }))
        .await;
    assert_eq!(same.status, 200, "{}", same.text);
    assert_eq!(change_password(&bob, PASSWORD).await.status, 200);
    let metrics = server.metrics().await;
    let labels = [("reason", "rate_limited")];
    assert_eq!(metrics.sum("auth_password_changes_total", &labels), 2.0);
}

/// Attackers can check the names of a list for being taken.
#[tokio::test]
async fn change_of_name_or_address_is_rate_limited_like_a_registration_and_by_account() {
    let rates = [
        ("PROFILE_ACCOUNT", "3/1h"),
        ("REGISTER_ACCOUNT", "2/1h"),
        ("REGISTER_SOURCE", "5/1h"),
    ];
    let server = limits(&rates).start().await;
    for name in ["alice", "bob", "carol"] {
        assert_eq!(
            register(&server, name, name, &format!("{name}@example.com"))
                .await
                .status,
            201
        );
    }
    let change = async |client: &Client, address: &str, field: &str, value: &str| {
        let body = json!({ field: value, "current_password": PASSWORD });
        let request = client.request(Method::PATCH, "/users/me").json(&body);
        Answer::of(from(address, request)).await
    };
    let alice = server.login("alice", PASSWORD).await;
    for taken in ["bob", "BOB"] {
        let answer = change(&alice, HOME, "username", taken).await;
        answer.names(409, "taken", "username");
    }
    // The name is at its limit for others, too, then the account, whatever the name.
    let carol = server.login("carol", PASSWORD).await;
    let answer = change(&carol, OFFICE, "username", "Bob").await;
    answer.limited("profile", "account");
    let answer = change(&alice, HOME, "email", "Bob@example.com").await;
    answer.names(409, "taken", "email");
    let answer = change(&alice, OFFICE, "username", "free").await;
    answer.limited("profile", "account");
    // A refusal charges nothing; what changes nothing and what lacks the password is free.
    for body in [json!({}), json!({ "username": "carol" })] {
        assert_eq!(carol.patch("/users/me", &body).await.status, 200);
    }
    let answer = carol
        .patch("/users/me", &json!({ "username": "karo" }))
        .await;
    answer.names(422, "invalid-field", "current_password");
    for name in ["carola", "caroline"] {
        assert_eq!(change(&carol, HOME, "username", name).await.status, 200);
    }
    // The address is at its limit.
    let answer = change(&carol, HOME, "username", "karoline").await;
    answer.limited("profile", "source");
    assert_eq!(
        change(&carol, OFFICE, "username", "karoline").await.status,
        200
    );
}

#[tokio::test]
async fn token_endpoint_has_the_limit_of_each_grant() {
    let rates = ["LOGIN_SOURCE", "REFRESH_SOURCE"].map(|name| (name, "2/1h"));
    let server = limits(&rates).start().await;
    let send = async |path: &str, form: String| {
        let request = server.anon().request(Method::POST, path);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        Answer::of(request.body(form)).await
    };
    let login = || format!("grant_type=password&username=admin&password={ADMIN_PASSWORD}");
    let refresh = || "grant_type=refresh_token&refresh_token=x".to_owned();
    assert_eq!(send("/oauth/token", login()).await.status, 200);
    assert_eq!(send("/login", login()).await.status, 200);
    send("/oauth/token", login()).await.oauth_limited("login");
    send("/login", login()).await.oauth_limited("login");
    for path in ["/oauth/token", "/login"] {
        send(path, refresh()).await.oauth(400, "invalid_grant");
    }
    for path in ["/oauth/token", "/login", "/refresh"] {
        send(path, refresh()).await.oauth_limited("refresh");
    }
}

#[tokio::test]
async fn revocation_is_rate_limited_by_client_address() {
    let server = limits(&[("REVOKE_SOURCE", "2/1h")]).start().await;
    let revoke = async |address: &str, token: &str| {
        let request = server.anon().request(Method::POST, "/oauth/revoke");
        Answer::of(from(address, request.form(&[("token", token)]))).await
    };
    let alice = server.user("alice").await;
    let token = alice.refresh.clone().expect("a token");
    for _ in 0..2 {
        assert_eq!(revoke(HOME, "rt_x").await.status, 200);
    }
    revoke(HOME, &token).await.oauth_limited("revoke");
    assert_eq!(alice.get("/users/me").await.status, 200);
    assert_eq!(revoke(OFFICE, &token).await.status, 200);
    alice.get("/users/me").await.invalid_token();
}

#[tokio::test]
async fn ending_ones_sessions_is_rate_limited_by_account() {
    let server = limits(&[("REVOKE_ACCOUNT", "2/1h")]).start().await;
    let (first, bob) = (server.user("alice").await, server.user("bob").await);
    let second = server.login("alice", PASSWORD).await;
    assert_eq!(first.post("/logout", &json!({})).await.status, 204);
    let unknown = format!("/users/me/sessions/{}", Uuid::now_v7());
    second.delete(&unknown).await.problem(404, "not-found");
    for refused in [
        second.post("/logout", &json!({})).await,
        second.delete(&unknown).await,
    ] {
        refused.limited("revoke", "account");
    }
    assert_eq!(second.get("/users/me").await.status, 200);
    assert_eq!(bob.post("/logout", &json!({})).await.status, 204);
}

#[tokio::test]
async fn malformed_requests_use_no_rate_limit() {
    let rates = ["LOGIN_SOURCE", "REGISTER_SOURCE", "REFRESH_SOURCE"].map(|name| (name, "1/1h"));
    let server = limits(&rates).start().await;
    let anon = server.anon();
    for _ in 0..3 {
        assert_eq!(anon.form(&[("username", "admin")]).await.status, 400);
        let form = [
            ("username", "admin"),
            ("password", ADMIN_PASSWORD),
            ("scope", "not \"sound\""),
        ];
        assert_eq!(anon.form(&form).await.status, 400);
        for path in ["/register", "/refresh", "/login", "/oauth/token"] {
            let request = anon.request(Method::POST, path).body("{");
            assert!([400, 415].contains(&Answer::of(request).await.status));
        }
    }
    assert_eq!(anon.login("admin", ADMIN_PASSWORD).await.status, 200);
    anon.login("admin", ADMIN_PASSWORD)
        .await
        .oauth_limited("login");
    assert_eq!(server.register("alice").await.status, 201);
    server.register("bob").await.limited("register", "source");
    let refused = anon
        .post("/refresh", &json!({ "refresh_token": "x" }))
        .await;
    refused.oauth(400, "invalid_grant");
    let refused = anon
        .post("/refresh", &json!({ "refresh_token": "x" }))
        .await;
    refused.oauth_limited("refresh");
}

/// Hashes, and operations in the database and in Redis that requests caused, so far. Asking Redis for
/// a permit is how a request is refused.
async fn work(server: &Server) -> BTreeMap<String, f64> {
    let scrape = server.scrape().await;
    let statements = scrape.of("db_client_operation_duration_seconds_count");
    let hashes = scrape.of("auth_password_hash_duration_seconds_count");
    let caused = statements.filter(|one| {
        let name = one.label("db_query_summary");
        match one.label("db_system_name") {
            "redis" => name != "probe" && name != "permits",
            _ => caused_by_requests(name),
        }
    });
    let work: BTreeMap<_, _> = caused
        .chain(hashes)
        .map(|one| (one.identity(), one.value))
        .collect();
    assert!(work.len() > 10, "{work:?}");
    work
}

#[tokio::test]
async fn rate_limited_request_costs_no_query_and_no_hash() {
    let rates = [
        ("LOGIN_ACCOUNT", "1/1h"),
        ("REGISTER_ACCOUNT", "1/1h"),
        ("REFRESH_SOURCE", "1/1h"),
    ];
    let server = limits(&rates).start().await;
    let user = server.user("alice").await;
    let token = user.refresh.expect("a token");
    for name in ["alice", "nobody"] {
        login(&server, HOME, name, "wrong")
            .await
            .oauth(400, "invalid_grant");
    }
    assert_eq!(refresh(&server, HOME, &token).await.status, 200);
    let before = work(&server).await;
    for _ in 0..10 {
        for name in ["alice", "nobody"] {
            login(&server, HOME, name, PASSWORD)
                .await
                .oauth_limited("login");
        }
        refresh(&server, HOME, &token)
            .await
            .oauth_limited("refresh");
        server
            .register("alice")
            .await
            .limited("register", "account");
    }
    assert_eq!(work(&server).await, before);
}
