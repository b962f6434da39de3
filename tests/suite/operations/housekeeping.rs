//! Housekeeping removes expired rows while the service runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Client, Server, until};

async fn runs(server: &Server, outcome: &str) -> f64 {
    let labels = [("outcome", outcome)];
    let metrics = server.metrics().await;
    metrics.sum("auth_housekeeping_runs_total", &labels)
}

async fn removed(server: &Server, kind: &str) -> f64 {
    let metrics = server.metrics().await;
    metrics.sum("auth_housekeeping_removed_total", &[("kind", kind)])
}

async fn last_success(server: &Server) -> f64 {
    let metrics = server.metrics().await;
    metrics.sum("auth_housekeeping_last_success_timestamp_seconds", &[])
}

/// How many refreshes were refused for this reason.
async fn refused(server: &Server, reason: &str) -> f64 {
    let metrics = server.metrics().await;
    metrics.sum("auth_token_refreshes_total", &[("reason", reason)])
}

#[tokio::test]
async fn housekeeping_deletes_expired_rows_without_disturbing_refreshes() {
    // A session that expires before the service is back.
    let server = Server::builder()
        .embedded()
        .env("SESSION_IDLE_TTL", "1ms")
        .env("SESSION_TTL", "1ms")
        .env("HOUSEKEEPING_INTERVAL", "0s")
        .start()
        .await;
    let expired = server.user("erin").await;
    let folder = server.stop().await;

    let server = Server::builder()
        .embedded()
        .dir(folder)
        .env("HOUSEKEEPING_INTERVAL", "100ms")
        .env("HOUSEKEEPING_RETENTION", "1s")
        .env("REFRESH_GRACE", "0s")
        .start()
        .await;
    let expired = Client {
        base: server.api.clone(),
        ..expired
    };
    let idle = server.user("ida").await;
    let ended = server.user("bob").await;
    assert_eq!(ended.post("/logout", &json!({})).await.status, 204);
    let first = server.user("alice").await;
    let stop = Arc::new(AtomicBool::new(false));
    let refreshing = tokio::spawn({
        let (stop, mut alice) = (Arc::clone(&stop), first.clone());
        async move {
            while !stop.load(Ordering::SeqCst) {
                alice = alice.refreshed().await;
                alice.id().await;
            }
            alice
        }
    });
    for kind in ["expired_session", "ended_session", "refresh_token"] {
        until("removed", async || removed(&server, kind).await > 0.0).await;
    }
    until("logged", async || {
        let log = server.log();
        let lines = log
            .lines()
            .filter(|line| line.contains("housekeeping completed"));
        let lines = lines.map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        lines
            .filter_map(|line| line["removed"].as_u64())
            .any(|removed| removed > 0)
    })
    .await;
    assert_eq!(removed(&server, "expired_session").await, 1.0);
    assert_eq!(removed(&server, "ended_session").await, 1.0);
    assert_eq!(removed(&server, "signing_key").await, 0.0);
    // The token that was rotated first was removed first. It is unknown now: its use is no reuse.
    for (gone, unknown) in [(&expired, 1.0), (&ended, 2.0), (&first, 3.0)] {
        gone.refresh().await.oauth(400, "invalid_grant");
        assert_eq!(refused(&server, "unknown_token").await, unknown);
    }
    stop.store(true, Ordering::SeqCst);
    let alice = refreshing.await.expect("every refresh was good");
    alice.refreshed().await.id().await;
    idle.refreshed().await.id().await;
    assert!(last_success(&server).await > 0.0);
    assert!(runs(&server, "done").await > 0.0);
    assert_eq!(runs(&server, "failed").await, 0.0);
}

#[tokio::test]
async fn housekeeping_runs_on_one_of_two_replicas() {
    const INTERVAL: Duration = Duration::from_millis(500);
    let replica = || {
        Server::builder()
            .embedded()
            .env("HOUSEKEEPING_INTERVAL", "500ms")
    };
    let start = Instant::now();
    let one = replica().start().await;
    let data = one.path().join("data").display().to_string();
    let other = replica().env("DATA_DIR", &data).start().await;
    let done = async || runs(&one, "done").await + runs(&other, "done").await;
    until("done", async || done().await >= 6.0).await;
    // At most one run an interval, the current one included.
    let (done, intervals) = (done().await, start.elapsed().div_duration_f64(INTERVAL));
    assert!(done <= intervals + 1.0, "{done} in {intervals}");
    let elsewhere = async || runs(&one, "elsewhere").await + runs(&other, "elsewhere").await;
    until("seen by the other", async || elsewhere().await > 0.0).await;
    for server in [&one, &other] {
        until("known", async || last_success(server).await > 0.0).await;
        assert_eq!(runs(server, "failed").await, 0.0);
    }
}

#[tokio::test]
async fn housekeeping_interval_0_never_runs() {
    let without = Server::builder()
        .embedded()
        .env("HOUSEKEEPING_INTERVAL", "0s")
        .start()
        .await;
    let data = without.path().join("data").display().to_string();
    let with = Server::builder()
        .embedded()
        .env("HOUSEKEEPING_INTERVAL", "100ms")
        .env("DATA_DIR", &data)
        .start()
        .await;
    until("known", async || last_success(&without).await > 0.0).await;
    assert_eq!(runs(&without, "done").await, 0.0);
    assert!(runs(&with, "done").await > 0.0);
}
