//! Pooled connections, and the metrics of their use.

use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Executor as _, Postgres, SqlStr, Sqlite};

use super::failure::{classify, is_lost};
use super::sql::{BEGIN, COMMIT, ROLLBACK, Statement};
use super::{execute, on};
use crate::error::Result;
use crate::metrics::{DB_PENDING, DB_TIMEOUTS, DB_USE, DB_WAIT, DbSystem, Pool};

/// A pooled connection of one of the engines.
pub(super) enum Pooled {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

/// The driver's connection, for the macros.
pub(super) enum Raw<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

/// A connection taken from its pool: for a single read, or inside a [`super::Tx`]. Dropping it in
/// the middle of a transaction rolls back in the background.
pub(super) struct Conn {
    /// `None` only inside `drop`.
    pooled: Option<Pooled>,
    pool: Pool,
    since: Instant,
    /// The longest that a statement may take.
    deadline: Option<Duration>,
    in_transaction: bool,
    /// The connection's state is unknown: it is closed instead of going back to the pool.
    lost: bool,
}

impl Conn {
    /// The driver's connection.
    pub(super) fn raw(&mut self) -> Raw<'_> {
        match self.pooled.as_mut().expect("`None` only inside `drop`") {
            Pooled::Sqlite(connection) => Raw::Sqlite(connection),
            Pooled::Postgres(connection) => Raw::Postgres(connection),
        }
    }

    /// The engine that it belongs to.
    pub(super) const fn system(&self) -> DbSystem {
        system(self.pool)
    }

    /// The longest that a statement may take.
    pub(super) const fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// Counts and translates a statement's error.
    pub(super) fn judge<T>(&mut self, result: Result<T, sqlx::Error>) -> Result<T> {
        result.map_err(|error| {
            self.lost |= is_lost(&error);
            classify(self.system(), error)
        })
    }

    /// Starts a transaction that may write. SQLite's starts as a writer: one that starts as a reader
    /// and becomes a writer fails at once when another writer was faster, whatever the busy timeout.
    pub(super) async fn begin(&mut self) -> Result<()> {
        let text = match self.raw() {
            Raw::Sqlite(_) => "BEGIN IMMEDIATE",
            Raw::Postgres(_) => BEGIN.sql,
        };
        // Before the statement: one that is cancelled half-way may have begun all the same.
        self.in_transaction = true;
        on!(self, BEGIN, connection => async { connection.execute(text).await.map(drop) })
    }

    /// Commits the transaction.
    pub(super) async fn commit(&mut self) -> Result<()> {
        execute!(self, COMMIT)?;
        self.in_transaction = false;
        Ok(())
    }

    /// Rolls the transaction back. Where that fails, the connection is closed, which has the same
    /// effect: SQLite refuses where it has rolled back by itself, and a server whose connection is
    /// lost rolls back.
    pub(super) async fn rollback(&mut self) {
        // Closing a lost connection is enough.
        if !self.lost && execute!(self, ROLLBACK).is_err() {
            self.lost = true;
        }
        self.in_transaction = false;
    }

    /// Prepares a statement without executing it.
    pub(super) async fn prepare(&mut self, statement: &Statement) -> Result<(), sqlx::Error> {
        let text = SqlStr::from_static(statement.sql);
        match self.raw() {
            Raw::Sqlite(connection) => connection.prepare(text).await.map(drop),
            Raw::Postgres(connection) => connection.prepare(text).await.map(drop),
        }
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        DB_USE.observe(self.pool, self.since.elapsed());
        let Some(mut pooled) = self.pooled.take() else {
            return;
        };
        if self.lost {
            pooled.close_on_drop();
        } else if self.in_transaction {
            let mut conn = Self {
                pooled: Some(pooled),
                in_transaction: false,
                since: Instant::now(),
                ..*self
            };
            tokio::spawn(async move { conn.rollback().await });
        }
    }
}

impl Pooled {
    fn close_on_drop(&mut self) {
        match self {
            Self::Sqlite(connection) => connection.close_on_drop(),
            Self::Postgres(connection) => connection.close_on_drop(),
        }
    }
}

const fn system(pool: Pool) -> DbSystem {
    match pool {
        Pool::SqliteRead | Pool::SqliteWrite => DbSystem::Sqlite,
        Pool::Postgresql => DbSystem::Postgresql,
    }
}

/// Waits for a connection, and measures the wait.
pub(super) async fn acquire(
    pool: Pool,
    deadline: Option<Duration>,
    pooled: impl Future<Output = Result<Pooled, sqlx::Error>>,
) -> Result<Conn> {
    struct Pending(Pool);
    impl Drop for Pending {
        fn drop(&mut self) {
            DB_PENDING.with(self.0).decrement(1);
        }
    }
    DB_PENDING.with(pool).increment(1);
    let pending = Pending(pool);
    let start = Instant::now();
    let acquired = pooled.await;
    drop(pending);
    DB_WAIT.observe(pool, start.elapsed());
    match acquired {
        Ok(pooled) => Ok(Conn {
            pooled: Some(pooled),
            pool,
            since: Instant::now(),
            deadline,
            in_transaction: false,
            lost: false,
        }),
        Err(error) => {
            if matches!(error, sqlx::Error::PoolTimedOut) {
                DB_TIMEOUTS.inc(pool);
            }
            Err(classify(system(pool), error))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::store::sqlite::{Sqlite as Embedded, SqliteOptions};

    async fn runs(conn: &mut Conn, text: &'static str) -> Result<(), sqlx::Error> {
        match conn.raw() {
            Raw::Sqlite(connection) => connection.execute(text).await.map(drop),
            Raw::Postgres(_) => unreachable!("the embedded database"),
        }
    }

    #[tokio::test]
    async fn lost_connection_does_not_go_back_to_the_pool() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = SqliteOptions {
            url: folder.path().join("test.db").display().to_string(),
            readers: 1,
            synchronous_full: false,
            acquire_timeout: Duration::from_mins(1),
        };
        let database = Embedded::open(&options).await.expect("opened");
        // There is one connection for writing; a temporary table is seen by the connection that made it.
        let mut conn = database.writer().await.expect("a connection");
        runs(&mut conn, "CREATE TEMP TABLE mark (x)")
            .await
            .expect("made");
        let wrong = runs(&mut conn, "SELECT * FROM nothing").await;
        conn.judge(wrong)
            .expect_err("an error, and the connection works");
        drop(conn);
        let mut conn = database.writer().await.expect("a connection");
        runs(&mut conn, "SELECT * FROM mark")
            .await
            .expect("the same connection");
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        conn.judge::<()>(Err(sqlx::Error::Io(reset)))
            .expect_err("lost");
        drop(conn);
        let mut conn = database.writer().await.expect("a connection");
        runs(&mut conn, "SELECT * FROM mark")
            .await
            .expect_err("another connection");
    }
}
