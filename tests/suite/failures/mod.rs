//! Real faults: dependencies stop, hang and come back; clients misbehave; the process is killed.

mod bodies;
mod clients;
mod connections;
mod crash;
mod disk_full;
mod postgres;
mod proxy;
mod redis;
mod restart;

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::harness::{Answer, Client, PASSWORD, PATIENCE, Server};

/// Opens a copy of the embedded database in this data folder while nothing writes to it. It must be intact:
/// opening a database after a crash repairs it, and the server shall do that.
async fn open_copy(data: &Path) -> (TempDir, SqlitePool) {
    let copy = tempfile::tempdir().expect("a folder");
    for file in ["rbac-sentinel.db", "rbac-sentinel.db-wal"] {
        let from = data.join(file);
        if from.exists() {
            std::fs::copy(from, copy.path().join(file)).expect("copied");
        }
    }
    let options = SqliteConnectOptions::new().filename(copy.path().join("rbac-sentinel.db"));
    let pool = SqlitePoolOptions::new().max_connections(1);
    let pool = pool.connect_with(options).await.expect("opens");
    let found: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&pool)
        .await
        .expect("checked");
    assert_eq!(found, "ok");
    (copy, pool)
}

/// A connection to the API.
async fn connect(server: &Server) -> TcpStream {
    let address = server.api.trim_start_matches("http://");
    TcpStream::connect(address).await.expect("connects")
}

/// How many connections of the API ended for this reason.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small count"
)]
async fn ended(server: &Server, reason: &str) -> usize {
    let labels = [("listener", "api"), ("reason", reason)];
    let metrics = server.metrics().await;
    metrics.sum("http_server_connections_closed_total", &labels) as usize
}

/// Resets the server's peak of resident memory.
fn forget_peak(server: &Server) {
    // Where this is not possible, the peak includes everything since the start.
    let _ = std::fs::write(format!("/proc/{}/clear_refs", server.pid()), "5");
}

/// Peak resident memory of the server, in bytes.
fn peak(server: &Server) -> usize {
    let bytes = testkit::machine::resident_peak_bytes(server.pid()).expect("known");
    usize::try_from(bytes).expect("it fits")
}

/// Pause between two requests, so that other tests get a turn on a machine with one core.
const PAUSE: Duration = Duration::from_millis(10);

/// Repeats a request until the answer is not 503. Returns the answer, and the number of 503s before it.
async fn patient<F: Future<Output = Answer>>(mut ask: impl FnMut() -> F) -> (Answer, u64) {
    let (start, mut refused) = (Instant::now(), 0);
    loop {
        let answer = ask().await;
        assert!(start.elapsed() < PATIENCE, "never served: {}", answer.text);
        if answer.status != 503 {
            return (answer, refused);
        }
        refused += 1;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Logs in, also when the database is slower than the service's timeout.
async fn log_in(server: &Server, name: &str) -> Client {
    let (login, _) = patient(async || server.anon().login(name, PASSWORD).await).await;
    assert_eq!(login.status, 200, "{}", login.text);
    server.anon().with(&login.json)
}

/// The same with a new account.
async fn sign_up(server: &Server, name: &str) -> Client {
    let body = json!({
        "username": name, "email": format!("{name}@example.com"), "password": PASSWORD
    });
    let (made, refused) = patient(async || server.anon().post("/register", &body).await).await;
    // A refused registration may have been committed: only its answer was late.
    let again = made.status == 409 && refused > 0;
    assert!(made.status == 201 || again, "{}", made.text);
    log_in(server, name).await
}
