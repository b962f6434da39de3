//! `scripts/database-roles`, which gives the stack's database its roles, against a real PostgreSQL.

use std::process::{Command, Output};

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use testkit::ports::free_port;
use testkit::postgres::Postgres;
use testkit::process::Process;

use super::{run, text};
use crate::harness::throwaway::{self, Throwaway};
use crate::harness::{PASSWORD, Server, http, postgres, until};

const SERVICE: (&str, &str) = ("rbac_service", "service-password");
const EXPORTER: (&str, &str) = ("rbac_exporter", "exporter-password");
const READER: (&str, &str) = ("rbac_reader", "reader-password");

/// Columns with hashes of secrets, or with sealed values; the last two are binary without being secret.
const SECRET_COLUMNS: [&str; 8] = [
    "refresh_tokens.successor",
    "refresh_tokens.token_hash",
    "sessions.refreshed_by",
    "signing_keys.sealed_private_key",
    "users.initial_password_until",
    "users.password_hash",
    "_sqlx_migrations.checksum",
    "write_checks.content",
];

/// A cluster that asks everybody but its superuser for a password, as PostgreSQL's image does.
fn cluster() -> Throwaway<Postgres> {
    throwaway::postgres_with(&[], |data| {
        let rules =
            "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
        std::fs::write(data.join("pg_hba.conf"), rules).expect("written");
    })
}

/// The script with the environment of the stack's database container.
fn script(port: u16) -> Command {
    let mut command = Command::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/scripts/database-roles"
    ));
    let path = [
        std::env::var("POSTGRES_BIN").unwrap_or_default(),
        std::env::var("PATH").unwrap_or_default(),
    ];
    command
        .env_clear()
        .env("PATH", path.join(":"))
        .env("PGHOST", "127.0.0.1")
        .env("PGPORT", port.to_string())
        .env("POSTGRES_USER", "postgres")
        .env("POSTGRES_DB", "postgres")
        .env("POSTGRES_PASSWORD", "superuser-password")
        .env("POSTGRES_SERVICE_PASSWORD", SERVICE.1)
        .env("POSTGRES_EXPORTER_PASSWORD", EXPORTER.1)
        .env("POSTGRES_READER_PASSWORD", READER.1);
    command
}

#[track_caller]
fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}", text(&output.stderr));
}

fn url(database: &Postgres, (role, password): (&str, &str)) -> String {
    format!(
        "postgres://{role}:{password}@127.0.0.1:{}/postgres",
        database.port
    )
}

/// The server's SQLSTATE, if it refuses the statement.
async fn refusal(connection: &mut PgConnection, statement: &str) -> Option<String> {
    let error = connection.execute(AssertSqlSafe(statement)).await.err()?;
    let error = error.into_database_error().expect("the server's refusal");
    Some(error.code().expect("a code").into_owned())
}

const INSUFFICIENT_PRIVILEGE: &str = "42501";

async fn all_refused(connection: &mut PgConnection, statements: &[&str]) {
    for statement in statements {
        let code = refusal(connection, statement).await;
        assert_eq!(code.as_deref(), Some(INSUFFICIENT_PRIVILEGE), "{statement}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn service_takes_over_existing_database_without_superuser() {
    let database = cluster();
    let old = Server::builder().on_postgres(&database.url()).start().await;
    let body = json!({
        "username": "someone", "email": "someone@example.com", "password": PASSWORD
    });
    assert_eq!(old.anon().post("/register", &body).await.status, 201);
    drop(old);

    succeeded(&run(&mut script(database.port)));
    // It may be repeated, with new passwords.
    let mut renewed = script(database.port);
    renewed.env("POSTGRES_SERVICE_PASSWORD", "another-password");
    succeeded(&run(&mut renewed));
    let before = PgConnection::connect(&url(&database, SERVICE)).await;
    assert!(before.is_err(), "the former password is still accepted");

    let url = url(&database, (SERVICE.0, "another-password"));
    let server = Server::builder().on_postgres(&url).start().await;
    let answer = server.anon().login("someone", PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.text);

    let mut service = postgres::connect(&url).await;
    all_refused(
        &mut service,
        &[
            "CREATE ROLE another",
            "CREATE DATABASE another",
            "ALTER ROLE rbac_service SUPERUSER",
            "SET ROLE rbac_exporter",
            "SELECT rolpassword FROM pg_authid",
            "SELECT pg_read_file('/etc/passwd')",
            "COPY users TO PROGRAM 'cat'",
            "CREATE TABLE reading.own (id INT)",
            "DROP EVENT TRIGGER allow_reading",
        ],
    )
    .await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn reader_sees_no_secrets_and_writes_nothing() {
    let database = cluster();
    succeeded(&run(&mut script(database.port)));
    let own = url(&database, SERVICE);
    let server = Server::builder().on_postgres(&own).start().await;
    let mut reader = postgres::connect(&url(&database, READER)).await;

    let columns = "SELECT relname || '.' || attname FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
            AND attnum > 0 AND NOT attisdropped
            AND NOT has_column_privilege(pg_class.oid, attnum, 'SELECT')";
    let mut hidden: Vec<String> = sqlx::query_scalar(columns)
        .fetch_all(&mut reader)
        .await
        .expect("columns");
    hidden.sort();
    let mut expected = SECRET_COLUMNS;
    expected.sort_unstable();
    assert_eq!(hidden, expected);
    let admin: String = sqlx::query_scalar("SELECT username FROM users")
        .fetch_one(&mut reader)
        .await
        .expect("a name");
    assert_eq!(admin, "admin");

    reader
        .execute("SET default_transaction_read_only = off")
        .await
        .expect("set");
    all_refused(
        &mut reader,
        &[
            "SELECT * FROM users",
            "SELECT sealed_private_key FROM signing_keys",
            "UPDATE users SET disabled = FALSE",
            "DELETE FROM sessions",
            "INSERT INTO user_roles SELECT id, 'admin', now() FROM users",
            "CREATE TABLE public.own (id INT)",
            "CREATE TEMPORARY TABLE own (id INT)",
            "SET ROLE rbac_service",
            "SELECT reading.allow('users'::regclass)",
        ],
    )
    .await;

    // Tables and columns of later migrations.
    let mut service = postgres::connect(&own).await;
    for statement in [
        "CREATE TABLE later (id INT, code_hash TEXT, sealed BYTEA)",
        "ALTER TABLE later ADD COLUMN totp_secret TEXT, ADD COLUMN name TEXT",
    ] {
        service.execute(statement).await.expect("migrated");
    }
    assert_eq!(
        refusal(&mut reader, "SELECT id, name FROM later").await,
        None
    );
    all_refused(
        &mut reader,
        &[
            "SELECT code_hash FROM later",
            "SELECT sealed FROM later",
            "SELECT totp_secret FROM later",
        ],
    )
    .await;
    drop(server);
}

#[tokio::test]
#[ignore = "needs PostgreSQL and its exporter: scripts/test"]
async fn exporter_reads_statistics_and_no_table() {
    let database = cluster();
    succeeded(&run(&mut script(database.port)));
    let server = Server::builder()
        .on_postgres(&url(&database, SERVICE))
        .start()
        .await;
    let mut exporter = postgres::connect(&url(&database, EXPORTER)).await;
    exporter
        .execute("SET default_transaction_read_only = off")
        .await
        .expect("set");
    all_refused(
        &mut exporter,
        &[
            "SELECT id FROM public.users",
            "DELETE FROM public.sessions",
            "CREATE TABLE public.own (id INT)",
            "CREATE TEMPORARY TABLE own (id INT)",
            "SELECT pg_read_file('/etc/passwd')",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rbac_service'",
        ],
    )
    .await;

    // pg_monitor shows what other roles' connections do.
    let states: Vec<Option<String>> =
        sqlx::query_scalar("SELECT state FROM pg_stat_activity WHERE usename = 'rbac_service'")
            .fetch_all(&mut exporter)
            .await
            .expect("states");
    assert!(
        !states.is_empty() && states.iter().all(Option::is_some),
        "{states:?}"
    );

    let program = std::env::var("POSTGRES_EXPORTER")
        .expect("POSTGRES_EXPORTER must name the program: run scripts/test, which sees to it");
    let port = free_port();
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(program);
    command
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .env(
            "DATA_SOURCE_URI",
            format!("127.0.0.1:{}/postgres?sslmode=disable", database.port),
        )
        .env("DATA_SOURCE_USER", EXPORTER.0)
        .env("DATA_SOURCE_PASS", EXPORTER.1);
    let process = Process::start("postgres-exporter", &mut command, folder.path())
        .expect("the exporter starts");
    let metrics = format!("http://127.0.0.1:{port}/metrics");
    until("scraped", async || {
        let Ok(answer) = http().get(&metrics).send().await else {
            return false;
        };
        let text = answer.text().await.expect("a body");
        text.contains("\npg_up 1\n") && text.contains("\npg_exporter_last_scrape_error 0\n")
    })
    .await;
    let log = process.log();
    assert!(!log.contains("permission denied"), "{log}");
    drop(server);
}

#[test]
fn weak_and_shared_passwords_are_refused() {
    for (variable, value, fault) in [
        ("POSTGRES_READER_PASSWORD", "short", "at least eight"),
        ("POSTGRES_PASSWORD", "colon:and@sign", "at least eight"),
        ("POSTGRES_EXPORTER_PASSWORD", "", "at least eight"),
        ("POSTGRES_READER_PASSWORD", SERVICE.1, "are the same"),
    ] {
        let output = run(script(free_port()).env(variable, value));
        let said = text(&output.stderr);
        assert!(said.contains(fault) && said.contains(variable), "{said}");
        assert_eq!(output.status.code(), Some(1));
        assert!(value.is_empty() || !said.contains(value), "{said}");
    }
    let mut published = script(free_port());
    published
        .env("PUBLIC_URL", "https://auth.example.com")
        .env("POSTGRES_SERVICE_PASSWORD", "development-only-service");
    let said = text(&run(&mut published).stderr);
    let rule = "POSTGRES_SERVICE_PASSWORD is the published password";
    assert!(said.contains(rule), "{said}");
}
