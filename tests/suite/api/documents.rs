//! The pages and documents: content codings, validators, and where they are served.

use std::io::Read as _;

use flate2::read::GzDecoder;
use reqwest::{Method, Response, StatusCode};

use crate::document::PAGES;
use crate::harness::{Answer, Client, Server};

/// The paths that `DOCS` moves.
const DOCUMENTATION: [&str; 4] = ["/docs", "/redoc", "/openapi.json", "/openapi.yaml"];

async fn ask(client: &Client, path: &str, headers: &[(&str, &str)]) -> Response {
    let request = client.request(Method::GET, path);
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    request.send().await.expect("answered")
}

fn header(response: &Response, name: &str) -> String {
    let value = response.headers().get(name);
    value.map_or_else(String::new, |value| {
        value.to_str().expect("text").to_owned()
    })
}

fn decoded(coding: &str, body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match coding {
        "" => plain.extend(body),
        "gzip" => {
            GzDecoder::new(body).read_to_end(&mut plain).expect("gzip");
        }
        "br" => brotli::BrotliDecompress(&mut &*body, &mut plain).expect("Brotli"),
        other => panic!("nobody asked for {other}"),
    }
    plain
}

#[tokio::test]
async fn page_is_served_in_the_coding_that_the_client_prefers() {
    let server = Server::start().await;
    let client = server.anon();
    for page in PAGES {
        let plain = client.get(page).await;
        assert_eq!((plain.status, plain.header("content-encoding")), (200, ""));
        for (wish, coding) in [
            ("gzip, deflate, br, zstd", "br"),
            ("gzip", "gzip"),
            ("br;q=0.2, gzip;q=0.3", "gzip"),
            ("identity, br;q=0", ""),
            ("zstd", ""),
        ] {
            let response = ask(&client, page, &[("accept-encoding", wish)]).await;
            assert_eq!(response.status(), 200);
            assert_eq!(
                header(&response, "content-encoding"),
                coding,
                "{page} {wish}"
            );
            assert_eq!(header(&response, "vary"), "accept-encoding");
            assert_eq!(
                header(&response, "content-type"),
                plain.header("content-type")
            );
            let body = response.bytes().await.expect("a body");
            assert_eq!(
                decoded(coding, &body),
                plain.text.as_bytes(),
                "{page} {wish}"
            );
            let small = plain.text.len() < 16 * 1024;
            let shrunk = body.len() * 3 < plain.text.len();
            assert!(
                small || shrunk || coding.is_empty(),
                "{page}: {} bytes",
                body.len()
            );
        }
    }
}

#[tokio::test]
async fn page_that_the_client_has_is_not_sent_again() {
    let server = Server::start().await;
    let client = server.anon();
    for page in PAGES {
        let mut tags = Vec::new();
        for coding in ["", "gzip", "br"] {
            let whole = ask(&client, page, &[("accept-encoding", coding)]).await;
            assert_eq!(header(&whole, "cache-control"), "public, max-age=300");
            let tag = header(&whole, "etag");
            assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
            let policy = header(&whole, "content-security-policy");
            for known in [&tag, &format!("\"x\", W/{tag}"), "*"] {
                let wishes = [("accept-encoding", coding), ("if-none-match", known)];
                let response = ask(&client, page, &wishes).await;
                assert_eq!(
                    response.status(),
                    StatusCode::NOT_MODIFIED,
                    "{page} {known}"
                );
                assert_eq!(header(&response, "etag"), tag);
                assert_eq!(header(&response, "vary"), "accept-encoding");
                assert_eq!(header(&response, "cache-control"), "public, max-age=300");
                assert_eq!(header(&response, "content-security-policy"), policy);
                assert_eq!(header(&response, "content-encoding"), "");
                assert_eq!(response.bytes().await.expect("a body").len(), 0);
            }
            // The copy in another coding is not this one.
            for other in tags.iter().chain(["\"x\"".to_owned()].iter()) {
                let wishes = [("accept-encoding", coding), ("if-none-match", other)];
                let response = ask(&client, page, &wishes).await;
                assert_eq!(response.status(), StatusCode::OK, "{page} {other}");
                assert_eq!(header(&response, "etag"), tag);
            }
            tags.push(tag);
        }
    }
}

#[tokio::test]
async fn private_answers_are_neither_kept_nor_validated() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for path in ["/users/me", "/admin/users", "/users/me/sessions"] {
        let wishes = [("accept-encoding", "gzip, br"), ("if-none-match", "*")];
        let response = ask(&admin, path, &wishes).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(header(&response, "cache-control"), "no-store", "{path}");
        assert_eq!(header(&response, "etag"), "", "{path}");
        assert_eq!(header(&response, "content-encoding"), "", "{path}");
    }
}

async fn found(client: &Client) -> Vec<u16> {
    let mut statuses = Vec::new();
    for path in DOCUMENTATION {
        statuses.push(client.get(path).await.status);
    }
    statuses
}

#[tokio::test]
async fn docs_option_says_where_the_documentation_is() {
    for (docs, on_api, on_ops) in [("on", 200, 404), ("ops", 404, 200), ("off", 404, 404)] {
        let server = Server::builder()
            .env("DOCS", docs)
            .env("PUBLIC_URL", "http://auth.example.com")
            .start()
            .await;
        let ops = Client {
            base: server.ops.clone(),
            ..server.anon()
        };
        assert_eq!(found(&server.anon()).await, [on_api; 4], "{docs}");
        assert_eq!(found(&ops).await, [on_ops; 4], "{docs}");
        let home = server.anon().get("/").await;
        assert_eq!(home.status, 200);
        assert_eq!(home.text.contains("href=\"docs\""), docs == "on", "{docs}");
        // Errors link to it.
        let problem = server.anon().get("/problems/not-found").await;
        assert_eq!(problem.status, 200, "{docs}");
        let said = match docs {
            "on" => format!("documentation  {}/docs", server.api),
            "ops" => format!("documentation  {}/docs", server.ops),
            _ => "documentation  not served (DOCS=off)".to_owned(),
        };
        assert!(server.greeting.contains(&said), "{}", server.greeting);
        assert!(!server.greeting.contains("public:"), "{}", server.greeting);
        if docs == "ops" {
            // The document is served on another listener than the API.
            let document = ops.get("/openapi.json").await.json;
            assert_eq!(document["servers"][0]["url"], "http://auth.example.com");
        }
        if docs != "on" {
            Answer::of(server.anon().request(Method::POST, "/docs"))
                .await
                .problem(404, "not-found");
        }
    }
}

#[tokio::test]
async fn start_says_that_the_documentation_is_public() {
    let server = Server::builder()
        .env("PUBLIC_URL", "https://auth.example.com")
        .start()
        .await;
    let said = "public: everyone can read https://auth.example.com/docs, \
                https://auth.example.com/redoc (DOCS=ops or DOCS=off hides it)";
    assert!(server.greeting.contains(said), "{}", server.greeting);
}
