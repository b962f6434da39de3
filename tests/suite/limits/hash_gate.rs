//! More logins than can be hashed, and clients that do not wait.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::{ADMIN_PASSWORD, Answer, Builder, Metrics, PASSWORD, PATIENCE, Server};
use crate::raw::Raw;

/// A server whose hashing is slow enough to pile up: one thread, for which a hash is more work than
/// dozens of requests, however fast the machine is.
fn slow_hashing() -> Builder {
    Server::builder()
        .env("HASH_MEMORY_KIB", "65536")
        .env("HASH_ITERATIONS", "4")
        .env("HASH_THREADS", "1")
        .env("HASH_DEADLINE", "1h")
}

/// Scrapes until the condition holds.
async fn scrape_until(server: &Server, what: &str, holds: impl Fn(&Metrics) -> bool) -> Metrics {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let metrics = server.metrics().await;
        if holds(&metrics) {
            return metrics;
        }
        assert!(
            Instant::now() < deadline,
            "never came: {what}\n{}",
            metrics.0
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn active(metrics: &Metrics) -> f64 {
    metrics.sum("http_server_active_requests", &[])
}

#[track_caller]
fn assert_idle(metrics: &Metrics) {
    for gauge in [
        "http_server_active_requests",
        "auth_password_hash_queue_depth",
        "auth_password_hash_in_flight",
    ] {
        assert_eq!(metrics.sum(gauge, &[]), 0.0, "{gauge}");
    }
}

/// Logins of clients of this protocol that disconnect before the response.
async fn clients_leave(protocol: &str, more: &str) {
    const CLIENTS: u8 = 8;
    let server = slow_hashing().start().await;
    let body = format!("username=admin&password={ADMIN_PASSWORD}");
    let form = "Content-Type: application/x-www-form-urlencoded";
    let length = body.len();
    let request = format!(
        "POST /login {protocol}\r\nHost: x\r\n{form}\r\nContent-Length: {length}\r\n\r\n{body}{more}"
    );
    let mut connections = Vec::new();
    for _ in 0..CLIENTS {
        let mut raw = Raw::open(&server).await;
        raw.send(request.as_bytes()).await;
        connections.push(raw);
    }
    let labels = [("http_route", "/login")];
    let count = |metrics: &Metrics, extra: (&str, &str)| {
        let labels = [labels[0], extra];
        metrics.sum("http_server_request_duration_seconds_count", &labels)
    };
    let verified = |metrics: &Metrics| {
        let labels = [("operation", "verify")];
        metrics.sum("auth_password_hash_duration_seconds_count", &labels)
    };
    let all = f64::from(CLIENTS);
    // Every login has got as far as the gate, and most wait there: it has one thread.
    scrape_until(&server, "all logins at the gate", |metrics| {
        let waiting = metrics.sum("auth_password_hash_queue_depth", &[]);
        let running = metrics.sum("auth_password_hash_in_flight", &[]);
        waiting + running + verified(metrics) >= all
    })
    .await;
    drop(connections);

    let skipped = |metrics: &Metrics| metrics.sum("auth_password_hash_abandoned_total", &[]);
    scrape_until(&server, "no request in flight", |metrics| {
        active(metrics) == 0.0 && verified(metrics) + skipped(metrics) >= all
    })
    .await;
    // A scrape takes its counters before its gauges: only the next one has seen all that led here.
    let metrics = server.metrics().await;
    assert_idle(&metrics);
    let aborted = metrics.sum("http_server_requests_aborted_total", &labels);
    assert!(aborted >= 1.0, "{aborted}");
    assert_eq!(
        metrics.sum("http_server_requests_aborted_total", &[]),
        aborted
    );
    // Each request ended once: answered, or left by its client.
    assert_eq!(count(&metrics, ("error_type", "aborted")), aborted);
    assert_eq!(count(&metrics, labels[0]), all);
    // Each hash was computed or skipped.
    let abandoned = skipped(&metrics);
    assert!(abandoned >= 1.0, "{abandoned}");
    assert!(abandoned <= aborted, "{abandoned} > {aborted}");
    assert_eq!(verified(&metrics) + abandoned, all);
    // The service is not affected.
    server.admin().await;
}

#[tokio::test]
async fn hash_of_disconnected_client_is_skipped_and_counted() {
    clients_leave("HTTP/1.1", "").await;
}

#[tokio::test]
async fn disconnect_is_noticed_after_connection_close() {
    clients_leave("HTTP/1.1\r\nConnection: close", "").await;
}

#[tokio::test]
async fn disconnect_is_noticed_in_http_1_0() {
    clients_leave("HTTP/1.0", "").await;
}

#[tokio::test]
async fn disconnect_is_noticed_with_a_pipelined_request() {
    // Some old clients end every body like this.
    clients_leave("HTTP/1.1", "\r\n").await;
}

#[tokio::test]
async fn full_hash_gate_sheds_logins_with_503_while_reads_go_on() {
    let server = slow_hashing().env("HASH_QUEUE", "1").start().await;
    let admin = server.admin().await;
    let (mut logins_shed, mut registrations_shed) = (0, 0);
    let (start, mut round) = (Instant::now(), 0);
    // Once is enough, unless the machine is so slow that the requests come one by one.
    while logins_shed == 0 || registrations_shed == 0 {
        round += 1;
        assert!(start.elapsed() < PATIENCE, "nothing was shed");
        let mut logins = JoinSet::new();
        let mut registrations = JoinSet::new();
        for number in 0..30 {
            let anon = server.anon();
            logins.spawn(async move { anon.login("admin", ADMIN_PASSWORD).await });
            let anon = server.anon();
            let name = format!("user-{round}-{number}");
            let email = format!("{name}@example.com");
            let body = json!({ "username": name, "email": email, "password": PASSWORD });
            registrations.spawn(async move { anon.post("/register", &body).await });
        }
        let done = AtomicBool::new(false);
        let storm = async {
            let answers = (logins.join_all().await, registrations.join_all().await);
            done.store(true, Ordering::SeqCst);
            answers
        };
        let reads = async {
            let mut reads = 0;
            while reads == 0 || !done.load(Ordering::SeqCst) {
                let answer = admin.get("/users/me").await;
                assert_eq!(answer.status, 200, "{}", answer.text);
                reads += 1;
            }
        };
        let ((logins, registrations), ()) = tokio::join!(storm, reads);
        for answer in &logins {
            logins_shed += shed(answer, 200, |answer| {
                assert_eq!(answer.json["error"], "temporarily_unavailable");
                assert!(answer.json["error_description"].is_string());
                assert_eq!(answer.json.as_object().map(serde_json::Map::len), Some(2));
            });
        }
        for answer in &registrations {
            registrations_shed += shed(answer, 201, |answer| {
                answer.problem(503, "overloaded");
            });
        }
    }

    let metrics = server.metrics().await;
    assert_idle(&metrics);
    let rejected = metrics.sum("auth_password_hash_rejected_total", &[]);
    assert_eq!(rejected, f64::from(logins_shed + registrations_shed));
    for (name, shed) in [
        ("auth_logins_total", logins_shed),
        ("auth_registrations_total", registrations_shed),
    ] {
        let overloaded = metrics.sum(name, &[("reason", "overloaded")]);
        assert_eq!(overloaded, f64::from(shed), "{name}");
    }
    let status = [("http_response_status_code", "503")];
    let answered = metrics.sum("http_server_request_duration_seconds_count", &status);
    assert_eq!(answered, rejected);
    server.admin().await;
}

/// 1 when the answer is a sound 503, 0 when it is the success.
#[track_caller]
fn shed(answer: &Answer, success: u16, check: impl Fn(&Answer)) -> u32 {
    if answer.status == success {
        return 0;
    }
    assert_eq!(answer.status, 503, "{}", answer.text);
    let wait: u32 = answer.header("retry-after").parse().expect("whole seconds");
    assert!(wait >= 1);
    check(answer);
    1
}

/// Fills the gate's one thread and the queue's one place with logins by address; gives them, and a
/// scrape that has seen both of them there.
async fn fill(server: &Server) -> (JoinSet<Answer>, Metrics) {
    let mut logins = JoinSet::new();
    let mut full = 0;
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < PATIENCE, "the gate is never full");
        // A login that arrives before the thread has taken the first is refused; send another.
        while logins.try_join_next().is_some() {}
        while logins.len() < 2 {
            full = 0;
            let anon = server.anon();
            logins.spawn(async move { anon.login("admin@example.com", ADMIN_PASSWORD).await });
        }
        let metrics = server.metrics().await;
        let there = [
            "auth_password_hash_in_flight",
            "auth_password_hash_queue_depth",
        ]
        .map(|gauge| metrics.sum(gauge, &[]));
        full = if there == [1.0, 1.0] { full + 1 } else { 0 };
        // Once could be one login on its way from the queue to the thread.
        if full == 2 {
            return (logins, metrics);
        }
    }
}

#[tokio::test]
async fn shed_login_costs_no_query_and_no_rate_limit() {
    const WIDE: &str = "1000000/1s";
    let server = slow_hashing()
        .env("HASH_QUEUE", "1")
        .env("RATE_LIMITS", "on")
        .env("RATE_LIMIT_LOGIN_SOURCE", WIDE)
        .env("RATE_LIMIT_LOGIN_ACCOUNT", WIDE)
        .env("RATE_LIMIT_PASSWORD_ACCOUNT", WIDE)
        .start()
        .await;
    let alice = server.user("alice").await;
    let anon = server.anon();
    let costs = |metrics: &Metrics| {
        let asked = |name| {
            let labels = [("db_query_summary", name)];
            metrics.sum("db_client_operation_duration_seconds_count", &labels)
        };
        let counted = |name| metrics.sum("auth_rate_limit_decisions_total", &[("limiter", name)]);
        let queries = [
            "credentials_by_username",
            "credentials_by_id",
            "role_exists",
        ]
        .map(asked);
        (queries, ["login", "register", "password"].map(counted))
    };
    for flow in ["/login", "/register", "/users/me/password"] {
        let start = Instant::now();
        loop {
            assert!(start.elapsed() < PATIENCE, "{flow}: the gate is never full");
            let (logins, metrics) = fill(&server).await;
            let before = costs(&metrics);
            let answer = match flow {
                "/login" => anon.login("alice", PASSWORD).await,
                "/register" => server.register("bob").await,
                _ => {
                    let new = "amber-lantern-77";
                    let body = json!({ "current_password": "wrong", "new_password": new });
                    alice.post(flow, &body).await
                }
            };
            let after = costs(&server.metrics().await);
            for answer in logins.join_all().await {
                assert_eq!(answer.status, 200, "{}", answer.text);
            }
            // Where the machine was slow, there was room again.
            if answer.status == 503 {
                assert_eq!(after, before, "{flow}");
                break;
            }
        }
    }
}

#[tokio::test]
async fn login_past_the_hash_deadline_is_shed_without_hashing() {
    // The first start hashes, too: with time for it.
    let folder = slow_hashing().start().await.stop().await;
    let server = slow_hashing().dir(folder);
    let server = server.env("HASH_DEADLINE", "1ms").start().await;
    let mut logins = JoinSet::new();
    for _ in 0..10 {
        let anon = server.anon();
        logins.spawn(async move { anon.login("admin", ADMIN_PASSWORD).await });
    }
    let answers = logins.join_all().await;
    let shed: u32 = answers.iter().map(|answer| shed(answer, 200, |_| ())).sum();
    let metrics = server.metrics().await;
    assert_idle(&metrics);
    let rejected = metrics.sum("auth_password_hash_rejected_total", &[]);
    assert_eq!(rejected, f64::from(shed));
    let verified = [("operation", "verify")];
    let verified = metrics.sum("auth_password_hash_duration_seconds_count", &verified);
    assert_eq!(verified + rejected, 10.0);
}

#[tokio::test]
async fn new_password_is_estimated_in_the_gate_behind_limits_and_proof() {
    let server = Server::builder()
        .env("RATE_LIMITS", "on")
        .env("RATE_LIMIT_REGISTER_ACCOUNT", "2/1h")
        .start()
        .await;
    let estimates = async || {
        let labels = [("operation", "estimate")];
        let metrics = server.metrics().await;
        metrics.sum("auth_password_hash_duration_seconds_count", &labels)
    };
    let at_first = estimates().await;
    let register = async |password: &str| {
        let body = json!({
            "username": "alice", "email": "alice@example.com", "password": password,
        });
        server.anon().post("/register", &body).await
    };
    // On no list, but guessed by programs that reverse words.
    let answer = register("elbatrofmocnu").await;
    answer.names(422, "weak-password", "password");
    assert_eq!(estimates().await - at_first, 1.0);
    assert_eq!(register(PASSWORD).await.status, 201);
    assert_eq!(estimates().await - at_first, 2.0);
    register("elbatrofmocnu")
        .await
        .limited("register", "account");
    assert_eq!(estimates().await - at_first, 2.0, "limited before");

    let alice = server.login("alice", PASSWORD).await;
    let change = async |current: &str| {
        let body = json!({ "current_password": current, "new_password": "elbatrofmocnu" });
        alice.post("/users/me/password", &body).await
    };
    let answer = change("not the password").await;
    answer.names(422, "wrong-password", "current_password");
    assert_eq!(estimates().await - at_first, 2.0, "proven before");
    let answer = change(PASSWORD).await;
    answer.names(422, "weak-password", "new_password");
    assert_eq!(estimates().await - at_first, 3.0);
}
