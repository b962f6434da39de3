//! Stored hashes are renewed with the current parameters.

use futures_util::future::join_all;

use crate::harness::{Metrics, PASSWORD, Server};

fn rehashes(metrics: &Metrics, outcome: &str) -> f64 {
    metrics.sum("auth_password_rehashes_total", &[("outcome", outcome)])
}

/// A server with these accounts, whose hashes are weaker than its current parameters.
async fn with_outdated(names: &[&str]) -> Server {
    let server = Server::builder().env("HASH_ITERATIONS", "1").start().await;
    for name in names {
        assert_eq!(server.register(name).await.status, 201);
    }
    let stronger = Server::builder().env("HASH_ITERATIONS", "2");
    stronger.dir(server.stop().await).start().await
}

#[tokio::test]
async fn login_rehashes_outdated_password_hash_once() {
    let server = with_outdated(&["alice"]).await;
    let wrong = server.anon().login("alice", "wrong-password").await;
    wrong.oauth(400, "invalid_grant");
    assert_eq!(rehashes(&server.metrics().await, "success"), 0.0);
    for _ in 0..3 {
        server.login("alice", PASSWORD).await;
        assert_eq!(rehashes(&server.metrics().await, "success"), 1.0);
    }
    assert_eq!(rehashes(&server.metrics().await, "failure"), 0.0);
    let same = Server::builder().env("HASH_ITERATIONS", "2");
    let server = same.dir(server.stop().await).start().await;
    server.login("alice", PASSWORD).await;
    assert_eq!(rehashes(&server.metrics().await, "success"), 0.0);
}

#[tokio::test]
async fn concurrent_logins_all_succeed_while_one_rehashes() {
    let names = ["alice", "bob", "carol"];
    let server = with_outdated(&names).await;
    for name in names {
        let logins = (0..20).map(|_| server.login(name, PASSWORD));
        for client in join_all(logins).await {
            assert_eq!(client.get("/users/me").await.status, 200);
        }
    }
    let metrics = server.metrics().await;
    assert_eq!(
        metrics.sum("auth_logins_total", &[("outcome", "success")]),
        60.0
    );
    assert_eq!(
        metrics.sum("auth_logins_total", &[("outcome", "failure")]),
        0.0
    );
    // Only stored hashes are counted, not discarded ones.
    assert_eq!(rehashes(&metrics, "success"), 3.0);
}
