//! Several processes on one PostgreSQL, started at the same moment.

use serde_json::json;

use crate::harness::{ADMIN_PASSWORD, Builder, Server, postgres};

/// A replica on this database, which stores nothing locally.
fn replica(url: &str) -> Builder {
    Server::builder()
        .on_postgres(url)
        .env("PUBLIC_URL", "https://auth.example.com")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn three_replicas_starting_at_once_migrate_once_and_share_keys_and_administrator() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = postgres::schema_of(folder.path()).await;
    let start = || tokio::spawn(replica(&url).without("ADMIN_PASSWORD").start());
    let starting = [start(), start(), start()];
    let mut servers = Vec::new();
    for server in starting {
        servers.push(server.await.expect("started"));
    }
    let shown: Vec<_> = servers
        .iter()
        .filter_map(|server| server.greeting.split_once("with the password "))
        .map(|(_, rest)| rest.split_whitespace().next().expect("a word"))
        .collect();
    assert_eq!(shown.len(), 1, "one replica makes the administrator");
    // It must be changed before any other operation.
    let first = servers[0].login("admin", shown[0]).await;
    let change = json!({ "current_password": shown[0], "new_password": ADMIN_PASSWORD });
    let changed = first.post("/users/me/password", &change).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    // Every replica accepts the tokens of every other.
    for signer in &servers {
        let admin = signer.login("admin", ADMIN_PASSWORD).await;
        for verifier in &servers {
            let mut there = admin.clone();
            there.base.clone_from(&verifier.api);
            assert_eq!(there.get("/admin/users").await.status, 200);
        }
    }
    let keys = servers[0].anon().get("/.well-known/jwks.json").await.json;
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(1), "{keys}");
    let mut connection = postgres::connect(&url).await;
    let (applied, distinct): (i64, i64) =
        sqlx::query_as("SELECT COUNT(*), COUNT(DISTINCT version) FROM _sqlx_migrations")
            .fetch_one(&mut connection)
            .await
            .expect("migrations");
    assert_eq!(applied, distinct);
    assert!(applied > 0);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn replica_prints_its_database_and_keeps_nothing_in_its_data_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = postgres::schema_of(folder.path()).await;
    let url = url.replacen("postgres@", "postgres:hunter2@", 1);
    let server = replica(&url).env("LOG_LEVEL", "trace").start().await;
    assert!(
        server.greeting.contains("database       PostgreSQL at "),
        "{}",
        server.greeting
    );
    for text in [server.greeting.clone(), server.log()] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert_eq!(server.admin().await.get("/admin/users").await.status, 200);
    assert!(!server.path().join("data").exists());
    let connected: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'rbac-sentinel'",
    )
    .fetch_one(&mut postgres::connect(&url).await)
    .await
    .expect("asked");
    assert!(connected > 0);
}

#[tokio::test]
async fn replica_without_shared_secret_refuses_to_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = crate::harness::program(folder.path());
    command.env(
        "DATABASE_URL",
        "postgres://postgres:hunter2@127.0.0.1:1/nothing",
    );
    let output = super::run(&mut command);
    let complaint = super::text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    assert!(complaint.contains("SECRET_KEY"), "{complaint}");
    command.env("SECRET_KEY", ADMIN_PASSWORD.repeat(2));
    let output = super::run(&mut command);
    let complaint = super::text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    assert!(
        complaint.contains("the database cannot be opened"),
        "{complaint}"
    );
    assert!(!complaint.contains("hunter2"), "{complaint}");
}
