//! Every way in which an access token can be invalid.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::json;

use super::*;
use crate::config::{Secret, SigningAlgorithm};
use crate::tokens::KeyOptions;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("a time")
}

async fn tokens() -> Tokens {
    // A key that the tests know, and these tests are the same for every algorithm.
    let keys = crate::tokens::keys::tests::keys(KeyOptions {
        algorithm: Some(SigningAlgorithm::Hs256),
        hs256_key: Some(Secret::from(KEY)),
        max_age: TimeDelta::minutes(5),
        rotation: None,
    })
    .await;
    let options = TokenOptions {
        issuer: "https://issuer".into(),
        audience: "audience".into(),
        ttl: TimeDelta::minutes(15),
        permissions: false,
    };
    Tokens::new(Arc::new(keys), options)
}

fn forge(header: &serde_json::Value, claims: &serde_json::Value) -> String {
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = jsonwebtoken::crypto::sign(
        message.as_bytes(),
        &EncodingKey::from_secret(KEY.as_bytes()),
        Algorithm::HS256,
    )
    .expect("signs");
    format!("{message}.{signature}")
}

#[tokio::test]
async fn token_verifies_until_it_expires_cached_or_not() {
    let tokens = tokens().await;
    let claims = tokens.claims(Uuid::now_v7(), Uuid::now_v7(), 0, &["user".into()], now());
    let token = tokens.sign(&claims).expect("signs");
    for _ in 0..2 {
        assert_eq!(*tokens.verify(&token, now()).await.expect("good"), claims);
    }
    let expiry = now() + TimeDelta::minutes(15);
    assert!(
        tokens
            .verify(&token, expiry - TimeDelta::seconds(1))
            .await
            .is_ok()
    );
    assert_eq!(
        tokens.verify(&token, expiry).await,
        Err(VerificationResult::Expired)
    );
}

#[expect(clippy::too_many_lines, reason = "one table of cases")]
#[tokio::test]
async fn every_invalid_token_has_its_reason() {
    let tokens = tokens().await;
    let good = tokens.claims(Uuid::now_v7(), Uuid::now_v7(), 0, &[], now());
    let claims = serde_json::to_value(&good).expect("serializes");
    let header = json!({"alg": "HS256", "typ": TYPE, "kid": "hs256"});
    assert!(tokens.verify(&forge(&header, &claims), now()).await.is_ok());

    let with = |of: &serde_json::Value, key: &str, value: serde_json::Value| {
        let mut changed = of.clone();
        changed[key] = value;
        changed
    };
    let without = |key: &str| {
        let mut changed = claims.clone();
        changed.as_object_mut().expect("an object").remove(key);
        changed
    };
    let later = json!(now().timestamp() + 60);
    let cases = HashMap::from([
        (
            "no type",
            (
                forge(&with(&header, "typ", json!("JWT")), &claims),
                VerificationResult::Malformed,
            ),
        ),
        (
            "no kid",
            (
                forge(&json!({"alg": "HS256", "typ": TYPE}), &claims),
                VerificationResult::UnknownKid,
            ),
        ),
        (
            "another kid",
            (
                forge(&with(&header, "kid", json!("x")), &claims),
                VerificationResult::UnknownKid,
            ),
        ),
        (
            "another algorithm",
            (
                forge(&with(&header, "alg", json!("HS512")), &claims),
                VerificationResult::BadSignature,
            ),
        ),
        (
            "none",
            (
                forge(&with(&header, "alg", json!("none")), &claims),
                VerificationResult::Malformed,
            ),
        ),
        (
            "a critical extension",
            (
                forge(&with(&header, "crit", json!(["b64"])), &claims),
                VerificationResult::Malformed,
            ),
        ),
        (
            "audience",
            (
                forge(&header, &with(&claims, "aud", json!("x"))),
                VerificationResult::WrongAudience,
            ),
        ),
        (
            "issuer",
            (
                forge(&header, &with(&claims, "iss", json!("x"))),
                VerificationResult::WrongIssuer,
            ),
        ),
        (
            "not before",
            (
                forge(&header, &with(&claims, "nbf", later.clone())),
                VerificationResult::NotYetValid,
            ),
        ),
        (
            "issued later",
            (
                forge(&header, &with(&claims, "iat", later)),
                VerificationResult::NotYetValid,
            ),
        ),
        (
            "no expiry",
            (
                forge(&header, &without("exp")),
                VerificationResult::Malformed,
            ),
        ),
        (
            "no audience",
            (
                forge(&header, &without("aud")),
                VerificationResult::Malformed,
            ),
        ),
        (
            "no token",
            ("no token".to_owned(), VerificationResult::Malformed),
        ),
        (
            "too long",
            ("a".repeat(MAX_LENGTH + 1), VerificationResult::Malformed),
        ),
    ]);
    for (name, (token, expected)) in cases {
        assert_eq!(tokens.verify(&token, now()).await, Err(expected), "{name}");
    }
}

#[tokio::test]
async fn tampered_token_is_rejected_with_the_original_cached() {
    let tokens = tokens().await;
    let token = tokens
        .sign(&tokens.claims(Uuid::now_v7(), Uuid::now_v7(), 0, &["user".into()], now()))
        .expect("signs");
    assert!(tokens.verify(&token, now()).await.is_ok());
    let (message, signature) = token.rsplit_once('.').expect("three parts");
    let (header, payload) = message.split_once('.').expect("three parts");
    let payload =
        String::from_utf8(URL_SAFE_NO_PAD.decode(payload).expect("base64")).expect("text");
    let payload = URL_SAFE_NO_PAD.encode(payload.replace("\"user\"", "\"admin\""));
    let forged = format!("{header}.{payload}.{signature}");
    assert_eq!(
        tokens.verify(&forged, now()).await,
        Err(VerificationResult::BadSignature)
    );
}
