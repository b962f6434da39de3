//! Requests that cost more than others have limits of their own.

use reqwest::{Method, header};
use serde_json::json;

use super::{decisions, from, limits};
use crate::harness::{Answer, PASSWORD};

const HOME: &str = "192.0.2.1";
const OFFICE: &str = "192.0.2.2";

#[tokio::test]
async fn what_administrators_do_to_accounts_is_rate_limited_by_administrator() {
    let server = limits(&[("ADMIN_ACCOUNT", "4/1h")]).start().await;
    let alice = server.user("alice").await;
    let admin = server.admin().await;
    let id = alice.id().await;
    // Who may not does not count, nor what is not done to accounts.
    for _ in 0..6 {
        alice.get("/admin/users").await.problem(403, "forbidden");
        for path in ["/users/me", "/admin-only"] {
            assert_eq!(admin.get(path).await.status, 200, "{path}");
        }
    }
    let role = format!("/admin/users/{id}/roles/admin");
    assert_eq!(admin.get("/admin/users").await.status, 200);
    assert_eq!(admin.get(&format!("/admin/users/{id}")).await.status, 200);
    assert_eq!(admin.put(&role).await.status, 204);
    let unknown = admin.get("/admin/users/00000000-0000-7000-8000-000000000000");
    assert_eq!(unknown.await.status, 404);
    // In another session as well.
    for admin in [&admin, &server.admin().await] {
        let account = json!({ "username": "bob", "email": "bob@example.com" });
        let refused = admin.post("/admin/users", &account).await;
        refused.limited("admin", "account");
        admin.get("/admin/users").await.limited("admin", "account");
        admin.delete(&role).await.limited("admin", "account");
        assert_eq!(admin.get("/users/me").await.status, 200);
    }
    // Another administrator has a limit of their own.
    assert_eq!(alice.get("/admin/users").await.status, 200);
    let metrics = server.metrics().await;
    assert_eq!(decisions(&metrics, "admin", "allow"), 5.0);
    assert_eq!(decisions(&metrics, "admin", "deny"), 6.0);
    let found = alice.get("/admin/users?search=bob").await;
    assert_eq!(found.json["items"], json!([]));
}

#[tokio::test]
async fn pages_of_the_documentation_are_rate_limited_by_source() {
    let server = limits(&[("PAGES_SOURCE", "3/1h")]).start().await;
    let get = async |address: &str, path: &str| {
        Answer::of(from(address, server.anon().request(Method::GET, path))).await
    };
    for path in ["/docs", "/openapi.json"] {
        assert_eq!(get(HOME, path).await.status, 200, "{path}");
    }
    let head = server.anon().request(Method::HEAD, "/redoc");
    assert_eq!(Answer::of(from(HOME, head)).await.status, 200);
    for path in ["/docs", "/redoc", "/openapi.json", "/openapi.yaml"] {
        get(HOME, path).await.limited("pages", "source");
    }
    // What a browser has already costs as little, and is refused nevertheless: nobody asks so often.
    let again = server.anon().request(Method::GET, "/docs");
    let again = again.header(header::IF_NONE_MATCH, "\"anything\"");
    Answer::of(from(HOME, again))
        .await
        .limited("pages", "source");
    // Other pages, other addresses are not affected.
    for path in ["/", "/health", "/.well-known/jwks.json"] {
        assert_eq!(get(HOME, path).await.status, 200, "{path}");
    }
    assert_eq!(get(OFFICE, "/docs").await.status, 200);
    let metrics = server.metrics().await;
    assert_eq!(decisions(&metrics, "pages", "allow"), 4.0);
    assert_eq!(decisions(&metrics, "pages", "deny"), 5.0);
}

#[tokio::test]
async fn lists_of_ones_sessions_are_rate_limited_by_account() {
    let server = limits(&[("SESSIONS_ACCOUNT", "2/1h")]).start().await;
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let elsewhere = server.login("alice", PASSWORD).await;
    for alice in [&alice, &elsewhere] {
        assert_eq!(alice.get("/users/me/sessions").await.status, 200);
    }
    for alice in [&alice, &elsewhere] {
        let refused = alice.get("/users/me/sessions").await;
        refused.limited("sessions", "account");
    }
    assert_eq!(bob.get("/users/me/sessions").await.status, 200);
    // It keeps nobody from ending a session.
    assert_eq!(alice.post("/logout", &json!({})).await.status, 204);
    let metrics = server.metrics().await;
    assert_eq!(decisions(&metrics, "sessions", "allow"), 3.0);
    assert_eq!(decisions(&metrics, "sessions", "deny"), 2.0);
}
