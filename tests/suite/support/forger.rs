//! Makes access tokens that a server must refuse, most of them signed with its own key.

use std::sync::Arc;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rbac_sentinel::testing::clock::Clock;
use rbac_sentinel::testing::secrets::{Purpose, Secrets, stored_secrets};
use rbac_sentinel::testing::store::{Options, PostgresOptions, SqliteOptions, Store};
use rbac_sentinel::testing::tokens::{Claims, KeyOptions, Keys, TokenOptions, Tokens};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{PATIENCE, Server, backend};

/// A token, what it is, and why it must be refused in the words of the metrics.
pub struct Forged {
    pub what: &'static str,
    pub reason: &'static str,
    pub token: String,
}

/// Header and claims of a token.
pub fn read(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| {
        let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64");
        serde_json::from_slice(&bytes).unwrap_or(Value::Null)
    });
    let mut next = || parts.next().expect("three parts");
    (next(), next())
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// The signer of a running server: its own keys, loaded from its database.
async fn signer(server: &Server) -> Tokens {
    let data = server.path().join("data");
    // Statements keep the metric handles of their first use, which may be this one.
    crate::store::recorder();
    let env = backend(&server.path()).await;
    let given = |name| env.iter().find(|(known, _)| *known == name);
    let options = match given("DATABASE_URL") {
        Some((_, url)) => Options::Postgres(PostgresOptions {
            url: url.clone(),
            max_connections: 1,
            acquire_timeout: PATIENCE,
            statement_timeout: PATIENCE,
            application_name: "forger".to_owned(),
        }),
        None => Options::Sqlite(SqliteOptions {
            url: data.join("rbac-sentinel.db").display().to_string(),
            readers: 1,
            synchronous_full: true,
            acquire_timeout: PATIENCE,
        }),
    };
    let store = Store::open(&options).await.expect("the server's database");
    let configured = given("SECRET_KEY").map(|(_, secret)| ("SECRET_KEY", secret.as_str()));
    let secrets = Secrets::of(configured.as_slice());
    let secrets = secrets.or_else(|| stored_secrets(&data).expect("readable"));
    let seals = secrets
        .expect("the server's secret")
        .seals(Purpose::SigningKeys);
    let options = KeyOptions {
        algorithm: None,
        hs256_key: None,
        max_age: TimeDelta::minutes(5),
        rotation: None,
    };
    let keys = Keys::open(
        store.clone(),
        seals.expect("derives"),
        options,
        Clock::system(),
    )
    .await
    .expect("the server's keys");
    store.close().await;
    let options = TokenOptions {
        issuer: server.api.clone(),
        audience: "rbac-sentinel".to_owned(),
        ttl: TimeDelta::minutes(15),
        permissions: false,
    };
    Tokens::new(Arc::new(keys), options)
}

/// Every forgery of `token` that the default algorithm allows for. The first is not one: the same
/// claims signed again must be accepted, or the others prove nothing.
pub async fn forgeries(server: &Server, token: &str) -> Vec<Forged> {
    let tokens = signer(server).await;
    let (header, claims) = read(token);
    let original: Claims = serde_json::from_value(claims.clone()).expect("the server's claims");
    let resigned = |change: &dyn Fn(&mut Claims)| {
        let mut claims = original.clone();
        change(&mut claims);
        tokens.sign(&claims).expect("signs")
    };
    let kid = header["kid"].as_str().expect("a key id").to_owned();
    let encoded = |algorithm: Algorithm, kid: &str, key: &EncodingKey| {
        let mut header = Header::new(algorithm);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(kid.to_owned());
        encode(&header, &original, key).expect("signs")
    };
    let random = aws_lc_rs::rand::SystemRandom::new();
    let other = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
    let other = EncodingKey::from_ec_der(other.expect("generates").as_ref());

    let (message, signature) = token.rsplit_once('.').expect("three parts");
    let (head, _) = message.split_once('.').expect("three parts");
    let mut promoted = claims.clone();
    promoted["roles"] = json!(["admin", "user"]);
    let mut unsigned = header.clone();
    unsigned["alg"] = json!("none");

    // The public key as the secret of an HMAC: accepted by a verifier that trusts `alg`.
    let jwks = server.anon().get("/.well-known/jwks.json").await.json;
    let public = jwks["keys"][0]["x"].as_str().expect("a public key");
    let public = URL_SAFE_NO_PAD.decode(public).expect("base64");
    let confused = EncodingKey::from_secret(&public);

    [
        ("the same claims signed again", "", resigned(&|_| ())),
        (
            "an expired token",
            "expired",
            resigned(&|claims| claims.exp = claims.iat - 1),
        ),
        (
            "a token of the future",
            "not_yet_valid",
            resigned(&|claims| claims.nbf = Some(claims.exp)),
        ),
        (
            "a token for another audience",
            "wrong_audience",
            resigned(&|claims| claims.aud = "somebody-else".to_owned()),
        ),
        (
            "a token of another issuer",
            "wrong_issuer",
            resigned(&|claims| claims.iss = "https://issuer.example".to_owned()),
        ),
        (
            "a token of no session",
            "revoked",
            resigned(&|claims| claims.sid = Uuid::now_v7()),
        ),
        (
            "a token of somebody else's session",
            "revoked",
            resigned(&|claims| claims.sub = Uuid::now_v7()),
        ),
        (
            "a token whose payload was changed",
            "bad_signature",
            format!("{head}.{}.{signature}", part(&promoted)),
        ),
        (
            "a token signed by another key with the same id",
            "bad_signature",
            encoded(Algorithm::ES256, &kid, &other),
        ),
        (
            "a token signed by a key that nobody knows",
            "unknown_kid",
            encoded(Algorithm::ES256, "unheard-of", &other),
        ),
        (
            "a token signed with the public key as a secret",
            "bad_signature",
            encoded(Algorithm::HS256, &kid, &confused),
        ),
        (
            "a token with alg none",
            "malformed",
            format!("{}.{}.", part(&unsigned), part(&claims)),
        ),
        (
            "a token with alg none and the old signature",
            "malformed",
            format!("{}.{}.{signature}", part(&unsigned), part(&claims)),
        ),
        (
            "a token of type JWT with the old signature",
            "malformed",
            format!(
                "{}.{}.{signature}",
                part(&json!({ "typ": "JWT", "alg": "ES256", "kid": kid })),
                part(&claims)
            ),
        ),
        ("half a token", "malformed", message.to_owned()),
        ("no token at all", "malformed", "hunter2".to_owned()),
    ]
    .map(|(what, reason, token)| Forged {
        what,
        reason,
        token,
    })
    .into()
}

/// Signs any header and claims with a shared key.
pub fn hs256(key: &str, header: &Value, claims: &Value) -> String {
    let message = format!("{}.{}", part(header), part(claims));
    let key = EncodingKey::from_secret(key.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256);
    format!("{message}.{}", signature.expect("signs"))
}
