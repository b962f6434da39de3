//! Signature algorithms: each works, and the published keys verify the tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::Value;

use crate::harness::{Client, Server, until};

const HS256_KEY: &str = "a-shared-key-of-more-than-thirty-two-bytes";

fn header(token: &str) -> Value {
    let head = token.split('.').next().expect("a header");
    let head = URL_SAFE_NO_PAD.decode(head).expect("base64url");
    serde_json::from_slice(&head).expect("JSON")
}

async fn keys(server: &Server) -> Vec<Value> {
    let answer = server.anon().get("/.well-known/jwks.json").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["keys"].as_array().expect("keys").clone()
}

/// Verifies as another service does, with the published key alone.
fn verify(token: &str, key: &Value) {
    let jwk: Jwk = serde_json::from_value(key.clone()).expect("a JWK");
    let algorithm = key["alg"].as_str().expect("alg").parse().expect("known");
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&["rbac-sentinel"]);
    let key = DecodingKey::from_jwk(&jwk).expect("a key");
    let claims = jsonwebtoken::decode::<Value>(token, &key, &validation);
    assert!(claims.expect("verifies").claims["sub"].is_string());
}

async fn works(server: &Server, algorithm: &str) -> Client {
    let alice = server.user("alice").await;
    let me = alice.get("/users/me").await;
    assert_eq!((me.status, &me.json["username"]), (200, &"alice".into()));
    assert_eq!(alice.refresh().await.status, 200);
    let head = header(alice.access.as_deref().expect("a token"));
    assert_eq!(head["alg"], algorithm);
    assert_eq!(head["typ"], "at+jwt");
    alice
}

async fn publishes_what_verifies(algorithm: &str, key_type: &str, members: &[&str]) {
    let server = Server::builder()
        .env("SIGNING_ALG", algorithm)
        .start()
        .await;
    let alice = works(&server, algorithm).await;
    let token = alice.access.expect("a token");
    let keys = keys(&server).await;
    assert_eq!(keys.len(), 1);
    let key = &keys[0];
    assert_eq!(key["kid"], header(&token)["kid"]);
    assert_eq!(key["kty"], key_type);
    assert_eq!(
        (&key["use"], &key["alg"]),
        (&"sig".into(), &algorithm.into())
    );
    for member in members {
        assert!(key[member].is_string(), "{member}: {key}");
    }
    for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
        assert!(key[private].is_null(), "{private} is private");
    }
    verify(&token, key);
}

#[tokio::test]
async fn eddsa_signs_and_publishes_its_key() {
    publishes_what_verifies("EdDSA", "OKP", &["crv", "x"]).await;
}

#[tokio::test]
async fn es256_signs_and_publishes_its_key() {
    publishes_what_verifies("ES256", "EC", &["crv", "x", "y"]).await;
}

#[tokio::test]
async fn rs256_signs_and_publishes_its_key() {
    publishes_what_verifies("RS256", "RSA", &["n", "e"]).await;
}

#[tokio::test]
async fn hs256_signs_and_publishes_no_key() {
    let server = Server::builder()
        .env("SIGNING_ALG", "HS256")
        .env("HS256_KEY", HS256_KEY)
        .start()
        .await;
    works(&server, "HS256").await;
    assert_eq!(keys(&server).await, Vec::<Value>::new());
    assert!(!server.log().contains(HS256_KEY));
}

#[tokio::test]
async fn changed_algorithm_is_a_rotation() {
    let builder = |algorithm| {
        Server::builder()
            .env("PUBLIC_URL", "https://auth.example.com")
            .env("SIGNING_ALG", algorithm)
            .env("JWKS_MAX_AGE", "0s")
    };
    let server = builder("EdDSA").start().await;
    let mut alice = works(&server, "EdDSA").await;
    let server = builder("ES256").dir(server.stop().await).start().await;
    alice.base.clone_from(&server.api);
    assert_eq!(alice.get("/users/me").await.status, 200);
    let published = keys(&server).await;
    let algorithms: Vec<_> = published.iter().map(|key| &key["alg"]).collect();
    assert_eq!(algorithms, ["EdDSA", "ES256"]);
    until("the new key signs", async || {
        let new = server.login("alice", crate::harness::PASSWORD).await;
        let token = new.access.expect("a token");
        let signed_by = header(&token)["alg"].clone();
        // Until then the old one does, and both verify everywhere.
        verify(
            &token,
            published
                .iter()
                .find(|key| key["alg"] == signed_by)
                .expect("published"),
        );
        signed_by == "ES256"
    })
    .await;
    verify(alice.access.as_deref().expect("a token"), &published[0]);
    assert_eq!(alice.get("/users/me").await.status, 200);
}
