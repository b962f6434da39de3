//! What the C code of dependencies is compiled with.

use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

/// `.cargo/config.toml` sets it for every build in this repository.
#[tokio::test]
async fn sqlite_does_not_count_its_memory() {
    let options = SqliteConnectOptions::new().in_memory(true);
    let mut connection = options.connect().await.expect("it opens");
    let options: Vec<String> = sqlx::query_scalar("PRAGMA compile_options")
        .fetch_all(&mut connection)
        .await
        .expect("it says them");
    let set = |option: &String| option == "DEFAULT_MEMSTATUS=0";
    assert!(options.iter().any(set), "{options:?}");
}
