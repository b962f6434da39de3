//! Clients that run in browsers: pages of other origins, the refresh token in a cookie, and what hostile
//! pages try.

mod attacks;
mod cookies;
mod cors;
mod pages;
mod under_a_path;

use reqwest::{Method, RequestBuilder};

use crate::harness::{Answer, Builder, Client, PASSWORD, Server};

/// The origin of the tests' front end.
const APP: &str = "https://app.example.com";
/// That of somebody else.
const EVIL: &str = "https://evil.example";
/// The name of the cookie.
const COOKIE: &str = "__Host-rbac-sentinel-refresh";

/// A server whose front end is at [`APP`], without cookies.
fn with_app() -> Builder {
    Server::builder().env("CORS_ORIGINS", APP)
}

/// The same with cookies.
fn with_cookies() -> Builder {
    with_app().env("ALLOW_COOKIES", "on")
}

/// A form of a page of this origin.
fn form_of(client: &Client, origin: &str, path: &str, form: &str) -> RequestBuilder {
    client
        .request(Method::POST, path)
        .header("origin", origin)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.to_owned())
}

/// The same that says that the refresh token is in the cookie.
fn in_cookie(request: RequestBuilder) -> RequestBuilder {
    request.header("refresh-token-in", "cookie")
}

/// The same with this cookie.
fn sent(request: RequestBuilder, token: &str) -> RequestBuilder {
    request.header("cookie", format!("{COOKIE}={token}"))
}

/// The token that an answer puts into the cookie.
#[track_caller]
fn kept(answer: &Answer) -> String {
    let lines = answer.headers.get_all("set-cookie").iter();
    let mut lines = lines.filter_map(|line| line.to_str().ok()?.strip_prefix(COOKIE));
    let line = lines
        .next()
        .unwrap_or_else(|| panic!("no cookie: {answer:?}"));
    assert_eq!(lines.next(), None, "one");
    let (token, attributes) = line.split_once("; ").expect("attributes");
    let token = token.strip_prefix('=').expect("a value");
    let lasts = if token.is_empty() { 0 } else { 14 * 24 * 3600 };
    let wanted = format!("Path=/; Max-Age={lasts}; HttpOnly; SameSite=Strict; Secure");
    assert_eq!(attributes, wanted);
    token.to_owned()
}

/// Logs in from [`APP`] with the refresh token in the cookie; returns a client with the access token, and
/// the cookie's token.
async fn log_in(server: &Server, name: &str) -> (Client, String) {
    let form = format!("grant_type=password&username={name}&password={PASSWORD}");
    let request = form_of(&server.anon(), APP, "/oauth/token", &form);
    let answer = Answer::of(in_cookie(request)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.json["refresh_token"].is_null(), "{}", answer.text);
    let token = kept(&answer);
    assert!(!answer.text.contains(&token));
    (server.anon().with(&answer.json), token)
}
