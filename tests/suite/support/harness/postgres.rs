//! The PostgreSQL server of `TEST_DATABASE_URL`, with a schema for each folder. Schemas that earlier runs
//! left behind are removed.

use std::path::Path;

use tokio::sync::OnceCell;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// Set once this process has removed the schemas of earlier runs.
static SWEPT: OnceCell<()> = OnceCell::const_new();

/// The server, by `TEST_DATABASE_URL`.
pub fn server() -> String {
    std::env::var("TEST_DATABASE_URL").expect(
        "TEST_DATABASE_URL must name a PostgreSQL database: run scripts/test, which sees to it",
    )
}

/// The schema's name for a folder.
pub fn schema(folder: &Path) -> String {
    let name = folder.file_name().expect("a name").to_string_lossy();
    let word: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("test_{}_{}", std::process::id(), word.to_lowercase())
}

/// A new connection.
pub async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url)
        .await
        .expect("the server answers")
}

/// The URL of the folder's schema, which is made if there is none.
pub async fn schema_of(folder: &Path) -> String {
    let (server, schema) = (server(), schema(folder));
    let mut connection = connect(&server).await;
    SWEPT.get_or_init(|| sweep(&mut connection)).await;
    let make = AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS {schema}"));
    connection.execute(make).await.expect("a schema");
    connection.close().await.expect("closed");
    let separator = if server.contains('?') { '&' } else { '?' };
    format!("{server}{separator}options[search_path]={schema}")
}

/// Removes the schemas of test runs whose process has ended.
async fn sweep(connection: &mut PgConnection) {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT nspname::text FROM pg_namespace WHERE nspname ~ '^test_[0-9]+_'",
    )
    .fetch_all(&mut *connection)
    .await
    .expect("schemas");
    let runs = |name: &String| {
        let id = name.split('_').nth(1).unwrap_or_default();
        !Path::new("/proc/self").exists() || Path::new("/proc").join(id).exists()
    };
    for name in names.iter().filter(|name| !runs(name)) {
        let remove = AssertSqlSafe(format!("DROP SCHEMA IF EXISTS {name} CASCADE"));
        // Another run may remove it at the same time.
        let _ = connection.execute(remove).await;
    }
}
