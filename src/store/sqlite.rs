//! The embedded database.

use std::str::FromStr;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::connection::{Conn, Pooled, acquire};
use super::{cannot_open, observe};
use crate::error::Result;
use crate::metrics::{DB_CONNECTION_MAX, Pool};

/// How to open the embedded database.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// `sqlite://PATH`, or a path.
    pub url: String,
    /// Connections for reading.
    pub readers: u32,
    /// Whether each commit waits for the disk.
    pub synchronous_full: bool,
    /// How long to wait for a connection, and for a lock.
    pub acquire_timeout: Duration,
}

/// A pool for reads, and one with a single connection for writes. SQLite allows one writer at a time
/// anyway; the wait for a pool is fair and measured, and that for a file lock is neither.
#[derive(Clone, Debug)]
pub(super) struct Sqlite {
    read: SqlitePool,
    write: SqlitePool,
}

impl Sqlite {
    /// Opens the file, creates it if it does not exist, and migrates the schema.
    pub(super) async fn open(options: &SqliteOptions) -> Result<Self> {
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
                // Opening a connection runs pragmas, so open connections are kept.
                .idle_timeout(None)
                .max_lifetime(None)
        };
        let write = pool(1)
            .connect_with(connect.clone())
            .await
            .map_err(cannot_open)?;
        super::migrations::sqlite()
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
    pub(super) async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }

    pub(super) fn observe(&self) {
        observe(Pool::SqliteRead, &self.read);
        observe(Pool::SqliteWrite, &self.write);
    }

    pub(super) async fn reader(&self) -> Result<Conn> {
        let pooled = async { self.read.acquire().await.map(Pooled::Sqlite) };
        acquire(Pool::SqliteRead, None, pooled).await
    }

    pub(super) async fn writer(&self) -> Result<Conn> {
        let pooled = async { self.write.acquire().await.map(Pooled::Sqlite) };
        acquire(Pool::SqliteWrite, None, pooled).await
    }
}
