//! Statements find their rows by indexes and do not scan large tables.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use rbac_sentinel::testing::store::{
    Options, PostgresOptions, Seed, SeedSession, SqliteOptions, Store, sql,
};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, PgConnection};

use crate::harness::{PATIENCE, postgres};
use crate::store::recorder;

const ACCOUNTS: u32 = 20_000;

/// Statements that read a table whole or sort, and why they may.
const WHOLE: [(&str, &[&str], &str); 16] = [
    (
        "count_users",
        &["users"],
        "a count of everything, along the smallest index, and rarer where it takes long",
    ),
    (
        "entity_types",
        &["entity_types"],
        "there are a handful of types",
    ),
    ("policy_permissions", &["permissions"], READ_WHOLE),
    ("policy_roles", &["roles"], READ_WHOLE),
    ("policy_parents", &["role_parents"], READ_WHOLE),
    ("policy_grants", &["role_grants"], READ_WHOLE),
    ("policy_exclusions", &["role_exclusions"], READ_WHOLE),
    (
        "policy_exclusion_members",
        &["role_exclusion_members"],
        READ_WHOLE,
    ),
    (
        "grant_usage",
        &["grant_usage"],
        "its answer is about all of it",
    ),
    (
        "role_usage",
        &["role_usage"],
        "its answer is about all of it",
    ),
    (
        "exclusion_broken",
        &[SORT],
        "the holders of some roles, which a change of the policy must look at",
    ),
    ("holders", &[SORT], FEW_HOLDERS),
    ("limited_holders", &[SORT], FEW_HOLDERS),
    ("signing_keys", &["signing_keys", SORT], FEW_KEYS),
    ("stored_signing_keys", &["signing_keys", SORT], FEW_KEYS),
    ("remove_signing_keys", &["signing_keys", SORT], FEW_KEYS),
];
const FEW_HOLDERS: &str = "the first of each of some roles are put in their order";
const READ_WHOLE: &str = "the policy is read whole, and only when it has changed";
const FEW_KEYS: &str = "there are a handful of keys";
/// In a plan: collecting rows to sort them.
const SORT: &str = "(a sort)";

/// The tables by the names that statements give them.
const ALIASES: [(&str, &str); 4] = [
    ("u", "users"),
    ("ur", "user_roles"),
    ("s", "sessions"),
    ("t", "refresh_tokens"),
];

/// Deletions whose check of foreign keys reads a table whole, once the statistics say that all of its rows have
/// the one value that they do in this test.
const BY_STATISTICS: [&str; 2] = ["delete_entity_type", "delete_role"];

/// Rows that statements make themselves: few, or as many as their answer needs.
const OF_STATEMENTS: [&str; 4] = ["below", "e", "held", "holders"];

/// The parts of a statement's plan whose cost grows with the number of rows: table scans and sorts.
async fn laborious(connection: &mut SqliteConnection, statement: &str) -> BTreeSet<String> {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
    let steps: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain)
        .fetch_all(connection)
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
    let mut found = BTreeSet::new();
    for (_, _, _, step) in steps {
        let mut words = step.split(' ');
        match (words.next(), words.next()) {
            // Rows of the statement itself.
            (Some("SCAN"), Some("CONSTANT")) => {}
            (Some("SCAN"), Some(rows)) if rows.ends_with("-ROW") => {}
            (Some("SCAN"), Some(name)) if OF_STATEMENTS.contains(&name) => {}
            (Some("SCAN"), Some(name)) if name.starts_with("held_") => {}
            (Some("SCAN"), Some(name)) => {
                let table = ALIASES.iter().find(|(alias, _)| *alias == name);
                found.insert(table.map_or(name, |(_, table)| table).to_owned());
            }
            (Some("USE"), _) => {
                found.insert(SORT.to_owned());
            }
            _ => {}
        }
    }
    found
}

/// The same for PostgreSQL: the plan that serves any parameters.
async fn laborious_on_postgres(connection: &mut PgConnection, statement: &str) -> BTreeSet<String> {
    let parameters = (1..=199)
        .filter(|n| statement.contains(&format!("${n}")))
        .count();
    let nulls = vec!["NULL"; parameters].join(", ");
    let arguments = if parameters > 0 {
        format!("({nulls})")
    } else {
        String::new()
    };
    let asked = [
        "SET plan_cache_mode = force_generic_plan".to_owned(),
        // As on a solid-state disk. By default PostgreSQL expects that for a batch of two hundred rows
        // a scan of a table of this size is as fast as the index.
        "SET random_page_cost = 1".to_owned(),
        format!("PREPARE asked AS {statement}"),
    ];
    for text in asked {
        let done = connection.execute(AssertSqlSafe(text)).await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    let explain = AssertSqlSafe(format!("EXPLAIN EXECUTE asked{arguments}"));
    let steps: Vec<String> = sqlx::query_scalar(explain)
        .fetch_all(&mut *connection)
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
    connection
        .execute("DEALLOCATE asked")
        .await
        .expect("forgotten");
    let scanned = steps
        .iter()
        .filter_map(|step| step.split_once("Seq Scan on "));
    let tables = scanned.map(|(_, rest)| rest.split(' ').next().unwrap_or_default().to_owned());
    tables.collect()
}

/// A database of many accounts with a session each.
async fn filled(options: &Options) {
    recorder();
    let store = Store::open(options).await.expect("the database opens");
    let at = DateTime::<Utc>::UNIX_EPOCH;
    let seed = Seed {
        password_hash: "$argon2id$a-hash".to_owned(),
        at,
        session: Some(SeedSession {
            idle_expires_at: at + TimeDelta::days(14),
            expires_at: at + TimeDelta::days(30),
        }),
    };
    let seeded = store.seed_users(&seed, 1, ACCOUNTS).await;
    seeded.expect("seeded");
    store.close().await;
}

/// What makes large tables of those that are not seeded.
///
/// Names of seeded accounts end with a digit: so many roles and types there are.
const FILLING: [&str; 5] = [
    "INSERT INTO roles (name, description) SELECT DISTINCT 'r' || SUBSTR(username, 12), '' FROM users",
    "INSERT INTO user_roles (user_id, role, granted_at) \
     SELECT id, 'r' || SUBSTR(username, 12), created_at FROM users",
    "INSERT INTO limited_roles (user_id, role, reach_type, reach_id, granted_at) \
     SELECT id, 'r' || SUBSTR(username, 12), 'record', username, created_at FROM users",
    "INSERT INTO entity_types (side, kind, description) \
     SELECT DISTINCT 'resource', 'r' || SUBSTR(username, 12), '' FROM users",
    "INSERT INTO entities (side, kind, id, properties, updated_at) \
     SELECT 'resource', 'r' || SUBSTR(username, 12), username, '{}', created_at FROM users",
];

async fn execute(connection: &mut SqliteConnection, statement: &'static str) {
    let done = sqlx::query(statement).execute(connection).await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}"));
}

async fn the_reader_of_plans_sees_what_it_shall(connection: &mut SqliteConnection) {
    for (statement, expected) in [
        ("SELECT id FROM users u WHERE u.email = $1", &["users"][..]),
        (
            "SELECT id FROM users ORDER BY username LIMIT 1",
            &[SORT, "users"],
        ),
        ("DELETE FROM sessions WHERE expires_at < $1", &["sessions"]),
        ("SELECT id FROM users WHERE id = $1", &[]),
    ] {
        let found = laborious(connection, statement).await;
        let found: Vec<_> = found.iter().map(String::as_str).collect();
        assert_eq!(found, expected, "{statement}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_scans_a_large_table_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("plans.db").display().to_string();
    filled(&Options::Sqlite(SqliteOptions {
        url: path.clone(),
        readers: 1,
        synchronous_full: false,
        acquire_timeout: PATIENCE,
    }))
    .await;
    let options = SqliteConnectOptions::new().filename(&path);
    let mut connection = options.connect().await.expect("it opens");
    let connection = &mut connection;
    the_reader_of_plans_sees_what_it_shall(connection).await;
    for statement in [
        "UPDATE sessions SET ended_at = created_at, end_reason = 'logout' \
         WHERE hex(id) LIKE '%0' OR hex(id) LIKE '%1'",
        "UPDATE refresh_tokens SET rotated_at = issued_at, successor = token_hash \
         WHERE hex(token_hash) < '8'",
    ]
    .into_iter()
    .chain(FILLING)
    {
        execute(connection, statement).await;
    }
    let expected: BTreeMap<&str, BTreeSet<String>> = WHOLE
        .iter()
        .map(|(name, what, _)| (*name, what.iter().map(ToString::to_string).collect()))
        .collect();
    // Without statistics, as after the first start, and with them.
    for analysed in [false, true] {
        if analysed {
            execute(connection, "ANALYZE").await;
        }
        let mut found = BTreeMap::new();
        for statement in sql::all() {
            let laborious = laborious(connection, statement.sql).await;
            if !laborious.is_empty() {
                found.insert(statement.name, laborious);
            }
        }
        if analysed {
            found.retain(|name, _| !BY_STATISTICS.contains(name));
        }
        assert_eq!(found, expected, "analysed: {analysed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: scripts/test"]
async fn no_statement_scans_a_large_table_on_postgresql() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = postgres::schema_of(folder.path()).await;
    let options = Options::Postgres(PostgresOptions {
        url: url.clone(),
        max_connections: 1,
        acquire_timeout: PATIENCE,
        statement_timeout: PATIENCE,
        application_name: "plans".to_owned(),
    });
    recorder();
    let store = Store::open(&options).await.expect("the tables are made");
    store.close().await;
    let connection = &mut postgres::connect(&url).await;
    let large = [
        "users",
        "user_roles",
        "limited_roles",
        "entities",
        "sessions",
        "refresh_tokens",
    ];
    for table in large {
        // It comes when it likes, and then an index alone can answer what needs the table now.
        let without = format!("ALTER TABLE {table} SET (autovacuum_enabled = false)");
        let done = connection.execute(AssertSqlSafe(without)).await;
        done.expect("no vacuum");
    }
    filled(&options).await;
    for statement in [
        "UPDATE sessions SET ended_at = created_at, end_reason = 'logout' \
         WHERE CAST(id AS TEXT) LIKE '%0' OR CAST(id AS TEXT) LIKE '%1'",
        "UPDATE refresh_tokens SET rotated_at = issued_at, successor = token_hash \
         WHERE encode(token_hash, 'hex') < '8'",
        FILLING[0],
        FILLING[1],
        FILLING[2],
        FILLING[3],
        FILLING[4],
        "ANALYZE users, user_roles, limited_roles, entities, sessions, refresh_tokens",
    ] {
        connection.execute(statement).await.expect(statement);
    }
    let found = laborious_on_postgres(connection, "SELECT id FROM users WHERE email = $1").await;
    assert_eq!(
        found,
        BTreeSet::from(["users".to_owned()]),
        "the reader of plans sees it"
    );
    let plain = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"];
    let mut laborious = BTreeMap::new();
    for statement in sql::all() {
        if !plain.iter().any(|word| statement.sql.starts_with(word)) {
            continue;
        }
        let tables = laborious_on_postgres(connection, statement.sql).await;
        let tables: Vec<_> = tables
            .into_iter()
            .filter(|table| large.contains(&table.as_str()))
            .collect();
        if !tables.is_empty() {
            laborious.insert(statement.name, tables);
        }
    }
    let expected = BTreeMap::from([("count_users", vec!["users".to_owned()])]);
    assert_eq!(laborious, expected);
}
