//! A change of the policy reaches the other replica, with Redis and without it.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Replicas, Server, postgres, redis_url, until};

/// Changes a role at one replica until the other has followed several times. Prints how long that took.
async fn changes_arrive(a: &Server, b: &Server) {
    let admin = a.admin().await;
    let alice = a.user("alice").await;
    let at_b = alice.at(b);
    let path = format!("/admin/users/{}/roles/support", alice.id().await);
    let role = "/admin/roles/support";
    let with = json!({ "grants": [{ "permission": "users:read" }] });
    assert_eq!(admin.put_json(role, &json!({})).await.status, 201);
    assert_eq!(admin.put(&path).await.status, 204);
    until("the account is known there", async || {
        at_b.get("/users/me/permissions").await.status == 200
    })
    .await;
    let mut longest = Duration::ZERO;
    for (body, status) in [(&with, 200), (&json!({}), 403), (&with, 200)] {
        assert_eq!(admin.put_json(role, body).await.status, 200);
        let start = Instant::now();
        assert_eq!(
            alice.get("/admin/users").await.status,
            status,
            "at once where it was made"
        );
        until("followed", async || {
            at_b.get("/admin/users").await.status == status
        })
        .await;
        longest = longest.max(start.elapsed());
    }
    println!("followed after {longest:.1?} at most");
    let version = async |server: &Server| {
        let metrics = server.metrics().await;
        metrics.sum("auth_rbac_policy_version", &[])
    };
    assert_eq!(version(a).await, version(b).await);
    let reloads = b.metrics().await;
    assert!(reloads.sum("auth_rbac_policy_reloads_total", &[("outcome", "done")]) >= 3.0);
    // What the other replica does not know yet is not overwritten.
    let admin_at_b = admin.at(b);
    let other = admin_at_b.put_json("/admin/roles/other", &json!({})).await;
    assert_eq!(other.status, 201, "{}", other.text);
    until("both roles are known", async || {
        let known = async |name: &str| {
            let path = format!("/admin/roles/{name}");
            admin.get(&path).await.status == 200 && admin_at_b.get(&path).await.status == 200
        };
        known("support").await && known("other").await
    })
    .await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis: scripts/test"]
async fn policy_change_reaches_the_other_replica_with_redis() {
    let replicas = Replicas::on_postgres(&redis_url(), "10s").await;
    changes_arrive(&replicas.a, &replicas.b).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn policy_change_reaches_the_other_replica_without_redis() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = postgres::schema_of(folder.path()).await;
    let replica = || {
        Server::builder()
            .env("PUBLIC_URL", "http://auth.example.com")
            .on_postgres(&url)
            .start()
    };
    let (a, b) = (replica().await, replica().await);
    changes_arrive(&a, &b).await;
}
