//! Migrations: both engines get the same schema, and databases of earlier versions keep working.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rbac_sentinel::testing::store::{Options, PostgresOptions, SqliteOptions, Store};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use crate::harness::{PATIENCE, postgres};
use crate::store::recorder;

fn folder(engine: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations")
        .join(engine)
}

/// The migrations of one engine by file name.
fn migrations(engine: &str) -> BTreeMap<String, String> {
    let files = std::fs::read_dir(folder(engine)).expect("the folder");
    let read = |file: std::io::Result<std::fs::DirEntry>| {
        let file = file.expect("readable");
        let text = std::fs::read_to_string(file.path()).expect("UTF-8");
        (file.file_name().into_string().expect("UTF-8"), text)
    };
    files.map(read).collect()
}

#[test]
fn migrations_of_both_databases_match_but_for_explained_differences() {
    let (sqlite, postgres) = (migrations("sqlite"), migrations("postgres"));
    assert!(!sqlite.is_empty());
    assert!(sqlite.keys().eq(postgres.keys()));
    for (name, text) in &sqlite {
        let other = &postgres[name];
        if text == other {
            continue;
        }
        let reason = [text, other].into_iter().find_map(|text| {
            let first = text.lines().next().unwrap_or_default();
            first.strip_prefix("-- differs: ")
        });
        assert!(
            reason.is_some_and(|reason| reason.len() > 20),
            "{name} differs: why?"
        );
    }
}

#[test]
fn migration_differences_are_few_lines() {
    let (sqlite, postgres) = (migrations("sqlite"), migrations("postgres"));
    let portable = |text: &str| -> Vec<String> {
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("-- differs: "));
        lines
            .map(|line| line.replace(" COLLATE \"C\"", ""))
            .collect()
    };
    for (name, text) in &sqlite {
        assert_eq!(portable(text), portable(&postgres[name]), "{name}");
    }
}

/// Rows as version 2 of the schema stored them.
const OLD_ROWS: &str = "\
    INSERT INTO users (id, username, username_key, email, email_key, password_hash, created_at, updated_at) \
        SELECT holder, 'Old', 'old', 'old@example.com', 'old@example.com', 'hash', started_at, started_at \
        FROM leases; \
    INSERT INTO roles (name, description) VALUES ('x,admin', 'two names?'), ('team-7', 'one'); \
    INSERT INTO user_roles (user_id, role, granted_at) SELECT id, name, created_at FROM users, roles \
        WHERE name <> 'user'; \
    INSERT INTO signing_keys (kid, algorithm, sealed_private_key, created_at) \
        SELECT 'old', 'EdDSA', 'sealed', created_at FROM users;";

const WRITE_CHECKS: &str = "SELECT COUNT(*) FROM write_checks";
/// Roles and grants that are ignored.
const SET_ASIDE: &str = "SELECT COUNT(*) FROM roles_set_aside r JOIN user_roles_set_aside u ON u.role = r.name \
    WHERE r.name = 'x,admin' AND r.description = 'two names?'";
/// Names that the schema refuses, as roles.
const BAD_NAMES: [&str; 9] = [
    "x,admin", "", "Admin", "7a", "-a", "a b", "a:b", "\u{e4}", "a\n",
];

/// Checks that hold for a migrated database of any engine.
macro_rules! assert_nothing_is_lost {
    ($connection:expr) => {{
        let rows: i64 = sqlx::query_scalar(WRITE_CHECKS)
            .fetch_one($connection)
            .await
            .expect("counted");
        assert_eq!(rows, 0, "a write check leaves nothing behind");
        let set_aside: i64 = sqlx::query_scalar(SET_ASIDE)
            .fetch_one($connection)
            .await
            .expect("counted");
        assert_eq!(set_aside, 1, "nothing is lost");
        let long = "a".repeat(64);
        for name in BAD_NAMES.into_iter().chain([long.as_str()]) {
            let insert = "INSERT INTO roles (name, description) VALUES ($1, '')";
            let inserted = sqlx::query(insert).bind(name).execute($connection).await;
            assert!(inserted.is_err(), "{name:?}");
        }
    }};
}

async fn old_rows_are_found_and_new_ones_stored(options: &Options) {
    recorder();
    let store = Store::open(options).await.expect("the database opens");
    let old = store.credentials("OLD").await.expect("asked");
    assert_eq!(old.expect("there").user.roles, ["admin", "team-7"]);
    let keys = store.stored_signing_keys().await.expect("asked");
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].kid, "old");
    assert_eq!(keys[0].active_at, keys[0].published_at, "it signs");
    assert_eq!((keys[0].retire_at, keys[0].revoked_at), (None, None));
    store.check_writing().await.expect("writes");
    store.close().await;
}

#[tokio::test]
async fn sqlite_database_of_version_2_is_migrated() {
    let file = tempfile::tempdir().expect("a folder");
    let file = file.path().join("old.db");
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true);
    let mut connection = options.connect().await.expect("it opens");
    let migrator = Migrator::new(folder("sqlite")).await.expect("migrations");
    let migrated = migrator.run_to(2, &mut connection).await;
    migrated.expect("version 2");
    let id = "UPDATE leases SET holder = randomblob(16)";
    connection.execute(id).await.expect("a random id");
    connection.execute(OLD_ROWS).await.expect("old rows");
    connection.close().await.expect("closed");
    old_rows_are_found_and_new_ones_stored(&Options::Sqlite(SqliteOptions {
        url: file.display().to_string(),
        readers: 1,
        synchronous_full: false,
        acquire_timeout: PATIENCE,
    }))
    .await;
    let mut connection = options.connect().await.expect("it opens");
    assert_nothing_is_lost!(&mut connection);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn postgresql_database_of_version_2_is_migrated() {
    let name = tempfile::tempdir().expect("a folder");
    let url = postgres::schema_of(name.path()).await;
    let mut connection = postgres::connect(&url).await;
    let migrator = Migrator::new(folder("postgres")).await.expect("migrations");
    let migrated = migrator.run_to(2, &mut connection).await;
    migrated.expect("version 2");
    let id = "UPDATE leases SET holder = gen_random_uuid()";
    connection.execute(id).await.expect("a random id");
    connection.execute(OLD_ROWS).await.expect("old rows");
    connection.close().await.expect("closed");
    old_rows_are_found_and_new_ones_stored(&Options::Postgres(PostgresOptions {
        url: url.clone(),
        max_connections: 2,
        acquire_timeout: PATIENCE,
        statement_timeout: PATIENCE,
        application_name: "migrations".to_owned(),
    }))
    .await;
    let mut connection = postgres::connect(&url).await;
    assert_nothing_is_lost!(&mut connection);
}
