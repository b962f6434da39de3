//! Invalid tokens, at every operation.

use std::collections::BTreeMap;

use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::{Access, Faults, admitted_fault, challenge_fault};
use crate::document::{Operation, operations};
use crate::forger::{forgeries, hs256, read};
use crate::harness::{Answer, Server};

fn guarded(operation: &Operation) -> bool {
    operation.access() != Access::Public
}

/// The number of verifications by result.
async fn verifications(server: &Server) -> BTreeMap<String, f64> {
    server
        .scrape()
        .await
        .of("auth_token_verifications_total")
        .map(|series| (series.label("reason").to_owned(), series.value))
        .collect()
}

#[tokio::test]
async fn forged_token_gets_401_from_every_operation_and_is_counted_by_reason() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let token = admin.access.clone().expect("logged in");
    let operations = operations();
    let mut faults = Faults::default();
    let mut expected = verifications(&server).await;
    for forged in forgeries(&server, &token).await {
        let client = server.anon().token(&forged.token);
        if forged.reason.is_empty() {
            let answer = client.get("/admin-only").await;
            assert_eq!(answer.status, 200, "{}: {}", forged.what, answer.text);
            *expected.get_mut("none").expect("counted") += 1.0;
            continue;
        }
        for operation in &operations {
            let answer = Answer::of(operation.request(&client)).await;
            let fault = if guarded(operation) {
                *expected.get_mut(forged.reason).expect("counted") += 1.0;
                challenge_fault(&answer, Some("invalid_token"))
            } else {
                // Public operations ignore the token, so that an old one locks no client out.
                admitted_fault(&answer)
            };
            faults.note(operation, forged.what, fault);
        }
    }
    assert_eq!(verifications(&server).await, expected);
}

#[tokio::test]
async fn signed_token_without_the_claims_of_an_access_token_is_rejected() {
    let key = "a-shared-key-of-more-than-32-bytes";
    let server = Server::builder()
        .env("SIGNING_ALG", "HS256")
        .env("HS256_KEY", key)
        .start()
        .await;
    let admin = server.admin().await;
    let (header, claims) = read(admin.access.as_deref().expect("logged in"));
    let set = |value: &Value, name: &str, to: Value| {
        let mut value = value.clone();
        value[name] = to;
        value
    };
    let without = |value: &Value, name: &str| {
        let mut value = value.clone();
        value.as_object_mut().expect("an object").remove(name);
        value
    };
    let control = server.anon().token(&hs256(key, &header, &claims));
    assert_eq!(control.get("/admin-only").await.status, 200);

    let cases = [
        (
            "type JWT",
            set(&header, "typ", json!("JWT")),
            claims.clone(),
        ),
        ("no type", without(&header, "typ"), claims.clone()),
        ("no key id", without(&header, "kid"), claims.clone()),
        (
            "an extension that must be understood",
            set(&header, "crit", json!(["exp"])),
            claims.clone(),
        ),
        (
            "alg HS512",
            set(&header, "alg", json!("HS512")),
            claims.clone(),
        ),
        ("no expiry", header.clone(), without(&claims, "exp")),
        ("no audience", header.clone(), without(&claims, "aud")),
        ("no issuer", header.clone(), without(&claims, "iss")),
        ("no subject", header.clone(), without(&claims, "sub")),
        ("no session", header.clone(), without(&claims, "sid")),
        (
            "an expiry in words",
            header.clone(),
            set(&claims, "exp", json!("never")),
        ),
    ];
    let mut faults = Faults::default();
    let operations = operations();
    for (what, header, claims) in cases {
        let client = server.anon().token(&hs256(key, &header, &claims));
        for operation in operations.iter().filter(|operation| guarded(operation)) {
            let answer = Answer::of(operation.request(&client)).await;
            let fault = challenge_fault(&answer, Some("invalid_token"));
            faults.note(operation, what, fault);
        }
    }
}

#[tokio::test]
async fn token_is_accepted_only_as_single_bearer_in_the_authorization_header() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let token = admin.access.clone().expect("logged in");
    let bearer = format!("Bearer {token}");
    let elsewhere: [(&str, Vec<(&str, String)>); 7] = [
        (
            "two headers",
            vec![
                ("authorization", bearer.clone()),
                ("authorization", bearer.clone()),
            ],
        ),
        (
            "another scheme",
            vec![("authorization", "Basic YWRtaW46cGFzc3dvcmQ=".to_owned())],
        ),
        (
            "the token as Basic",
            vec![("authorization", format!("Basic {token}"))],
        ),
        ("the token alone", vec![("authorization", token.clone())]),
        (
            "the scheme alone",
            vec![("authorization", "Bearer ".to_owned())],
        ),
        (
            "a cookie",
            vec![("cookie", format!("access_token={token}"))],
        ),
        (
            "a header of its own",
            vec![("x-access-token", token.clone())],
        ),
    ];
    let mut faults = Faults::default();
    for operation in operations() {
        let access = operation.access();
        for (what, headers) in &elsewhere {
            let sent = headers
                .iter()
                .any(|(name, _)| *name == AUTHORIZATION.as_str());
            let mut request = operation.request(&server.anon());
            for (name, value) in headers {
                request = request.header(*name, value);
            }
            let answer = Answer::of(request).await;
            let fault = match access {
                Access::Public => admitted_fault(&answer),
                Access::MaybeAuthenticated if !sent => admitted_fault(&answer),
                _ => challenge_fault(&answer, None),
            };
            faults.note(&operation, what, fault);
        }
        let request = operation.request(&server.anon());
        let request = request.query(&[("access_token", &token)]);
        let answer = Answer::of(request).await;
        let fault = match access {
            Access::Needs(_) => challenge_fault(&answer, None),
            Access::Public | Access::MaybeAuthenticated => admitted_fault(&answer),
        };
        faults.note(&operation, "the query string", fault);
    }
}

#[tokio::test]
async fn bearer_scheme_is_case_insensitive() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let token = admin.access.clone().expect("logged in");
    for scheme in ["bearer", "BEARER", "Bearer"] {
        let request = server.anon().request(reqwest::Method::GET, "/admin-only");
        let answer = Answer::of(request.header(AUTHORIZATION, format!("{scheme} {token}"))).await;
        assert_eq!(answer.status, 200, "{scheme}");
    }
}
