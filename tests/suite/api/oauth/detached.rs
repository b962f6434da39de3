//! A refresh continues when its client disconnects, and a login does not, although one operation has
//! both grants.

use futures_util::FutureExt as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use super::{FORM, login_of, refresh_of, user};
use crate::harness::{PASSWORD, Server, until};
use crate::raw::Raw;

/// A lock on the server's database: changes wait for its end.
async fn lock(server: &Server) -> SqliteConnection {
    let file = server.path().join("data").join("rbac-sentinel.db");
    let options = SqliteConnectOptions::new().filename(file);
    let mut database = options.connect().await.expect("it opens");
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut database)
        .await
        .expect("locked");
    database
}

/// Sends this form and disconnects while its change waits for the database.
async fn leave(server: &Server, path: &str, form: &str) {
    let mut database = lock(server).await;
    let count =
        async |name: &str, labels: &[(&str, &str)]| server.metrics().await.sum(name, labels);
    let aborted = [("http_route", path)];
    let before = count("http_server_requests_aborted_total", &aborted).await;
    let hashed = count("auth_password_hash_duration_seconds_count", &[]).await;
    let mut raw = Raw::open(server).await;
    let length = format!("Content-Length: {}", form.len());
    raw.head(
        &format!("POST {path}"),
        &[&format!("Content-Type: {FORM}"), &length],
    )
    .await;
    raw.send(form.as_bytes()).await;
    until("in flight", || {
        count("http_server_active_requests", &[]).map(|flying| flying > 0.0)
    })
    .await;
    if form.contains("password") {
        until("hashed", || {
            count("auth_password_hash_duration_seconds_count", &[]).map(|now| now > hashed)
        })
        .await;
    } else {
        // Looking the token up is the last that a refresh does before its change.
        let labels = [("db_query_summary", "session_of_token")];
        until("looked up", || {
            count("db_client_operation_duration_seconds_count", &labels).map(|times| times > 0.0)
        })
        .await;
    }
    drop(raw);
    until("aborted", || {
        count("http_server_requests_aborted_total", &aborted).map(|now| now > before)
    })
    .await;
    sqlx::query("ROLLBACK")
        .execute(&mut database)
        .await
        .expect("unlocked");
    database.close().await.expect("closed");
}

#[tokio::test]
async fn refresh_continues_without_its_client_and_login_stops() {
    for path in ["/oauth/token", "/login"] {
        let server = Server::builder().embedded().start().await;
        let alice = user(&server, "alice").await;
        leave(&server, path, &login_of("alice")).await;
        leave(&server, path, &refresh_of(&alice)).await;
        let count = async |name: &str| {
            let metrics = server.metrics().await;
            metrics.sum(name, &[("outcome", "success")])
        };
        until("refreshed", || {
            count("auth_token_refreshes_total").map(|refreshed| refreshed == 1.0)
        })
        .await;
        // A session that the abandoned login began would be there by now: the refresh came after it.
        let alice = server.login("alice", PASSWORD).await;
        let sessions = alice.get("/users/me/sessions").await;
        assert_eq!(sessions.json["items"].as_array().map(Vec::len), Some(2));
        assert_eq!(count("auth_logins_total").await, 2.0, "{path}");
    }
}
