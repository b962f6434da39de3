//! The metadata (RFC 8414), and the addresses in it.

use rbac_sentinel::testing::rbac::Permission;
use serde_json::{Value, json};

use crate::harness::{Answer, Server};

const PATHS: [&str; 2] = [
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
];

async fn metadata(server: &Server) -> Value {
    let mut found = Vec::new();
    for path in PATHS {
        let answer = server.anon().get(path).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(
            answer
                .header("content-type")
                .starts_with("application/json")
        );
        assert_eq!(answer.header("cache-control"), "public, max-age=300");
        found.push(answer.json);
    }
    assert_eq!(found[0], found[1], "the same under both names");
    found.remove(0)
}

/// The claims of an access token, unverified.
fn issuer_of(token: &str) -> Value {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).expect("three parts");
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let claims = engine.decode(payload).expect("base64url");
    serde_json::from_slice::<Value>(&claims).expect("JSON")["iss"].clone()
}

#[tokio::test]
async fn metadata_says_what_is_true_and_no_more() {
    let server = Server::start().await;
    let found = metadata(&server).await;
    let issuer = &server.api;
    let scopes: Vec<_> = Permission::ALL.iter().map(|one| one.name()).collect();
    let expected = json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}/oauth/token"),
        "revocation_endpoint": format!("{issuer}/oauth/revoke"),
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "grant_types_supported": ["password", "refresh_token"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "scopes_supported": scopes,
        "service_documentation": format!("{issuer}/docs"),
    });
    assert_eq!(found, expected);
    let admin = server.admin().await;
    let token = admin.access.as_deref().expect("a token");
    assert_eq!(issuer_of(token), issuer.as_str());
    // The addresses lead somewhere: a GET finds the path.
    for (member, status) in [
        ("token_endpoint", 405),
        ("revocation_endpoint", 405),
        ("jwks_uri", 200),
        ("service_documentation", 200),
    ] {
        let url = found[member].as_str().expect("an address");
        let answer = Answer::of(crate::harness::http().get(url)).await;
        assert_eq!(answer.status, status, "{url}");
    }
}

#[tokio::test]
async fn metadata_leaves_out_what_is_off() {
    let server = Server::builder()
        .env("SIGNING_ALG", "HS256")
        .env("HS256_KEY", "0123456789abcdefghijklmnopqrstuv")
        .env("DOCS", "off")
        .start()
        .await;
    let found = metadata(&server).await;
    assert_eq!(found["jwks_uri"], Value::Null, "nobody else verifies them");
    assert_eq!(found["service_documentation"], Value::Null);
}

#[tokio::test]
async fn issuer_with_a_path_has_its_endpoints_below_it() {
    let server = Server::builder()
        .env("PUBLIC_URL", "https://example.com/auth/")
        .start()
        .await;
    let found = metadata(&server).await;
    assert_eq!(found["issuer"], "https://example.com/auth");
    assert_eq!(
        found["token_endpoint"],
        "https://example.com/auth/oauth/token"
    );
    let admin = server.admin().await;
    let token = admin.access.as_deref().expect("a token");
    assert_eq!(issuer_of(token), "https://example.com/auth");
    // The document leads below the path, too, wherever its reader got it from.
    let document = server.anon().get("/openapi.json").await.json;
    assert_eq!(document["servers"][0]["url"], "/auth");
    let flow = &document["components"]["securitySchemes"]["session"]["flows"]["password"];
    for url in ["tokenUrl", "refreshUrl"] {
        assert_eq!(flow[url], "/auth/oauth/token");
    }
}
