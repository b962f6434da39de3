//! Redis stops, hangs and comes back. Meanwhile limits are counted in process, and principals come from the
//! database.

use std::time::{Duration, Instant};

use crate::harness::throwaway;
use crate::harness::{Builder, Client, Intruder, PASSWORD, Server, http, until};
use testkit::redis::Redis;
use tokio::net::TcpListener;

/// A server whose limits, counted in this Redis, are never reached.
fn builder(redis: &Redis) -> Builder {
    let builder = Server::builder()
        .env("REDIS_URL", &redis.url())
        .env("REDIS_TIMEOUT", "250ms")
        .env("RATE_LIMITS", "on");
    ["REGISTER", "LOGIN", "REFRESH"]
        .into_iter()
        .flat_map(|limiter| ["SOURCE", "ACCOUNT"].map(|what| (limiter, what)))
        .fold(builder, |builder, (limiter, what)| {
            builder.env(&format!("RATE_LIMIT_{limiter}_{what}"), "100000/1m")
        })
}

/// One request of each kind; all must succeed. Gives the time of the slowest.
async fn everything(server: &Server, someone: &mut Client, name: &str) -> Duration {
    let mut slowest = Duration::ZERO;
    for step in 0..5 {
        let start = Instant::now();
        let (answer, wanted) = match step {
            0 => (someone.get("/users/me").await, 200),
            1 => (server.anon().login("someone", PASSWORD).await, 200),
            2 => (server.register(name).await, 201),
            3 => (someone.get("/users/me/sessions").await, 200),
            _ => (someone.refresh().await, 200),
        };
        slowest = slowest.max(start.elapsed());
        assert_eq!(answer.status, wanted, "{}", answer.text);
        if step == 4 {
            *someone = someone.with(&answer.json);
        }
    }
    slowest
}

async fn up(server: &Server) -> bool {
    let labels = [("dependency", "redis")];
    server.metrics().await.sum("auth_dependency_up", &labels) > 0.0
}

async fn decided(server: &Server, backend: &str) -> f64 {
    let labels = [("backend", backend), ("limiter", "login")];
    server
        .metrics()
        .await
        .sum("auth_rate_limit_decisions_total", &labels)
}

async fn ready(server: &Server) -> u16 {
    let answer = http().get(format!("{}/readyz", server.ops)).send().await;
    answer.expect("answered").status().as_u16()
}

/// Asserts that limits are counted in this backend.
async fn counts_in(server: &Server, backend: &str) {
    // While Redis is slow, limits may be counted in process for a moment.
    until(backend, async || {
        let before = decided(server, backend).await;
        server.login("someone", PASSWORD).await;
        let now = decided(server, backend).await;
        assert!(now - before <= 1.0, "in {backend}");
        now > before
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: scripts/test"]
async fn stopped_redis_fails_no_request_and_is_used_again() {
    let mut redis = throwaway::redis();
    let server = builder(&redis).start().await;
    until("connected", async || up(&server).await).await;
    let mut someone = server.user("someone").await;
    counts_in(&server, "redis").await;
    redis.stop().expect("stopped");
    let mut slowest = Duration::ZERO;
    for round in 0..5 {
        slowest = slowest.max(everything(&server, &mut someone, &format!("new{round}")).await);
    }
    println!("Redis stopped: the slowest request took {slowest:?}");
    until("seen", async || !up(&server).await).await;
    counts_in(&server, "local").await;
    let metrics = server.metrics().await;
    for action in ["local_limits", "principal_from_database"] {
        let labels = [("dependency", "redis"), ("action", action)];
        assert!(
            metrics.sum("auth_dependency_fallbacks_total", &labels) > 0.0,
            "{action}"
        );
    }
    assert_eq!(ready(&server).await, 200, "it can do without");
    assert_eq!(
        someone.post("/logout", &serde_json::json!({})).await.status,
        204
    );
    someone.get("/users/me").await.invalid_token();
    let labels = [("dependency", "redis"), ("action", "invalidation_lost")];
    let metrics = server.metrics().await;
    assert!(metrics.sum("auth_dependency_fallbacks_total", &labels) > 0.0);

    redis.start().expect("started");
    until("seen again", async || up(&server).await).await;
    counts_in(&server, "redis").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: scripts/test"]
async fn hanging_redis_costs_one_timeout_in_all() {
    let redis = throwaway::redis();
    let server = builder(&redis).start().await;
    until("connected", async || up(&server).await).await;
    let mut someone = server.user("someone").await;
    let timeouts = async || {
        let labels = [("db_system_name", "redis"), ("error_type", "timeout")];
        let metrics = server.metrics().await;
        metrics.sum("db_client_operation_errors_total", &labels)
    };
    let before = timeouts().await;
    redis.hang().expect("it runs");
    let mut slowest = Duration::ZERO;
    for round in 0..10 {
        slowest = slowest.max(everything(&server, &mut someone, &format!("new{round}")).await);
    }
    println!("Redis hung: the slowest of 50 requests took {slowest:?}");
    // The probe may be waiting when a request is.
    let waited = timeouts().await - before;
    assert!(waited <= 2.0, "{waited} waits for 50 requests");
    until("seen", async || !up(&server).await).await;
    assert_eq!(ready(&server).await, 200);

    redis.resume().expect("it runs");
    until("seen again", async || up(&server).await).await;
    counts_in(&server, "redis").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: scripts/test"]
async fn service_starts_without_redis_and_finds_it_later() {
    let mut redis = throwaway::absent_redis();
    let server = builder(&redis).start().await;
    assert!(!up(&server).await);
    let mut someone = server.user("someone").await;
    everything(&server, &mut someone, "early").await;
    redis.start().expect("started");
    until("seen", async || up(&server).await).await;
    counts_in(&server, "redis").await;
}

/// How often the server logged this.
fn logged(server: &Server, words: &str) -> usize {
    server.log().matches(words).count()
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn redis_that_refuses_commands_is_logged_once_and_stays_connected() {
    let redis = throwaway::redis();
    let server = builder(&redis).start().await;
    until("connected", async || up(&server).await).await;
    server.user("someone").await;
    // Without memory it refuses to write.
    Intruder::at(&redis.url()).does(&[b"CONFIG", b"SET", b"maxmemory", b"1"]);
    until("refused", async || {
        server.login("someone", PASSWORD).await;
        let labels = [("db_system_name", "redis"), ("error_type", "refused")];
        let metrics = server.metrics().await;
        metrics.sum("db_client_operation_errors_total", &labels) >= 20.0
    })
    .await;
    // A slow machine may have lost the connection in between.
    let connections = logged(&server, "Redis answers");
    let refusals = logged(&server, "Redis refuses a command");
    assert!(
        (1..=connections).contains(&refusals),
        "{refusals} on {connections}"
    );
}

#[tokio::test]
async fn redis_that_cannot_be_reached_is_logged_once() {
    let deaf = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let url = format!("redis://{}", deaf.local_addr().expect("bound"));
    let server = Server::builder().embedded().env("REDIS_URL", &url);
    let server = server.start().await;
    for _ in 0..12 {
        drop(deaf.accept().await.expect("a connection"));
    }
    // An attempt may connect more than once; several have failed.
    assert_eq!(
        logged(&server, "Redis cannot be reached"),
        1,
        "{}",
        server.log()
    );
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn idle_connection_is_probed() {
    let redis = throwaway::redis();
    let server = builder(&redis).start().await;
    until("probed", async || {
        let labels = [("db_system_name", "redis"), ("db_query_summary", "probe")];
        let metrics = server.metrics().await;
        metrics.sum("db_client_operation_duration_seconds_count", &labels) >= 3.0
    })
    .await;
}
