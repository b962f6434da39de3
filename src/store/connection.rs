//! Connections on loan: a read, or a transaction.

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
pub(super) enum Held {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

/// The connection itself, for the macros.
pub(super) enum Connection<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

/// A connection and the time since when it is lent out. One that is dropped within a transaction
/// rolls back.
pub(super) struct Lease {
    /// Always there but while it is dropped.
    held: Option<Held>,
    pool: Pool,
    since: Instant,
    /// How long a statement is waited for.
    deadline: Option<Duration>,
    in_transaction: bool,
    /// It is not known what the connection is doing: nobody else shall get it.
    lost: bool,
}

impl Lease {
    /// The connection.
    pub(super) fn connection(&mut self) -> Connection<'_> {
        match self.held.as_mut().expect("held until it is dropped") {
            Held::Sqlite(connection) => Connection::Sqlite(connection),
            Held::Postgres(connection) => Connection::Postgres(connection),
        }
    }

    /// Which engine it belongs to.
    pub(super) const fn system(&self) -> DbSystem {
        system(self.pool)
    }

    /// How long a statement is waited for.
    pub(super) const fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// Counts and translates what became of a statement.
    pub(super) fn judge<T>(&mut self, result: Result<T, sqlx::Error>) -> Result<T> {
        result.map_err(|error| {
            self.lost |= is_lost(&error);
            classify(self.system(), error)
        })
    }

    /// Nobody shall use this connection again.
    fn give_up(&mut self) {
        self.lost = true;
    }

    /// Starts a transaction that may write. On SQLite it starts as a writer: one that starts as a
    /// reader and turns into a writer fails at once when another was faster, whatever the busy
    /// timeout says.
    pub(super) async fn begin(mut self) -> Result<Self> {
        let text = match self.connection() {
            Connection::Sqlite(_) => "BEGIN IMMEDIATE",
            Connection::Postgres(_) => BEGIN.sql,
        };
        // From here on a rollback is due, also when this is given up half-way.
        self.in_transaction = true;
        on!(self, BEGIN, connection => async { connection.execute(text).await.map(drop) })?;
        Ok(self)
    }

    /// Commits.
    pub(super) async fn commit(mut self) -> Result<()> {
        execute!(self, COMMIT)?;
        self.in_transaction = false;
        Ok(())
    }

    /// Prepares a statement without executing it.
    pub(super) async fn prepare(&mut self, statement: &Statement) -> Result<(), sqlx::Error> {
        let text = SqlStr::from_static(statement.sql);
        match self.connection() {
            Connection::Sqlite(connection) => connection.prepare(text).await.map(drop),
            Connection::Postgres(connection) => connection.prepare(text).await.map(drop),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        DB_USE.observe(self.pool, self.since.elapsed());
        let Some(mut held) = self.held.take() else {
            return;
        };
        if self.lost {
            // Closing is enough: the server rolls back what it held.
            held.close_on_drop();
        } else if self.in_transaction {
            let mut lease = Self {
                held: Some(held),
                in_transaction: false,
                since: Instant::now(),
                ..*self
            };
            tokio::spawn(async move {
                // SQLite refuses where it has rolled back by itself; a fresh connection is surely
                // outside of the transaction.
                if execute!(lease, ROLLBACK).is_err() {
                    lease.give_up();
                }
            });
        }
    }
}

impl Held {
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
pub(super) async fn lease(
    pool: Pool,
    deadline: Option<Duration>,
    acquire: impl Future<Output = Result<Held, sqlx::Error>>,
) -> Result<Lease> {
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
        Ok(held) => Ok(Lease {
            held: Some(held),
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
