//! Requests as known client libraries send them, read from their sources.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::Value;

use super::{FORM, post};
use crate::harness::{Answer, PASSWORD, Server};

/// What a client needs of an answer before it accepts its tokens.
#[track_caller]
fn accepted(answer: &Answer) -> &Value {
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(
        answer
            .header("content-type")
            .starts_with("application/json")
    );
    let text = |name: &str| {
        answer.json[name]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    };
    assert!(text("access_token") && text("refresh_token"));
    let kind = answer.json["token_type"].as_str().expect("a type");
    assert_eq!(kind.to_lowercase(), "bearer");
    assert!(
        answer.json["expires_in"]
            .as_f64()
            .is_some_and(|seconds| seconds > 0.0)
    );
    &answer.json
}

/// HTTP Basic with a client's id and secret, each encoded as in a form (RFC 6749 section 2.3.1).
fn basic(credentials: &str) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}

/// requests-oauthlib: `OAuth2Session(client=LegacyApplicationClient(...))`, `fetch_token`,
/// `refresh_token`. A client without a secret still sends HTTP Basic.
#[tokio::test]
async fn requests_oauthlib_gets_and_refreshes_tokens() {
    let server = Server::start().await;
    server.register("alice").await;
    let send = async |authorization: Option<&str>, form: String| {
        let request = server.anon().request(Method::POST, "/oauth/token");
        let request = request.header("accept", "application/json").header(
            "content-type",
            "application/x-www-form-urlencoded;charset=UTF-8",
        );
        let request = match authorization {
            Some(value) => request.header("authorization", value),
            None => request,
        };
        Answer::of(request.body(form)).await
    };
    let login = format!(
        "grant_type=password&username=alice&password={PASSWORD}&scope=authenticated&client_id=my+app"
    );
    for authorization in [
        Some(basic("my+app:")),
        Some(basic("my+app:secret")),
        Some("Basic not-base64!".to_owned()),
        None,
    ] {
        let answer = send(authorization.as_deref(), login.clone()).await;
        let tokens = accepted(&answer);
        // The library warns, and its user sees an exception, when the scope differs from what was asked.
        assert_eq!(tokens["scope"], "authenticated");
        let token = tokens["refresh_token"].as_str().expect("a token");
        let refresh = format!(
            "grant_type=refresh_token&client_id=my+app&scope=authenticated&refresh_token={token}"
        );
        let answer = send(authorization.as_deref(), refresh).await;
        accepted(&answer);
        assert_eq!(answer.header("www-authenticate"), "");
    }
    let wrong = format!("grant_type=password&username=alice&password=not-{PASSWORD}");
    let answer = send(Some(&basic("my+app:")), wrong).await;
    answer.oauth(400, "invalid_grant");
}

/// oauth4webapi: `discoveryRequest`, `genericTokenEndpointRequest`, `refreshTokenGrantRequest` and
/// `revocationRequest`, with the client authentication `None()`: the id is in the body.
#[tokio::test]
async fn oauth4webapi_discovers_gets_refreshes_and_revokes_tokens() {
    let server = Server::start().await;
    server.register("alice").await;
    let anon = server.anon();
    let metadata = anon.get("/.well-known/openid-configuration").await;
    assert_eq!(metadata.status, 200);
    assert!(
        metadata
            .header("content-type")
            .starts_with("application/json")
    );
    assert_eq!(metadata.json["issuer"], server.api.as_str());
    let send = async |endpoint: &str, form: String| {
        let url = metadata.json[endpoint].as_str().expect("an address");
        let path = url.strip_prefix(&server.api).expect("below the issuer");
        let request = anon.request(Method::POST, path);
        let request = request
            .header("accept", "application/json")
            .header("user-agent", "oauth4webapi/v3.8.0")
            .header(
                "content-type",
                "application/x-www-form-urlencoded;charset=UTF-8",
            );
        Answer::of(request.body(form)).await
    };
    let form = format!("client_id=app&username=alice&password={PASSWORD}&grant_type=password");
    let answer = send("token_endpoint", form).await;
    let token = accepted(&answer)["refresh_token"].clone();
    let token = token.as_str().expect("a token");
    let form = format!("client_id=app&refresh_token={token}&grant_type=refresh_token");
    let answer = send("token_endpoint", form).await;
    let next = anon.with(accepted(&answer));
    let form = format!(
        "client_id=app&token={}",
        next.refresh.as_deref().expect("one")
    );
    let answer = send("revocation_endpoint", form).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, ""));
    next.get("/users/me").await.invalid_token();
    // What it makes a `ResponseBodyError` of.
    let form = format!("client_id=app&refresh_token={token}&grant_type=refresh_token");
    let answer = send("token_endpoint", form).await;
    answer.oauth(400, "invalid_grant");
}

#[tokio::test]
async fn authorization_header_of_any_kind_disturbs_no_oauth_endpoint() {
    let server = Server::start().await;
    server.register("alice").await;
    let login = super::login_of("alice");
    for value in ["Basic", "Basic :", "Bearer stale", "Digest x", "\u{7f}"] {
        for (path, form) in [
            ("/oauth/token", login.as_str()),
            ("/login", &login),
            ("/oauth/revoke", "token=x"),
        ] {
            let request = server.anon().request(Method::POST, path);
            let Ok(value) = reqwest::header::HeaderValue::from_bytes(value.as_bytes()) else {
                continue;
            };
            let request = request.header("authorization", value.clone());
            let request = request.header("content-type", FORM).body(form.to_owned());
            let answer = Answer::of(request).await;
            assert_eq!(answer.status, 200, "{path} {value:?}: {}", answer.text);
        }
    }
    assert_eq!(post(&server.anon(), "/login", &login).await.status, 200);
}
