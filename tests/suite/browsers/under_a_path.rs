//! The service under a path of another site, behind nginx, as `docs/nginx-path.conf` says.

use serde_json::Value;
use testkit::ports::free_port;

use crate::browser::Browser;
use crate::harness::{ADMIN_PASSWORD, Client, PASSWORD, Server, http};
use crate::nginx::Nginx;

const PUBLISHED: &str = include_str!("../../../docs/nginx-path.conf");

/// nginx with the published lines in front of a server that knows its path.
async fn under_a_path() -> (Server, Nginx) {
    let port = free_port();
    let server = Server::builder()
        .env("PUBLIC_URL", &format!("http://127.0.0.1:{port}/auth"))
        .env("TRUSTED_PROXIES", "127.0.0.1")
        .start()
        .await;
    let upstream = server.api.trim_start_matches("http://");
    assert_eq!(PUBLISHED.matches("127.0.0.1:8000").count(), 3);
    let locations = PUBLISHED.replace("127.0.0.1:8000", upstream);
    let site = format!("server {{ listen 127.0.0.1:{port};\n{locations} }}");
    let nginx = Nginx::start(&server.path(), port, &site, "/auth/health").await;
    (server, nginx)
}

#[tokio::test]
#[ignore = "needs nginx: scripts/test"]
async fn links_and_metadata_have_the_path() {
    let (server, nginx) = under_a_path().await;
    let issuer = format!("{}/auth", nginx.base);
    let get = async |path: &str| {
        let answer = http().get(format!("{}{path}", nginx.base)).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        answer
    };
    for path in [
        "/.well-known/oauth-authorization-server/auth",
        "/auth/.well-known/oauth-authorization-server",
        "/auth/.well-known/openid-configuration",
    ] {
        let metadata: Value = get(path).await.json().await.expect("JSON");
        assert_eq!(metadata["issuer"], issuer, "{path}");
        for endpoint in ["token_endpoint", "revocation_endpoint", "jwks_uri"] {
            let url = metadata[endpoint].as_str().expect("a URL");
            assert!(url.starts_with(&format!("{issuer}/")), "{url}");
        }
        let keys = metadata["jwks_uri"].as_str().expect("a URL");
        get(keys.strip_prefix(&nginx.base).expect("here")).await;
    }
    let document: Value = get("/auth/openapi.json").await.json().await.expect("JSON");
    assert_eq!(document["servers"][0]["url"], "/auth");
    // Every link of the start page leads somewhere under the path.
    let home = get("/auth/").await.text().await.expect("text");
    let links: Vec<_> = home.split("href=\"").skip(1).collect();
    assert!(links.len() >= 5, "{home}");
    for link in links {
        let link = link.split('"').next().expect("its end");
        assert!(!link.starts_with('/'), "{link}");
        get(&format!("/auth/{link}")).await;
    }
    let client = Client {
        base: issuer.clone(),
        ..server.anon()
    };
    let login = client.login("admin", ADMIN_PASSWORD).await;
    let admin = client.with(&login.json);
    admin.refreshed().await.id().await;
    client
        .login("nobody", PASSWORD)
        .await
        .oauth(400, "invalid_grant");
}

#[tokio::test]
#[ignore = "needs nginx and Chromium: scripts/test"]
async fn authorize_and_try_it_work_under_the_path() {
    let (_server, nginx) = under_a_path().await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/auth/docs", nginx.base)).await;
    browser.authorize("admin", ADMIN_PASSWORD).await;
    let (status, body) = browser.try_out("Account", "readMe").await;
    assert!(status.contains("200"), "{status}");
    assert!(body.contains("admin@example.com"), "{body}");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.screenshot("under_a_path").await;
}
