//! The refresh token in a cookie.

use reqwest::Method;
use serde_json::json;

use super::{APP, form_of, in_cookie, kept, log_in, sent, with_app, with_cookies};
use crate::harness::{Answer, PASSWORD, Server};

const REFRESH: &str = "grant_type=refresh_token";

#[tokio::test]
async fn refresh_token_moves_from_cookie_to_cookie() {
    let server = with_cookies().start().await;
    server.register("alice").await;
    let (alice, mut token) = log_in(&server, "alice").await;
    assert_eq!(alice.get("/users/me").await.status, 200);
    let anon = server.anon();
    for path in ["/oauth/token", "/login", "/refresh"] {
        let request = form_of(&anon, APP, path, REFRESH);
        let answer = Answer::of(in_cookie(sent(request, &token))).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert!(answer.json["refresh_token"].is_null(), "{}", answer.text);
        let next = kept(&answer);
        assert_ne!(next, token);
        assert_eq!(anon.with(&answer.json).get("/users/me").await.status, 200);
        token = next;
    }
    let request = anon.request(Method::POST, "/refresh").json(&json!({}));
    let answer = Answer::of(in_cookie(sent(request, &token)).header("origin", APP)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    // Programs send no origin, and nobody makes them send a cookie.
    let next = kept(&answer);
    let request = anon.request(Method::POST, "/refresh").json(&json!({}));
    let answer = Answer::of(in_cookie(sent(request, &next))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn login_sets_both_cookies() {
    let server = with_cookies().start().await;
    server.register("alice").await;
    let form = format!("username=alice&password={PASSWORD}");
    let answer = Answer::of(in_cookie(form_of(&server.anon(), APP, "/login", &form))).await;
    kept(&answer);
    let names: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(
        names
            .iter()
            .any(|line| line.as_bytes().starts_with(b"rbac-sentinel-device="))
    );
    // Without the header, everything is as before.
    let answer = Answer::of(form_of(&server.anon(), APP, "/login", &form)).await;
    assert!(answer.json["refresh_token"].is_string());
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 1);
}

#[tokio::test]
async fn logout_and_revocation_end_the_session_and_remove_the_cookie() {
    let server = with_cookies().start().await;
    server.register("alice").await;
    let dead = async |token: &str| {
        let request = form_of(&server.anon(), APP, "/oauth/token", REFRESH);
        let answer = Answer::of(in_cookie(sent(request, token))).await;
        answer.oauth(400, "invalid_grant");
        assert_eq!(answer.header("set-cookie"), "");
    };
    let (alice, token) = log_in(&server, "alice").await;
    let request = form_of(&server.anon(), APP, "/oauth/revoke", "");
    let answer = Answer::of(in_cookie(sent(request, &token))).await;
    assert_eq!((answer.status, kept(&answer).as_str()), (200, ""));
    alice.get("/users/me").await.invalid_token();
    dead(&token).await;
    // The cookie is gone: so is the session.
    let request = form_of(&server.anon(), APP, "/oauth/revoke", "");
    let answer = Answer::of(in_cookie(request)).await;
    assert_eq!((answer.status, kept(&answer).as_str()), (200, ""));

    // The cookie may be of another session of the account: both end.
    let (alice, _) = log_in(&server, "alice").await;
    let (other, token) = log_in(&server, "alice").await;
    let request = alice.request(Method::POST, "/logout").header("origin", APP);
    let answer = Answer::of(in_cookie(sent(request, &token))).await;
    assert_eq!((answer.status, kept(&answer).as_str()), (204, ""));
    alice.get("/users/me").await.invalid_token();
    other.get("/users/me").await.invalid_token();
    dead(&token).await;

    // Without the header the cookie stays what it is.
    let (alice, token) = log_in(&server, "alice").await;
    let request = alice.request(Method::POST, "/logout");
    let answer = Answer::of(sent(request, &token)).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (204, ""));
}

#[tokio::test]
async fn password_change_puts_the_next_token_into_the_cookie() {
    let server = with_cookies().start().await;
    server.register("alice").await;
    let (alice, old) = log_in(&server, "alice").await;
    let change = json!({ "current_password": PASSWORD, "new_password": "amber-lantern-77" });
    let request = alice
        .request(Method::POST, "/users/me/password")
        .json(&change);
    let answer = Answer::of(in_cookie(sent(request, &old)).header("origin", APP)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.json["refresh_token"].is_null());
    let token = kept(&answer);
    for (token, status) in [(&old, 400), (&token, 200)] {
        let request = form_of(&server.anon(), APP, "/refresh", REFRESH);
        let answer = Answer::of(in_cookie(sent(request, token))).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
}

#[tokio::test]
async fn cookie_and_token_in_the_body_are_never_mixed() {
    let server = with_cookies().start().await;
    server.register("alice").await;
    let (_, token) = log_in(&server, "alice").await;
    let bob = server.user("bob").await;
    let body = bob.refresh.clone().expect("a token");
    let both = format!("{REFRESH}&refresh_token={body}");
    for path in ["/oauth/token", "/login", "/refresh"] {
        let request = || sent(form_of(&server.anon(), APP, path, &both), &token);
        for request in [request(), in_cookie(request())] {
            let answer = Answer::of(request).await;
            answer.oauth(400, "invalid_request");
            let said = answer.json["error_description"].as_str().expect("text");
            assert!(said.contains("use one of them"), "{said}");
            assert_eq!(answer.header("set-cookie"), "");
        }
    }
    let revoke = form_of(
        &server.anon(),
        APP,
        "/oauth/revoke",
        &format!("token={body}"),
    );
    let answer = Answer::of(in_cookie(sent(revoke, &token))).await;
    answer.oauth(400, "invalid_request");
    let logout = bob.request(Method::POST, "/logout");
    let logout = logout.json(&json!({ "refresh_token": body }));
    let answer = Answer::of(in_cookie(sent(logout, &token))).await;
    answer.names(400, "malformed-request", "refresh_token");
    // Nothing was used or ended.
    assert_eq!(bob.get("/users/me").await.status, 200);
    bob.refreshed().await;
    let request = form_of(&server.anon(), APP, "/refresh", REFRESH);
    let answer = Answer::of(in_cookie(sent(request, &token))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn cookie_that_is_not_allowed_is_refused_and_one_that_is_sent_ignored() {
    let server = with_app().start().await;
    server.register("alice").await;
    let login = format!("grant_type=password&username=alice&password={PASSWORD}");
    for (path, form) in [
        ("/oauth/token", login.as_str()),
        ("/login", &login),
        ("/refresh", REFRESH),
        ("/oauth/revoke", ""),
    ] {
        let request = form_of(&server.anon(), APP, path, form);
        let answer = Answer::of(in_cookie(sent(request, "rt_x"))).await;
        answer.oauth(400, "invalid_request");
        let said = answer.json["error_description"].as_str().expect("text");
        assert!(said.contains("ALLOW_COOKIES is off"), "{path}: {said}");
        assert_eq!(answer.header("set-cookie"), "");
    }
    let alice = server.login("alice", PASSWORD).await;
    let token = alice.refresh.as_deref().expect("a token");
    let request = form_of(
        &server.anon(),
        APP,
        "/refresh",
        &format!("refresh_token={token}"),
    );
    assert_eq!(Answer::of(sent(request, "rt_x")).await.status, 200);
}

#[tokio::test]
async fn cookie_is_for_pages_of_the_public_url() {
    let server = Server::builder()
        .env("ALLOW_COOKIES", "on")
        .env("PUBLIC_URL", "https://auth.example.com")
        .start()
        .await;
    server.register("alice").await;
    let form = format!("username=alice&password={PASSWORD}");
    let foreign = form_of(&server.anon(), &server.api, "/login", &form);
    let answer = Answer::of(in_cookie(foreign)).await;
    answer.oauth(403, "invalid_request");
    let own = form_of(&server.anon(), "https://auth.example.com", "/login", &form);
    let answer = Answer::of(in_cookie(own)).await;
    assert!(kept(&answer).starts_with("rt_"));
}
