//! Forward authentication: what a proxy is told about the caller of a request that it holds.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Policy, counted};
use crate::harness::{ADMIN_PASSWORD, Answer, Builder, Client, Server};

const ORDERS: &str = "/authz/forward?permission=orders:read";

/// A server, its administrator, an account that may read orders, and one that may not.
async fn orders(builder: Builder) -> (Server, Client, Client, Client) {
    let server = builder.start().await;
    let admin = server.admin().await;
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let policy = Policy { admin: &admin };
    policy.permissions(&["orders:read", "orders:write"]).await;
    policy.role("clerk", &[], &[("orders:read", None)]).await;
    policy.give(&alice.id().await, "clerk", "").await;
    (server, admin, alice, bob)
}

#[tokio::test]
async fn caller_with_the_permission_is_admitted_and_named() {
    let (server, _, alice, bob) = orders(Server::builder()).await;
    let answer = alice.get(ORDERS).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, ""));
    assert_eq!(answer.header("x-auth-subject"), alice.id().await);
    assert_eq!(answer.header("x-auth-username"), "alice");
    assert_eq!(answer.header("x-auth-roles"), "clerk,user");
    assert_eq!(answer.header("cache-control"), "no-store");
    let head = Answer::of(alice.request(Method::HEAD, ORDERS)).await;
    assert_eq!(head.status, 200);

    for (caller, path) in [
        (&bob, ORDERS),
        (&alice, "/authz/forward?permission=orders:write"),
        (&alice, "/authz/forward?permission=orders:unheard-of"),
    ] {
        let answer = caller.get(path).await;
        answer.problem(403, "forbidden");
        let challenge = answer.header("www-authenticate");
        assert!(
            challenge.contains("error=\"insufficient_scope\""),
            "{challenge}"
        );
        for name in ["x-auth-subject", "x-auth-username", "x-auth-roles"] {
            assert_eq!(answer.header(name), "", "{name}");
        }
    }
    for (reason, expected) in [
        ("granted", 2.0),
        ("not_granted", 2.0),
        ("unknown_permission", 1.0),
    ] {
        assert_eq!(counted(&server, reason).await, expected, "{reason}");
    }
}

#[tokio::test]
async fn role_for_one_resource_admits_to_that_alone() {
    let (_server, admin, _, bob) = orders(Server::builder()).await;
    let policy = Policy { admin: &admin };
    let one = "?resource_type=orders&resource_id=7";
    policy.give(&bob.id().await, "clerk", one).await;
    for (query, status) in [
        ("&resource_id=7", 200),
        ("&resource_id=8", 403),
        ("&resource_id=%37", 200),
        ("", 403),
    ] {
        let answer = bob.get(&format!("{ORDERS}{query}")).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.text);
    }
}

#[tokio::test]
async fn caller_without_a_living_session_gets_401_with_a_challenge() {
    let (server, admin, alice, bob) = orders(Server::builder()).await;
    let stranger = server.anon().get(ORDERS).await;
    stranger.problem(401, "unauthenticated");
    assert!(stranger.header("www-authenticate").starts_with("Bearer "));
    server
        .anon()
        .token("forged")
        .get(ORDERS)
        .await
        .invalid_token();
    assert_eq!(alice.get(ORDERS).await.status, 200);
    assert_eq!(alice.post("/logout", &json!({})).await.status, 204);
    alice.get(ORDERS).await.invalid_token();
    let account = format!("/admin/users/{}", bob.id().await);
    let disabled = json!({ "disabled": true });
    assert_eq!(admin.patch(&account, &disabled).await.status, 200);
    bob.get(ORDERS).await.invalid_token();
}

#[tokio::test]
async fn revoked_role_admits_no_more() {
    let (_server, admin, alice, _) = orders(Server::builder()).await;
    assert_eq!(alice.get(ORDERS).await.status, 200);
    let role = format!("/admin/users/{}/roles/clerk", alice.id().await);
    assert_eq!(admin.delete(&role).await.status, 204);
    alice.get(ORDERS).await.problem(403, "forbidden");
    assert_eq!(admin.put(&role).await.status, 204);
    assert_eq!(alice.get(ORDERS).await.status, 200);
}

#[tokio::test]
async fn session_with_a_scope_is_not_admitted() {
    let (server, admin, _, _) = orders(Server::builder()).await;
    let policy = Policy { admin: &admin };
    policy.give(&admin.id().await, "clerk", "").await;
    assert_eq!(admin.get(ORDERS).await.status, 200);
    let form = [
        ("username", "admin"),
        ("password", ADMIN_PASSWORD),
        ("scope", "authenticated users:read"),
    ];
    let login = server.anon().form(&form).await;
    let narrow = server.anon().with(&login.json);
    let answer = narrow.get(ORDERS).await;
    answer.problem(403, "forbidden");
    let detail = answer.json["detail"].as_str().expect("a sentence");
    assert!(detail.contains("scope"), "{detail}");
}

#[tokio::test]
async fn query_that_is_no_permission_answers_400_and_names_it() {
    let (_server, _, alice, _) = orders(Server::builder()).await;
    let long = format!("/authz/forward?permission=a:{}", "b".repeat(130));
    for (path, field) in [
        ("/authz/forward", "permission"),
        ("/authz/forward?permission=", "permission"),
        ("/authz/forward?permission=orders", "permission"),
        ("/authz/forward?permission=orders:*", "permission"),
        ("/authz/forward?permission=a:b:c", "permission"),
        (&long, "permission"),
        (&format!("{ORDERS}&permission=orders:write"), "permission"),
        (&format!("{ORDERS}&resource_id="), "resource_id"),
        (&format!("{ORDERS}&resource_id=%00"), "resource_id"),
        (
            &format!("{ORDERS}&resource_id=1&resource_id=2"),
            "resource_id",
        ),
        (&format!("{ORDERS}&id=7"), "id"),
    ] {
        let answer = alice.get(path).await;
        answer.names(400, "malformed-request", field);
    }
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let answer = Answer::of(alice.request(method, ORDERS)).await;
        answer.problem(405, "method-not-allowed");
    }
}

/// The lines of the log about denials.
fn denials(server: &Server) -> Vec<Value> {
    let log = server.log();
    let lines = log.lines().filter(|line| line.contains("authz_fail"));
    let lines = lines.map(|line| serde_json::from_str(line).expect("JSON"));
    lines.collect()
}

#[tokio::test]
async fn log_names_the_original_request_if_a_trusted_proxy_does() {
    for (proxies, names) in [
        ("127.0.0.1", ["x-original-method", "x-original-uri"]),
        ("127.0.0.1", ["x-forwarded-method", "x-forwarded-uri"]),
        ("192.0.2.1", ["x-original-method", "x-original-uri"]),
    ] {
        let builder = Server::builder().env("TRUSTED_PROXIES", proxies);
        let (server, _, _, bob) = orders(builder).await;
        let request = bob
            .request(Method::GET, ORDERS)
            .header(names[0], "DELETE")
            .header(names[1], "/orders/7?token=s3cret");
        let answer = request.send().await.expect("answered");
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        let lines = denials(&server);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0]["permission"], "orders:read");
        assert_eq!(lines[0]["user"], bob.id().await);
        let (method, path) = match proxies {
            "127.0.0.1" => (json!("DELETE"), json!("/orders/7")),
            _ => (Value::Null, Value::Null),
        };
        assert_eq!((&lines[0]["method"], &lines[0]["path"]), (&method, &path));
        assert!(!server.log().contains("s3cret"));
    }
}

#[tokio::test]
async fn original_request_decides_nothing() {
    let builder = Server::builder().env("TRUSTED_PROXIES", "127.0.0.1");
    let (_server, _, alice, bob) = orders(builder).await;
    for (caller, status) in [(&alice, 200), (&bob, 403)] {
        let request = caller
            .request(Method::GET, ORDERS)
            .header("x-original-method", "GET")
            .header("x-original-uri", "/orders?permission=users:read")
            .header("x-auth-subject", alice.id().await)
            .header("x-auth-roles", "admin");
        assert_eq!(Answer::of(request).await.status, status);
    }
}
