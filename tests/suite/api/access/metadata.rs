//! The metadata of the decision point, and the addresses in it.

use serde_json::{Value, json};
use testkit::ports::free_port;

use crate::harness::{Answer, Server, http};
use crate::nginx::Nginx;

const PATH: &str = "/.well-known/authzen-configuration";

/// The metadata of a server with this `PUBLIC_URL`.
async fn of(public_url: &str) -> (Server, Value) {
    let server = Server::builder()
        .env("PUBLIC_URL", public_url)
        .start()
        .await;
    let answer = server.anon().get(PATH).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    (server, answer.json)
}

#[tokio::test]
async fn metadata_names_what_is_there_and_no_more() {
    let base = "https://pdp.example.com";
    let (server, found) = of(base).await;
    assert_eq!(found["policy_decision_point"], base);
    for name in ["access_evaluation_endpoint", "access_evaluations_endpoint"] {
        assert!(found[name].is_string(), "{name}: {found}");
    }
    for (name, url) in found.as_object().expect("an object") {
        let Some(path) = url.as_str().and_then(|url| url.strip_prefix(base)) else {
            panic!("{name}: {url}");
        };
        if name != "policy_decision_point" {
            // A GET finds the path.
            let answer = server.anon().get(path).await;
            answer.problem(405, "method-not-allowed");
        }
    }
}

#[tokio::test]
async fn addresses_are_below_the_path_of_the_public_url() {
    let (_, found) = of("https://example.com/auth/").await;
    assert_eq!(found["policy_decision_point"], "https://example.com/auth");
    assert_eq!(
        found["access_evaluation_endpoint"],
        "https://example.com/auth/access/v1/evaluation"
    );
}

#[tokio::test]
async fn without_an_https_address_there_is_no_metadata() {
    let with_http = Server::builder().env("PUBLIC_URL", "http://auth.example.com");
    for server in [Server::start().await, with_http.start().await] {
        let answer = server.anon().get(PATH).await;
        answer.problem(404, "not-found");
        let detail = answer.json["detail"].as_str().expect("a sentence");
        assert!(detail.contains("PUBLIC_URL"), "{detail}");
    }
}

#[tokio::test]
#[ignore = "needs nginx: scripts/test"]
async fn proxy_maps_the_address_that_the_standard_gives_a_service_under_a_path() {
    let published = include_str!("../../../../docs/nginx-path.conf");
    let (server, found) = of("https://example.com/auth").await;
    let port = free_port();
    let upstream = server.api.trim_start_matches("http://");
    let locations = published.replace("127.0.0.1:8000", upstream);
    let site = format!("server {{ listen 127.0.0.1:{port};\n{locations} }}");
    let nginx = Nginx::start(&server.path(), port, &site, "/auth/health").await;
    for path in [format!("{PATH}/auth"), format!("/auth{PATH}")] {
        let answer = Answer::of(http().get(format!("{}{path}", nginx.base))).await;
        assert_eq!((answer.status, &answer.json), (200, &found), "{path}");
    }
    let answer = Answer::of(http().get(format!("{}{PATH}", nginx.base))).await;
    assert_eq!((answer.status, answer.json), (404, json!(null)));
}
