//! PostgreSQL stops, hangs, is out of connections, and speaks TLS.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::Executor as _;

use super::{PAUSE, log_in, patient, sign_up};
use crate::harness::throwaway;
use crate::harness::{
    Answer, Builder, Client, PASSWORD, PATIENCE, SECRET_KEY, Server, http, postgres, until,
};
use testkit::postgres::Postgres;

/// The longest statement timeout that can be configured.
const STATEMENT_TIMEOUT: Duration = Duration::from_mins(1);

/// A server on this database with short timeouts.
pub(super) fn builder(database: &Postgres) -> Builder {
    Server::builder()
        .on_postgres(&database.url())
        .env("DB_ACQUIRE_TIMEOUT", "1s")
        .env("DB_STATEMENT_TIMEOUT", "1s")
}

async fn probe(server: &Server, path: &str) -> u16 {
    let answer = http().get(format!("{}{path}", server.ops)).send().await;
    answer.expect("answered").status().as_u16()
}

/// The answers of requests that need the database: a login, a registration, a refresh, an uncached caller.
async fn everything(server: &Server, someone: &Client, name: &str) -> Vec<Answer> {
    let body = json!({
        "username": name, "email": format!("{name}@example.com"), "password": PASSWORD
    });
    vec![
        server.anon().login("someone", PASSWORD).await,
        server.anon().post("/register", &body).await,
        someone.refresh().await,
        someone.get("/users/me/sessions").await,
    ]
}

#[track_caller]
fn all_unavailable(answers: &[Answer]) {
    for answer in answers {
        assert_eq!(answer.status, 503, "{}", answer.text);
        let wait: u64 = answer.header("retry-after").parse().expect("seconds");
        assert!(wait >= 1);
    }
}

/// Waits until the service has seen what happened to its database.
pub(super) async fn seen(server: &Server, up: bool) {
    let (ready, value) = if up { (200, 1.0) } else { (503, 0.0) };
    let labels = [("dependency", "database")];
    // All in one check: between two checks a slow server may have counted as down.
    until("seen", async || {
        let metrics = server.metrics().await;
        probe(server, "/readyz").await == ready
            && metrics.sum("auth_dependency_up", &labels) == value
            && metrics.sum("auth_ready", &[]) == value
    })
    .await;
    assert_eq!(probe(server, "/livez").await, 200);
}

pub(super) async fn errors(server: &Server, kind: &str) -> f64 {
    let labels = [("db_system_name", "postgresql"), ("error_type", kind)];
    let metrics = server.metrics().await;
    metrics.sum("db_client_operation_errors_total", &labels)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn stopped_postgresql_answers_503_until_it_is_back() {
    let database = throwaway::postgres();
    let server = builder(&database).start().await;
    let someone = sign_up(&server, "someone").await;
    database.stop().expect("stopped");
    // Before the service has noticed, too: no 500, and no request hangs.
    all_unavailable(&everything(&server, &someone, "early").await);
    seen(&server, false).await;
    let start = Instant::now();
    let refused = errors(&server, "down").await;
    all_unavailable(&everything(&server, &someone, "late").await);
    println!("refused in {:?} for four requests", start.elapsed());
    assert!(
        errors(&server, "down").await > refused,
        "refused without a wait"
    );
    // Requests that need no database succeed.
    assert_eq!(
        server.anon().get("/.well-known/jwks.json").await.status,
        200
    );
    assert_eq!(server.anon().get("/users/me").await.status, 401);

    database.start().expect("started");
    seen(&server, true).await;
    let again = log_in(&server, "someone").await;
    let (me, _) = patient(async || again.get("/users/me").await).await;
    assert_eq!(me.status, 200, "{}", me.text);
    let (refreshed, _) = patient(async || someone.refresh().await).await;
    assert_eq!(refreshed.status, 200, "nothing was lost");
    sign_up(&server, "late").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn hanging_postgresql_answers_503_within_the_timeouts() {
    let database = throwaway::postgres();
    let server = builder(&database).start().await;
    let someone = sign_up(&server, "someone").await;
    database.hang().expect("it runs");
    let start = Instant::now();
    let answers = everything(&server, &someone, "early").await;
    println!("answered after {:?} for four requests", start.elapsed());
    all_unavailable(&answers);
    seen(&server, false).await;
    all_unavailable(&everything(&server, &someone, "late").await);

    database.resume().expect("it runs");
    seen(&server, true).await;
    log_in(&server, "someone").await;
    let (refreshed, _) = patient(async || someone.refresh().await).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn exhausted_connection_pool_answers_503_and_shows_in_metrics() {
    let database = throwaway::postgres();
    let builder = builder(&database)
        .env("DB_MAX_CONNECTIONS", "2")
        .env("DB_STATEMENT_TIMEOUT", "60s");
    let server = builder.start().await;
    let begun = Instant::now();
    let someone = sign_up(&server, "someone").await;
    let mut locker = postgres::connect(&database.url()).await;
    locker
        .execute("BEGIN; LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE")
        .await
        .expect("locked");
    // Two requests take the connections and wait for the lock.
    let stuck: Vec<_> = (0..2)
        .map(|_| {
            let someone = someone.clone();
            tokio::spawn(async move { someone.get("/users/me/sessions").await })
        })
        .collect();
    let used = async || {
        let labels = [("db_client_connection_state", "used")];
        server.metrics().await.sum("db_client_connections", &labels)
    };
    until("exhausted", async || used().await >= 2.0).await;
    // A request waits for a connection, repeatedly, until the gauge has shown it.
    let pending_seen = Arc::new(AtomicBool::new(false));
    let waiting = {
        let (anon, seen) = (server.anon(), Arc::clone(&pending_seen));
        tokio::spawn(async move {
            let mut shed = Vec::new();
            while shed.is_empty() || !seen.load(Ordering::SeqCst) {
                shed.push(anon.login("someone", PASSWORD).await);
                tokio::time::sleep(PAUSE).await;
            }
            shed
        })
    };
    let pool = [("db_client_connection_pool_name", "postgresql")];
    let pending = async || {
        let name = "db_client_connection_pending_requests";
        server.metrics().await.sum(name, &pool)
    };
    until("pending", async || pending().await >= 1.0).await;
    pending_seen.store(true, Ordering::SeqCst);
    all_unavailable(&waiting.await.expect("answered"));
    let metrics = server.metrics().await;
    assert!(metrics.sum("db_client_connection_timeouts_total", &pool) >= 1.0);
    let name = "db_client_connection_wait_time_seconds_bucket";
    let bucket = |le| metrics.sum(name, &[pool[0], ("le", le)]);
    assert!(bucket("+Inf") > bucket("0.5"), "the wait shows");
    // The server itself works, and others may still get a connection.
    until("ready", async || probe(&server, "/readyz").await == 200).await;

    locker.execute("ROLLBACK").await.expect("unlocked");
    // On a slow machine the statements were cancelled already.
    let in_time = begun.elapsed() < STATEMENT_TIMEOUT;
    for request in stuck {
        let answer = request.await.expect("answered");
        assert!(answer.status == 200 || !in_time, "{}", answer.text);
    }
    log_in(&server, "someone").await;
    assert_eq!(pending().await, 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn slow_statement_is_cancelled() {
    let database = throwaway::postgres();
    let server = builder(&database).start().await;
    let someone = sign_up(&server, "someone").await;
    let mut locker = postgres::connect(&database.url()).await;
    locker
        .execute("BEGIN; LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE")
        .await
        .expect("locked");
    until("cancelled", async || {
        all_unavailable(&[someone.get("/users/me/sessions").await]);
        errors(&server, "timeout").await >= 1.0
    })
    .await;
    // The server has no trace of the request.
    let waiting = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted";
    let start = Instant::now();
    // The service's own counting may be waiting, too.
    while sqlx::query_scalar::<_, i64>(waiting)
        .fetch_one(&mut locker)
        .await
        .expect("asked")
        > 0
    {
        assert!(start.elapsed() < PATIENCE, "it waits still");
        tokio::time::sleep(PAUSE).await;
    }
    locker.execute("ROLLBACK").await.expect("unlocked");
    let (sessions, _) = patient(async || someone.get("/users/me/sessions").await).await;
    assert_eq!(sessions.status, 200, "{}", sessions.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL and openssl: scripts/test"]
async fn postgresql_tls_encrypts_and_verifies_the_server() {
    let authority = tempfile::tempdir().expect("a folder");
    let certificate = authority.path().join("server.crt");
    let settings = [
        "ssl = on",
        "ssl_cert_file = 'server.crt'",
        "ssl_key_file = 'server.key'",
    ];
    let database = throwaway::postgres_with(&settings, |data| {
        let key = data.join("server.key");
        let status = Command::new("openssl")
            .args([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            ])
            .args([
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
                // By default a self-signed certificate is a CA certificate, which a server must not
                // use.
                "-addext",
                "basicConstraints=critical,CA:FALSE",
            ])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(data.join("server.crt"))
            .output()
            .expect("openssl runs")
            .status;
        assert!(status.success());
        std::fs::copy(data.join("server.crt"), &certificate).expect("copied");
    });
    let verified = format!(
        "{}?sslmode=verify-full&sslrootcert={}",
        database.url(),
        certificate.display()
    );
    let server = builder(&database)
        .env("DATABASE_URL", &verified)
        .start()
        .await;
    sign_up(&server, "someone").await;
    let encrypted = "SELECT COUNT(*) FILTER (WHERE ssl), COUNT(*) FROM pg_stat_ssl JOIN pg_stat_activity \
                     USING (pid) WHERE application_name = 'rbac-sentinel'";
    let mut connection = postgres::connect(&database.url()).await;
    let (ssl, all): (i64, i64) = sqlx::query_as(encrypted)
        .fetch_one(&mut connection)
        .await
        .expect("asked");
    assert!(ssl > 0);
    assert_eq!(ssl, all);
    // The service refuses a server whose certificate does not match its name.
    let folder = tempfile::tempdir().expect("a folder");
    let mut stranger = crate::harness::program(folder.path());
    stranger
        .env(
            "DATABASE_URL",
            format!("{}?sslmode=verify-full", database.url()),
        )
        .env("SECRET_KEY", SECRET_KEY)
        .arg("migrate");
    let output = stranger.output().expect("it runs");
    assert!(!output.status.success());
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.contains("certificate"), "{complaint}");
}
