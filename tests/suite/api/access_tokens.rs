//! Access tokens as other services see them.

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};

use crate::harness::{PASSWORD, Server};

const ISSUER: &str = "https://id.example.com";

/// Verifies a token as another service does, with issuer, audience and the published keys.
async fn verify(server: &Server, token: &str) -> Result<Value, jsonwebtoken::errors::Error> {
    let published = server.anon().get("/.well-known/jwks.json").await;
    let keys: JwkSet = serde_json::from_str(&published.text).expect("a key set");
    let header = decode_header(token)?;
    assert_eq!(header.typ.as_deref(), Some("at+jwt"));
    assert_eq!(header.alg, Algorithm::ES256);
    let key = keys.find(&header.kid.expect("a kid")).expect("published");
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&["rbac-sentinel"]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    let token = decode::<Value>(token, &DecodingKey::from_jwk(key)?, &validation)?;
    Ok(token.claims)
}

#[tokio::test]
async fn access_token_verifies_with_the_published_jwks() {
    let server = Server::builder().env("PUBLIC_URL", ISSUER).start().await;
    let alice = server.user("alice").await;
    let id = alice.id().await;
    let first = alice.access.clone().expect("a token");
    let claims = verify(&server, &first).await.expect("verifies");
    assert_eq!(claims["iss"], ISSUER);
    assert_eq!(claims["aud"], "rbac-sentinel");
    assert_eq!(claims["client_id"], "rbac-sentinel");
    assert_eq!(claims["sub"], id);
    assert_eq!(claims["roles"], json!(["user"]));
    let seconds = |name: &str| claims[name].as_i64().expect("whole seconds");
    assert_eq!(seconds("exp") - seconds("iat"), 900);
    let sessions = alice.get("/users/me/sessions").await;
    assert_eq!(claims["sid"], sessions.json["items"][0]["id"]);
    for secret in [PASSWORD, "alice"] {
        assert!(!claims.to_string().contains(secret), "{claims}");
    }

    let next = alice.refreshed().await.access.expect("a token");
    let refreshed = verify(&server, &next).await.expect("verifies");
    assert_eq!(refreshed["sid"], claims["sid"]);
    assert_ne!(refreshed["jti"], claims["jti"]);
    let other = server.login("alice", PASSWORD).await.access;
    let other = verify(&server, &other.expect("a token"))
        .await
        .expect("verifies");
    assert_ne!(other["sid"], claims["sid"]);

    let (rest, signature) = first.rsplit_once('.').expect("three parts");
    let (header, _) = rest.split_once('.').expect("three parts");
    let payload = next.split('.').nth(1).expect("three parts");
    let forged = format!("{header}.{payload}.{signature}");
    assert!(verify(&server, &forged).await.is_err());
    let answer = server.anon().token(&forged).get("/users/me").await;
    answer.invalid_token();
}

#[tokio::test]
async fn access_token_does_not_outlive_its_session() {
    let server = Server::builder()
        .env("PUBLIC_URL", ISSUER)
        .env("SESSION_TTL", "10m")
        .env("SESSION_IDLE_TTL", "10m")
        .start()
        .await;
    let alice = server.user("alice").await;
    let first = alice.access.as_deref().expect("a token");
    let first = verify(&server, first).await.expect("verifies");
    let answer = alice.refresh().await;
    let second = answer.json["access_token"].as_str().expect("a token");
    let second = verify(&server, second).await.expect("verifies");
    let seconds = |claims: &Value, name: &str| claims[name].as_i64().expect("whole seconds");
    assert_eq!(seconds(&first, "exp") - seconds(&first, "iat"), 600);
    assert_eq!(seconds(&second, "exp"), seconds(&first, "exp"));
    let left = seconds(&second, "exp") - seconds(&second, "iat");
    assert_eq!(answer.json["expires_in"], left);
}

#[tokio::test]
async fn jwks_holds_public_keys_with_their_use_and_may_be_cached() {
    let builder = Server::builder().env("JWKS_MAX_AGE", "90s");
    let server = builder.start().await;
    let answer = server.anon().get("/.well-known/jwks.json").await;
    assert_eq!(answer.status, 200);
    // A new key signs only when every cached set has it.
    assert_eq!(answer.header("cache-control"), "public, max-age=90");
    let keys = answer.json["keys"].as_array().expect("keys");
    assert_eq!(keys.len(), 1);
    for key in keys {
        assert_eq!(key["use"], "sig");
        assert_eq!(key["alg"], "ES256");
        assert_eq!(key["kty"], "EC");
        assert!(key["kid"].is_string());
        for private in ["d", "p", "q", "k"] {
            assert!(key[private].is_null(), "{key}");
        }
    }
}

#[tokio::test]
async fn tokens_survive_a_restart() {
    let server = Server::builder().env("PUBLIC_URL", ISSUER).start().await;
    let alice = server.user("alice").await;
    let builder = Server::builder().env("PUBLIC_URL", ISSUER);
    let server = builder.dir(server.stop().await).start().await;
    let mut alice = alice;
    alice.base.clone_from(&server.api);
    assert_eq!(alice.get("/users/me").await.status, 200);
    let alice = alice.refreshed().await;
    assert_eq!(alice.get("/users/me").await.status, 200);
    let access = alice.access.expect("a token");
    assert!(verify(&server, &access).await.is_ok());
}

#[tokio::test]
async fn tokens_of_another_deployment_are_rejected() {
    let (ours, theirs) = (Server::start().await, Server::start().await);
    let alice = theirs.user("alice").await;
    ours.register("alice").await;
    let access = alice.access.as_deref().expect("a token");
    ours.anon()
        .token(access)
        .get("/users/me")
        .await
        .invalid_token();
    let mut foreign = ours.anon();
    foreign.refresh.clone_from(&alice.refresh);
    foreign.refresh().await.oauth(400, "invalid_grant");
    assert_eq!(alice.get("/users/me").await.status, 200);
}

#[tokio::test]
async fn access_token_in_the_query_is_ignored() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    let token = alice.access.expect("a token");
    let path = format!("/users/me?access_token={token}");
    let answer = server.anon().get(&path).await;
    answer.problem(401, "unauthenticated");
    let challenge = answer.header("www-authenticate");
    assert!(
        challenge.starts_with("Bearer ") && !challenge.contains("error"),
        "{challenge}"
    );
    assert!(!answer.text.contains(&token), "{}", answer.text);
}
