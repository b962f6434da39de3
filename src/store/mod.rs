//! The database. sqlx lives here, nowhere else.
//!
//! Each method is one unit of work: a single statement, or one transaction that is committed in one
//! visible place. Nothing here hashes, calls a cache, or waits for anything but the database.
//! Statements run through the macros below, which measure each under its name.

mod failure;
mod keys;
mod roles;
mod sessions;
pub mod sql;
mod users;

use std::str::FromStr;
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    Sqlite, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool,
    SqlitePoolOptions, SqliteSynchronous,
};

use self::failure::{Failure, classify};
use crate::error::{Error, Result};
use crate::metrics::{
    ConnectionState, DB_CONNECTION_MAX, DB_CONNECTIONS, DB_ERRORS, DB_PENDING, DB_TIMEOUTS, DB_USE,
    DB_WAIT, DEPENDENCY_UP, DbError, DbSystem, Dependency, Pool,
};

pub use keys::StoredKey;
pub use sessions::{NewSession, Principal, Rotation, RotationRequest, Session};
pub use users::{Credentials, NewUser, ProfileChange, User, UserPage};

/// How to open the embedded database.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// `sqlite://PATH`, or a path.
    pub url: String,
    /// Connections for reading.
    pub readers: u32,
    /// Wait for the disk at every commit.
    pub synchronous_full: bool,
    /// How long to wait for a connection, and for a lock.
    pub acquire_timeout: Duration,
}

/// The database of accounts, roles, sessions and keys.
#[derive(Clone, Debug)]
pub struct Store {
    read: SqlitePool,
    write: SqlitePool,
}

impl Store {
    /// Opens the embedded database, which is created when it does not exist, and brings its schema
    /// up to date.
    ///
    /// One connection writes: SQLite has one writer at a time anyway, and waiting in a pool is fair
    /// and measurable where waiting for a file lock is neither.
    ///
    /// # Errors
    /// When the file cannot be opened, or a migration fails.
    pub async fn open(options: &SqliteOptions) -> Result<Self> {
        let connect = SqliteConnectOptions::from_str(&options.url)
            .map_err(cannot_open)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(if options.synchronous_full {
                SqliteSynchronous::Full
            } else {
                SqliteSynchronous::Normal
            })
            .foreign_keys(true)
            .busy_timeout(options.acquire_timeout);
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(options.acquire_timeout)
                .test_before_acquire(false)
                // Opening a connection runs pragmas: keep what is open.
                .idle_timeout(None)
                .max_lifetime(None)
        };
        let write = pool(1)
            .connect_with(connect.clone())
            .await
            .map_err(cannot_open)?;
        sqlx::migrate!("migrations/sqlite")
            .run(&write)
            .await
            .map_err(cannot_open)?;
        let read = pool(options.readers)
            .connect_with(connect.read_only(true))
            .await
            .map_err(cannot_open)?;
        DB_CONNECTION_MAX.set(Pool::SqliteRead, f64::from(options.readers));
        DB_CONNECTION_MAX.set(Pool::SqliteWrite, 1.0);
        Ok(Self { read, write })
    }

    /// Closes every connection; SQLite folds its log into the file.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }

    /// Asks the database for nothing, to see whether it answers, and says so in the metrics.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<()> {
        let answer = self.try_ping().await;
        DEPENDENCY_UP.set(Dependency::Database, if answer.is_ok() { 1.0 } else { 0.0 });
        answer
    }

    async fn try_ping(&self) -> Result<()> {
        let mut conn = self.reader().await?;
        execute!(conn, sql::PING)?;
        Ok(())
    }

    /// Sets the pools' gauges. Called before each scrape.
    pub fn observe_pools(&self) {
        for (pool, label) in [
            (&self.read, Pool::SqliteRead),
            (&self.write, Pool::SqliteWrite),
        ] {
            // The two are read one after the other: a connection may come back in between.
            let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
            let used = pool.size().saturating_sub(idle);
            DB_CONNECTIONS.set((label, ConnectionState::Idle), f64::from(idle));
            DB_CONNECTIONS.set((label, ConnectionState::Used), f64::from(used));
        }
    }

    /// Prepares every statement, so that a misspelt one is found at once.
    ///
    /// # Errors
    /// The first statement that the database refuses.
    pub async fn prepare_all(&self) -> Result<()> {
        use sqlx::Executor as _;
        let mut conn = self.reader().await?;
        for statement in sql::ALL {
            conn.connection()
                .prepare(sqlx::SqlStr::from_static(statement.sql))
                .await
                .map_err(|error| Error::internal(format!("{}: {error}", statement.name)))?;
        }
        Ok(())
    }

    /// A connection for a single read.
    async fn reader(&self) -> Result<Lease<PoolConnection<Sqlite>>> {
        lease(Pool::SqliteRead, self.read.acquire()).await
    }

    /// A transaction that may write. It starts as a writer: one that starts as a reader and turns
    /// into a writer fails at once when another was faster, whatever the busy timeout says.
    async fn begin(&self) -> Result<Lease<Transaction>> {
        lease(Pool::SqliteWrite, self.write.begin_with("BEGIN IMMEDIATE")).await
    }
}

/// Says what did not work: the engine's words alone do not.
fn cannot_open(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("the database cannot be opened: {error}"))
}

/// A count of everything and of a part of it.
#[derive(Default, sqlx::FromRow)]
struct Counts {
    total: i64,
    part: i64,
}

impl Counts {
    fn get(&self) -> (u64, u64) {
        (self.total.unsigned_abs(), self.part.unsigned_abs())
    }
}

type Transaction = sqlx::Transaction<'static, Sqlite>;

/// A pooled connection and the time since when it is lent out.
struct Lease<C> {
    conn: Option<C>,
    pool: Pool,
    since: Instant,
}

impl<C> Drop for Lease<C> {
    fn drop(&mut self) {
        DB_USE.observe(self.pool, self.since.elapsed());
    }
}

impl<C: std::ops::DerefMut<Target = SqliteConnection>> Lease<C> {
    /// The connection itself.
    fn connection(&mut self) -> &mut SqliteConnection {
        // Taken by `commit` alone, which consumes the lease.
        self.conn
            .as_mut()
            .expect("a lease holds its connection until it is consumed")
    }
}

impl Lease<Transaction> {
    /// Commits. A lease that is dropped without it rolls back.
    async fn commit(mut self) -> Result<()> {
        match self.conn.take() {
            Some(transaction) => transaction.commit().await.map_err(counted),
            None => Ok(()),
        }
    }
}

/// Waits for a connection, and measures the wait.
async fn lease<C>(
    pool: Pool,
    acquire: impl Future<Output = Result<C, sqlx::Error>>,
) -> Result<Lease<C>> {
    struct Pending(Pool);
    impl Drop for Pending {
        fn drop(&mut self) {
            DB_PENDING.with(self.0).decrement(1);
        }
    }
    DB_PENDING.with(pool).increment(1);
    let pending = Pending(pool);
    let start = Instant::now();
    let acquired = acquire.await;
    drop(pending);
    DB_WAIT.observe(pool, start.elapsed());
    match acquired {
        Ok(conn) => Ok(Lease {
            conn: Some(conn),
            pool,
            since: Instant::now(),
        }),
        Err(error) => {
            if matches!(error, sqlx::Error::PoolTimedOut) {
                DB_TIMEOUTS.inc(pool);
            }
            Err(counted(error))
        }
    }
}

fn counted(error: sqlx::Error) -> Error {
    let Failure { kind, error } = classify(error);
    DB_ERRORS.inc((DbSystem::Sqlite, kind));
    debug_assert_ne!(kind, DbError::UniqueViolation, "a statement's error");
    error
}

/// Executes a statement: `execute!(lease, STATEMENT, bind, …)` gives the number of rows changed.
macro_rules! execute {
    ($on:expr, $statement:expr $(, $bind:expr)* $(,)?) => {
        $statement
            .timed(sqlx::query($statement.sql)$(.bind($bind))*.execute($on.connection()))
            .await
            .map(|result| result.rows_affected())
    };
}
use execute;

/// At most one row: `fetch_optional!(lease, STATEMENT => Row, bind, …)`.
macro_rules! fetch_optional {
    ($on:expr, $statement:expr => $row:ty $(, $bind:expr)* $(,)?) => {
        $statement
            .timed(
                sqlx::query_as::<_, $row>($statement.sql)$(.bind($bind))*
                    .fetch_optional($on.connection()),
            )
            .await
    };
}
use fetch_optional;

/// All rows: `fetch_all!(lease, STATEMENT => Row, bind, …)`.
macro_rules! fetch_all {
    ($on:expr, $statement:expr => $row:ty $(, $bind:expr)* $(,)?) => {
        $statement
            .timed(
                sqlx::query_as::<_, $row>($statement.sql)$(.bind($bind))*
                    .fetch_all($on.connection()),
            )
            .await
    };
}
use fetch_all;
