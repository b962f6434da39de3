//! Options of the database.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::Secret;
use super::masked::{Line, secret, time, word};

/// Durability of SQLite's commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SqliteSynchronous {
    /// Every commit reaches the disk: survives a power cut.
    Full,
    /// Survives a crash of the process, not of the machine; faster writes.
    Normal,
}

/// The connection to the database.
#[derive(Clone, Debug, Args)]
pub struct Database {
    /// Database: sqlite://PATH, or postgres://USER:PASSWORD@HOST:PORT/NAME with sslmode and
    /// sslrootcert as libpq knows them. Default: DATA_DIR/rbac-sentinel.db.
    #[arg(
        long = "database-url",
        env = "DATABASE_URL",
        hide_env_values = true,
        help_heading = "Storage"
    )]
    pub url: Option<Secret>,

    /// Read connections to the embedded database; it always has one for writing.
    #[arg(long, env = "SQLITE_READERS", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64), help_heading = "Storage")]
    pub sqlite_readers: u32,

    /// When the embedded database waits for the disk.
    #[arg(
        long,
        env = "SQLITE_SYNCHRONOUS",
        value_enum,
        default_value = "full",
        help_heading = "Storage"
    )]
    pub sqlite_synchronous: SqliteSynchronous,

    /// How long a request may wait for a database connection before it gets 503; also the timeout of
    /// health checks of PostgreSQL.
    #[arg(long = "db-acquire-timeout", env = "DB_ACQUIRE_TIMEOUT", default_value = "2s", value_parser = humantime::parse_duration, help_heading = "Storage")]
    pub acquire_timeout: Duration,

    /// Maximum of connections to PostgreSQL, besides one for health checks. All replicas together
    /// must stay below the server's max_connections.
    #[arg(long, env = "DB_MAX_CONNECTIONS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000), help_heading = "Storage")]
    pub db_max_connections: u32,

    /// Timeout of a statement on PostgreSQL: then it is cancelled and the request gets 503.
    #[arg(long, env = "DB_STATEMENT_TIMEOUT", default_value = "3s", value_parser = humantime::parse_duration, help_heading = "Storage")]
    pub db_statement_timeout: Duration,

    /// Name of this service in PostgreSQL's views and logs.
    #[arg(
        long,
        env = "DB_APPLICATION_NAME",
        default_value = "rbac-sentinel",
        help_heading = "Storage"
    )]
    pub db_application_name: String,
}

impl Database {
    /// Whether the database is a server, which replicas can share.
    #[must_use]
    pub fn is_server(&self) -> bool {
        self.url.as_ref().is_some_and(|url| {
            let url = url.expose();
            url.starts_with("postgres://") || url.starts_with("postgresql://")
        })
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        let url = secret(self.url.as_ref(), "(the embedded database in DATA_DIR)");
        vec![
            ("DATABASE_URL", url),
            ("SQLITE_READERS", self.sqlite_readers.to_string()),
            ("SQLITE_SYNCHRONOUS", word(self.sqlite_synchronous)),
            ("DB_ACQUIRE_TIMEOUT", time(self.acquire_timeout)),
            ("DB_MAX_CONNECTIONS", self.db_max_connections.to_string()),
            ("DB_STATEMENT_TIMEOUT", time(self.db_statement_timeout)),
            ("DB_APPLICATION_NAME", self.db_application_name.clone()),
        ]
    }
}
