//! PostgreSQL is restarted, and the service's connections with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sqlx::{Connection as _, Executor as _};

use super::postgres::{builder, errors, seen};
use super::{PAUSE, log_in, patient, sign_up};
use crate::harness::throwaway;
use crate::harness::{PATIENCE, Server, postgres, until};

/// The grace period, for refreshes whose answer was lost: the longest that can be configured.
const GRACE: Duration = Duration::from_mins(1);

/// Refreshes repeatedly until `stop` is set. Counts successes and refusals.
async fn keep_refreshing(server: &Server, name: &str, stop: &AtomicBool) -> (u64, u64) {
    let mut client = sign_up(server, name).await;
    let (mut done, mut refused) = (0, 0);
    loop {
        // At the end the last acknowledged token, or its replay, still works.
        let last = stop.load(Ordering::SeqCst);
        let start = Instant::now();
        let (answer, times) = patient(async || client.refresh().await).await;
        refused += times;
        if answer.status == 400 && times > 0 && start.elapsed() > GRACE {
            // On a slow machine the restart took longer than the grace period.
            client = log_in(server, name).await;
        } else {
            assert_eq!(answer.status, 200, "{}", answer.text);
            client = client.with(&answer.json);
            done += 1;
        }
        if last {
            return (done, refused);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn postgresql_restart_under_load_costs_only_503s() {
    let database = throwaway::postgres();
    let builder = builder(&database).env("REFRESH_GRACE", &format!("{}s", GRACE.as_secs()));
    let server = Arc::new(builder.start().await);
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients: Vec<_> = (0..8)
        .map(|number| {
            let (server, stop) = (Arc::clone(&server), Arc::clone(&stop));
            let name = format!("client{number}");
            tokio::spawn(async move { keep_refreshing(&server, &name, &stop).await })
        })
        .collect();
    let refreshed = async || {
        let labels = [("outcome", "success")];
        let metrics = server.metrics().await;
        metrics.sum("auth_token_refreshes_total", &labels)
    };
    for _ in 0..2 {
        for what in ["busy", "busy again"] {
            let before = refreshed().await;
            until(what, async || {
                // A client that ends now has panicked and printed why: stop the others.
                assert!(!clients.iter().any(tokio::task::JoinHandle::is_finished));
                refreshed().await > before + 50.0
            })
            .await;
            if what == "busy" {
                database.stop().expect("stopped");
                database.start().expect("started");
            }
        }
    }
    stop.store(true, Ordering::SeqCst);
    let mut total = (0, 0);
    for client in &mut clients {
        let (done, refused) = client.await.expect("no other status");
        total = (total.0 + done, total.1 + refused);
    }
    println!("{} refreshes, {} refused with 503", total.0, total.1);
    seen(&server, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn dropped_database_connections_cost_at_most_one_request() {
    const CONNECTIONS: usize = 6;
    let database = throwaway::postgres();
    // This test is about lost requests, not about slow ones.
    let builder = builder(&database)
        .env("DB_MAX_CONNECTIONS", &CONNECTIONS.to_string())
        .env("DB_ACQUIRE_TIMEOUT", "60s")
        .env("DB_STATEMENT_TIMEOUT", "60s");
    let server = builder.start().await;
    let someone = server.user("someone").await;
    let mut other = postgres::connect(&database.url()).await;
    let pings = async || {
        let labels = [("db_query_summary", "ping")];
        let name = "db_client_operation_duration_seconds_count";
        server.metrics().await.sum(name, &labels)
    };
    let used = async || {
        let labels = [("db_client_connection_state", "used")];
        server.metrics().await.sum("db_client_connections", &labels)
    };

    // Requests that wait for a lock open every connection of the pool; then all are idle.
    let lock = "BEGIN; LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE";
    other.execute(lock).await.expect("locked");
    let waiting: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let someone = someone.clone();
            tokio::spawn(async move { someone.get("/users/me/sessions").await.status })
        })
        .collect();
    until("all in use", async || used().await >= 6.0).await;
    other.execute("ROLLBACK").await.expect("unlocked");
    for request in waiting {
        assert_eq!(request.await.expect("answered"), 200);
    }
    until("all at rest", async || used().await == 0.0).await;

    // All connections end at once, the health check's included; PostgreSQL keeps running.
    let ours = "SELECT pid FROM pg_stat_activity WHERE application_name = 'rbac-sentinel'";
    let lost: Vec<i32> = sqlx::query_scalar(ours)
        .fetch_all(&mut other)
        .await
        .expect("found");
    assert_eq!(lost.len(), CONNECTIONS + 1);
    sqlx::query("SELECT pg_terminate_backend(pid) FROM unnest($1) AS pid")
        .bind(&lost)
        .execute(&mut other)
        .await
        .expect("ended");
    let left = "SELECT pid FROM pg_stat_activity WHERE pid = ANY($1)";
    let start = Instant::now();
    while !sqlx::query_scalar::<_, i32>(left)
        .bind(&lost)
        .fetch_all(&mut other)
        .await
        .expect("asked")
        .is_empty()
    {
        assert!(start.elapsed() < PATIENCE, "they go on");
        tokio::time::sleep(PAUSE).await;
    }
    other.close().await.expect("closed");

    // Enough requests to use every connection, until the health check has noticed, too.
    let before = pings().await;
    let (mut asked, mut refused) = (0, 0);
    while asked < 3 * CONNECTIONS || pings().await < before + 3.0 {
        let answer = someone.get("/users/me/sessions").await;
        assert!([200, 503].contains(&answer.status), "{}", answer.text);
        refused += usize::from(answer.status == 503);
        asked += 1;
    }
    println!("{refused} of {asked} requests refused");
    assert!(refused <= 1, "{refused} of {asked} requests refused");
    assert_eq!(errors(&server, "down").await, 0.0);
    assert!(!server.log().contains("does not answer"));
    seen(&server, true).await;
}
