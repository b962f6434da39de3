//! Pages of other origins (the Fetch standard's CORS protocol).

use reqwest::Method;
use serde_json::json;

use super::{APP, EVIL, with_app, with_cookies};
use crate::harness::{Answer, Client, Server, program};
use crate::raw::Raw;

const OPEN: [&str; 5] = [
    "/.well-known/jwks.json",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/openapi.json",
    "/openapi.yaml",
];

async fn get(client: &Client, path: &str, origin: Option<&str>) -> Answer {
    let request = client.request(Method::GET, path);
    Answer::of(match origin {
        Some(origin) => request.header("origin", origin),
        None => request,
    })
    .await
}

/// Asks whether a page of this origin may send such a request.
async fn preflight(server: &Server, path: &str, origin: &str, method: &str) -> Answer {
    let request = server.anon().request(Method::OPTIONS, path);
    let request = request
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header(
            "access-control-request-headers",
            "authorization, content-type",
        );
    Answer::of(request).await
}

/// Whether the response may be read by pages, and of which origin.
fn readable(answer: &Answer) -> &str {
    let origin = answer.header("access-control-allow-origin");
    let exposed = answer.header("access-control-expose-headers");
    assert_eq!(exposed.is_empty(), origin.is_empty(), "{answer:?}");
    origin
}

/// How often the response says that it depends on the origin.
fn varies(answer: &Answer) -> usize {
    let lines = answer.headers.get_all("vary").iter();
    let words = lines.filter_map(|line| line.to_str().ok());
    let words = words.flat_map(|line| line.split(','));
    words
        .filter(|word| word.trim().eq_ignore_ascii_case("origin"))
        .count()
}

#[tokio::test]
async fn without_origins_no_page_may_read_anything() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for origin in [APP, "null", server.api.as_str()] {
        for path in ["/users/me", "/docs", "/nothing"] {
            let answer = get(&admin, path, Some(origin)).await;
            assert_eq!((readable(&answer), varies(&answer)), ("", 0), "{path}");
        }
        let answer = preflight(&server, "/users/me", origin, "GET").await;
        assert_eq!(answer.status, 405, "{origin}");
        assert_eq!(readable(&answer), "");
    }
}

#[tokio::test]
async fn pages_of_listed_origins_read_every_response_and_others_none() {
    let server = with_app().env(
        "CORS_ORIGINS",
        "https://other.example.com,https://app.example.com",
    );
    let server = server.start().await;
    let (admin, anon) = (server.admin().await, server.anon());
    for (client, path, status) in [
        (&admin, "/users/me", 200),
        (&anon, "/users/me", 401),
        (&anon, "/nothing", 404),
        (&anon, "/login", 405),
        (&anon, "/health", 200),
        (&anon, "/docs", 200),
    ] {
        let answer = get(client, path, Some(APP)).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!((readable(&answer), varies(&answer)), (APP, 1), "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), "");
        for name in [
            "retry-after",
            "x-request-id",
            "www-authenticate",
            "etag",
            "location",
        ] {
            let exposed = answer.header("access-control-expose-headers");
            assert!(
                exposed.split(", ").any(|one| one == name),
                "{name}: {exposed}"
            );
        }
        for origin in [
            None,
            Some(EVIL),
            Some("null"),
            Some(""),
            Some("https://app.example.com.evil.example"),
        ] {
            let answer = get(client, path, origin).await;
            assert_eq!(answer.status, status, "the answer itself is the same");
            assert_eq!(
                (readable(&answer), varies(&answer)),
                ("", 1),
                "{path} {origin:?}"
            );
        }
    }
    let body = json!({ "username": "x".repeat(17_000) });
    let request = anon
        .request(Method::POST, "/register")
        .header("origin", APP);
    let answer = Answer::of(request.json(&body)).await;
    assert_eq!((answer.status, readable(&answer)), (413, APP));
}

#[tokio::test]
async fn preflight_is_answered_before_authentication_and_may_be_cached() {
    let server = with_app().start().await;
    for (path, method) in [
        ("/users/me", "GET"),
        ("/users/me", "PATCH"),
        ("/admin/users/1/roles/admin", "PUT"),
        ("/oauth/token", "POST"),
        // The request itself learns that there is no such path.
        ("/nothing/at/all", "POST"),
    ] {
        let answer = preflight(&server, path, APP, method).await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""), "{path}");
        assert_eq!((readable(&answer), varies(&answer)), (APP, 1), "{path}");
        assert_eq!(answer.header("access-control-max-age"), "7200");
        let methods = answer.header("access-control-allow-methods");
        assert!(methods.split(", ").any(|one| one == method), "{methods}");
        let headers = answer.header("access-control-allow-headers");
        for name in [
            "authorization",
            "content-type",
            "x-request-id",
            "refresh-token-in",
        ] {
            assert!(headers.split(", ").any(|one| one == name), "{headers}");
        }
        assert_eq!(answer.header("access-control-allow-credentials"), "");
        for origin in [EVIL, "null"] {
            let answer = preflight(&server, path, origin, method).await;
            assert!([404, 405].contains(&answer.status), "{}", answer.status);
            assert_eq!(readable(&answer), "");
            assert_eq!(answer.header("access-control-allow-methods"), "");
        }
    }
    // No preflight request: OPTIONS is a method like another.
    let request = server.anon().request(Method::OPTIONS, "/users/me");
    let answer = Answer::of(request.header("origin", APP)).await;
    assert_eq!((answer.status, readable(&answer)), (405, APP));
}

#[tokio::test]
async fn refusals_of_the_edge_are_readable_and_do_not_starve_preflights() {
    let limit = ("RATE_LIMIT_GENERAL", "3/1h");
    let server = with_app()
        .env("RATE_LIMITS", "on")
        .env(limit.0, limit.1)
        .start()
        .await;
    let anon = server.anon();
    for _ in 0..3 {
        assert_eq!(get(&anon, "/users/me", Some(APP)).await.status, 401);
    }
    let refused = get(&anon, "/users/me", Some(APP)).await;
    assert_eq!((refused.status, readable(&refused)), (429, APP));
    assert!(!refused.header("retry-after").is_empty());
    for _ in 0..3 {
        let answer = preflight(&server, "/users/me", APP, "GET").await;
        assert_eq!(
            answer.status, 204,
            "the other requests leave its permits alone"
        );
    }
    // A flood of them is bounded as well, and one of a foreign origin is a request like another.
    let refused = preflight(&server, "/users/me", APP, "GET").await;
    assert_eq!((refused.status, readable(&refused)), (429, APP));
    let refused = preflight(&server, "/users/me", EVIL, "GET").await;
    assert_eq!((refused.status, readable(&refused)), (429, ""));
    let metrics = server.metrics().await;
    let denied = [("limiter", "general"), ("decision", "deny")];
    assert_eq!(metrics.sum("auth_rate_limit_decisions_total", &denied), 3.0);
}

#[tokio::test]
async fn refusal_of_a_surplus_connection_is_readable() {
    let server = with_app()
        .env("MAX_CONNECTIONS_PER_SOURCE", "2")
        .start()
        .await;
    let _held = [Raw::open(&server).await, Raw::open(&server).await];
    let answer = get(&server.anon(), "/users/me", Some(APP)).await;
    assert_eq!((answer.status, readable(&answer)), (503, APP));
    assert!(!answer.header("retry-after").is_empty());
    let answer = preflight(&server, "/users/me", APP, "GET").await;
    assert_eq!((answer.status, readable(&answer)), (503, APP));
}

#[tokio::test]
async fn keys_metadata_and_document_are_open_to_every_page() {
    for server in [Server::builder(), with_cookies()] {
        let server = server.start().await;
        for path in OPEN {
            for origin in [None, Some(APP), Some(EVIL), Some("null")] {
                let answer = get(&server.anon(), path, origin).await;
                assert_eq!((answer.status, readable(&answer)), (200, "*"), "{path}");
                assert_eq!(varies(&answer), 0, "{path}: one copy in a cache is for all");
                assert_eq!(answer.header("access-control-allow-credentials"), "");
            }
            let answer = preflight(&server, path, EVIL, "GET").await;
            assert_eq!((answer.status, readable(&answer)), (204, "*"), "{path}");
            let answer = preflight(&server, path, EVIL, "POST").await;
            assert_eq!((answer.status, readable(&answer)), (405, ""), "{path}");
        }
        for path in ["/docs", "/", "/health", "/users/me"] {
            let answer = get(&server.anon(), path, Some(EVIL)).await;
            assert_eq!(readable(&answer), "", "{path}");
        }
    }
}

#[tokio::test]
async fn credentials_are_for_listed_origins_where_cookies_are_allowed() {
    let server = with_cookies().start().await;
    let answer = get(&server.anon(), "/users/me", Some(APP)).await;
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    let answer = preflight(&server, "/users/me", APP, "GET").await;
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    // The service's own pages need no permission.
    for origin in [EVIL, "null", server.api.as_str()] {
        let answer = get(&server.anon(), "/users/me", Some(origin)).await;
        assert_eq!(
            answer.header("access-control-allow-credentials"),
            "",
            "{origin}"
        );
    }
}

#[test]
fn origins_that_no_page_has_are_refused_at_the_start() {
    for (origins, reason) in [
        ("*", "the scripts of any page"),
        ("https://app.example.com,null", "sandboxed pages"),
        ("https://app.example.com/", "without a path"),
        ("https://app.example.com:443", "default port"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = program(folder.path());
        let output = command.env("CORS_ORIGINS", origins).arg("config").output();
        let output = output.expect("it runs");
        assert!(!output.status.success(), "{origins}");
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            said.contains("CORS_ORIGINS") || said.contains("--cors-origins"),
            "{said}"
        );
        assert!(said.contains(reason), "{origins}: {said}");
    }
}
