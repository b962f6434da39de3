//! The database. No other module uses sqlx.
//!
//! Reads are methods of [`Store`]. Changes are methods of [`Tx`], a transaction that its caller
//! commits, so that all changes of one operation are stored together. Jobs and start-up work have
//! methods of [`Store`] with a transaction of their own. Nothing here hashes, calls a cache, or waits
//! for anything but the database. Statements are executed by the macros below, which measure each
//! under its name.
//!
//! To add a statement, add it to the file of its table in [`sql`]; a contract test must execute it.

mod connection;
mod end_reason;
mod entities;
mod failure;
mod holders;
mod housekeeping;
mod keys;
mod leases;
mod lookup;
mod migrations;
mod policy;
mod postgres;
mod recheck;
mod replay;
mod roles;
mod rotation;
mod rows;
mod search;
mod seeding;
mod sessions;
pub mod sql;
mod sqlite;
mod transaction;
mod usage;
mod users;
mod write_check;

use self::connection::Conn;
use self::postgres::Postgres;
use self::rows::from_row;
use self::sqlite::Sqlite;
use crate::error::{Error, Result};
use crate::metrics::{ConnectionState, DB_CONNECTIONS, DEPENDENCY_UP, DbSystem, Dependency, Pool};

pub use end_reason::EndReason;
pub use entities::{Entity, EntityPage, EntityType, MOST_WITH_TYPE, Side};
pub use holders::{Holder, Holders, Sought};
pub use housekeeping::{HOUSEKEEPING_BATCH, Outdated};
pub use keys::StoredKey;
pub use leases::{LastRun, Lease, LeaseName};
pub use policy::{StoredGrant, StoredPolicy, StoredRole};
pub use postgres::PostgresOptions;
pub use replay::Replay;
pub use rotation::{Refreshed, Rotation, RotationRequest, TokenPlace};
pub use rows::User;
pub use seeding::{MAX_SEED, Seed, SeedSession};
pub use sessions::{NewSession, Principal, Session};
pub use sqlite::SqliteOptions;
pub use transaction::Tx;
pub use usage::StoredUsage;
pub use users::{Credentials, NewUser, ProfileChange, UserPage};

/// Which database, and how to open it.
#[derive(Clone, Debug)]
pub enum Options {
    /// The embedded database.
    Sqlite(SqliteOptions),
    /// A PostgreSQL server.
    Postgres(PostgresOptions),
}

impl Options {
    /// Where the database is, as text without a password.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::Sqlite(options) => {
                let path = options
                    .url
                    .trim_start_matches("sqlite:")
                    .trim_start_matches("//");
                format!("SQLite in {path}")
            }
            Self::Postgres(options) => format!("PostgreSQL at {}", postgres::place(&options.url)),
        }
    }
}

/// The database of accounts, roles, sessions and keys.
#[derive(Clone, Debug)]
pub struct Store(Engine);

#[derive(Clone, Debug)]
enum Engine {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Store {
    /// Opens the database and migrates its schema. The embedded one is created if it does not exist.
    ///
    /// # Errors
    /// When it cannot be opened or reached, or a migration fails.
    pub async fn open(options: &Options) -> Result<Self> {
        let engine = match options {
            Options::Sqlite(options) => {
                sql::initialise(DbSystem::Sqlite);
                Engine::Sqlite(Sqlite::open(options).await?)
            }
            Options::Postgres(options) => {
                sql::initialise(DbSystem::Postgresql);
                Engine::Postgres(Postgres::open(options).await?)
            }
        };
        Ok(Self(engine))
    }

    /// Closes every connection.
    pub async fn close(&self) {
        match &self.0 {
            Engine::Sqlite(sqlite) => sqlite.close().await,
            Engine::Postgres(postgres) => postgres.close().await,
        }
    }

    /// Pings the database and sets its gauge. After a write that the disk refused, it also writes.
    ///
    /// # Errors
    /// When the database does not answer, or the disk still refuses.
    pub async fn ping(&self) -> Result<()> {
        let answer = self.try_ping().await;
        let up = DEPENDENCY_UP.series(&[Dependency::Database.word()]);
        up.set(if answer.is_ok() { 1.0 } else { 0.0 });
        answer
    }

    async fn try_ping(&self) -> Result<()> {
        match &self.0 {
            Engine::Sqlite(sqlite) => {
                let mut conn = sqlite.reader().await?;
                execute!(conn, sql::PING)?;
            }
            Engine::Postgres(postgres) => postgres.ping().await?,
        }
        self.check_writing_if_refused().await
    }

    /// Sets the gauges of the connection pools. Called before each scrape.
    pub fn observe_pools(&self) {
        match &self.0 {
            Engine::Sqlite(sqlite) => sqlite.observe(),
            Engine::Postgres(postgres) => postgres.observe(),
        }
    }

    /// Prepares every statement, which finds misspelt ones.
    ///
    /// # Errors
    /// The first statement that the database refuses.
    pub async fn prepare_all(&self) -> Result<()> {
        let mut conn = self.reader().await?;
        for statement in sql::all() {
            conn.prepare(statement)
                .await
                .map_err(|error| Error::internal(format!("{}: {error}", statement.name)))?;
        }
        Ok(())
    }

    /// A connection for a single read.
    async fn reader(&self) -> Result<Conn> {
        match &self.0 {
            Engine::Sqlite(sqlite) => sqlite.reader().await,
            Engine::Postgres(postgres) => postgres.connection().await,
        }
    }

    /// A connection that may write.
    async fn writer(&self) -> Result<Conn> {
        match &self.0 {
            Engine::Sqlite(sqlite) => sqlite.writer().await,
            Engine::Postgres(postgres) => postgres.connection().await,
        }
    }
}

/// Adds to the driver's error that it happened while the database was opened.
fn cannot_open(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("the database cannot be opened: {error}"))
}

/// Sets the gauges of one pool.
fn observe<DB: sqlx::Database>(label: Pool, pool: &sqlx::Pool<DB>) {
    // A connection may come back between the two reads: the difference is never negative.
    let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
    let used = pool.size().saturating_sub(idle);
    DB_CONNECTIONS.set((label, ConnectionState::Idle), f64::from(idle));
    DB_CONNECTIONS.set((label, ConnectionState::Used), f64::from(used));
}

/// The account of the synthetic probe: never an administrator.
pub const PROBE_ACCOUNT: uuid::Uuid =
    uuid::Uuid::from_u128(0x6361_6e61_7279_7000_8000_0000_0000_0000);

/// Whether a text may be used in a query: PostgreSQL refuses the character NUL, so no stored text has
/// it.
fn findable(text: &str) -> bool {
    !text.contains('\0')
}

/// The number of all rows and of a part of them.
#[derive(Default)]
struct Counts {
    total: i64,
    part: i64,
}

from_row!(Counts { total, part });

impl Counts {
    fn get(&self) -> (u64, u64) {
        (self.total.unsigned_abs(), self.part.unsigned_abs())
    }
}

/// Runs the same work on whichever engine the connection belongs to: rustc checks every bind and
/// row type against both drivers.
macro_rules! on {
    ($conn:expr, $statement:expr, $connection:ident => $work:expr) => {{
        let (system, deadline) = ($conn.system(), $conn.deadline());
        let result = match $conn.raw() {
            $crate::store::connection::Raw::Sqlite($connection) => {
                $statement.timed(system, deadline, $work).await
            }
            $crate::store::connection::Raw::Postgres($connection) => {
                $statement.timed(system, deadline, $work).await
            }
        };
        $conn.judge(result)
    }};
}
use on;

/// Executes a statement: `execute!(conn, STATEMENT, bind, …)` gives the number of rows changed.
macro_rules! execute {
    ($conn:expr, $statement:expr $(, $bind:expr)* $(,)?) => {
        $crate::store::on!($conn, $statement, connection => async {
            let query = sqlx::query($statement.sql)$(.bind($bind))*;
            query.execute(connection).await.map(|result| result.rows_affected())
        })
    };
}
use execute;

/// Executes a statement that takes many rows of two columns: `execute_rows!(conn, STATEMENT,
/// [bind, …], rows)` gives the number of rows changed.
macro_rules! execute_rows {
    ($conn:expr, $statement:expr, [$($bind:expr),*], $rows:expr $(,)?) => {
        $crate::store::on!($conn, $statement, connection => async {
            let mut query = sqlx::query($statement.sql)$(.bind($bind))*;
            for (one, other) in $rows {
                query = query.bind(one).bind(other);
            }
            query.execute(connection).await.map(|result| result.rows_affected())
        })
    };
}
use execute_rows;

/// At most one row: `fetch_optional!(conn, STATEMENT => Row, bind, …)`.
macro_rules! fetch_optional {
    ($conn:expr, $statement:expr => $row:ty $(, $bind:expr)* $(,)?) => {
        $crate::store::on!($conn, $statement, connection => async {
            let query = sqlx::query_as::<_, $row>($statement.sql)$(.bind($bind))*;
            query.fetch_optional(connection).await
        })
    };
}
use fetch_optional;

/// All rows: `fetch_all!(conn, STATEMENT => Row, bind, …)`.
macro_rules! fetch_all {
    ($conn:expr, $statement:expr => $row:ty $(, $bind:expr)* $(,)?) => {
        $crate::store::on!($conn, $statement, connection => async {
            let query = sqlx::query_as::<_, $row>($statement.sql)$(.bind($bind))*;
            query.fetch_all(connection).await
        })
    };
}
use fetch_all;

/// All rows of a statement that takes a list: `fetch_list!(conn, STATEMENT => Row, [bind, …], values)`.
macro_rules! fetch_list {
    ($conn:expr, $statement:expr => $row:ty, [$($bind:expr),*], $values:expr $(,)?) => {
        $crate::store::on!($conn, $statement, connection => async {
            let mut query = sqlx::query_as::<_, $row>($statement.sql)$(.bind($bind))*;
            for value in $values {
                query = query.bind(value);
            }
            query.fetch_all(connection).await
        })
    };
}
use fetch_list;
