//! PostgreSQL, 13 or later.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgPool};
use tokio::sync::Mutex;

use super::connection::{Conn, Pooled, acquire};
use super::failure::refused;
use super::sql::PING;
use super::{cannot_open, observe, recheck};
use crate::error::{Error, Result};
use crate::metrics::{DB_CONNECTION_MAX, DbError, DbSystem, Pool};

/// The oldest version that the statements and migrations are written for.
const OLDEST: i32 = 130_000;
/// How much longer than the server's statement timeout to wait for the server to apply it.
const TIMEOUT_MARGIN: Duration = Duration::from_millis(500);
/// How long to wait for the health check's connection to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a transaction may be idle, in statement timeouts.
const IDLE_FACTOR: u32 = 3;

/// How to reach PostgreSQL.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with `sslmode` and `sslrootcert` as libpq
    /// knows them.
    pub url: String,
    /// The most connections of the pool; the health check has one more.
    pub max_connections: u32,
    /// How long to wait for a connection, and for the answer to a health check.
    pub acquire_timeout: Duration,
    /// How long a statement may take.
    pub statement_timeout: Duration,
    /// The service's name in the server's views and logs.
    pub application_name: String,
}

/// A pool, and the state of the health check.
#[derive(Clone, Debug)]
pub(super) struct Postgres {
    pool: PgPool,
    /// The longest that a statement may take before its connection is closed.
    deadline: Duration,
    health: Arc<Health>,
}

/// The health check. It has a connection of its own, so that a pool without free connections does not
/// look like a server that is down.
#[derive(Debug)]
struct Health {
    connect: PgConnectOptions,
    /// The longest that a check may take: a server that answers later than any request waits is down.
    timeout: Duration,
    connection: Mutex<Option<PgConnection>>,
    /// The last check failed: requests are refused at once instead of after a timeout each.
    down: AtomicBool,
}

impl Postgres {
    /// Connects, and migrates the schema. Of replicas that start at the same time one migrates, and the
    /// others wait for it.
    pub(super) async fn open(options: &PostgresOptions) -> Result<Self> {
        let connect = PgConnectOptions::from_str(&options.url)
            .map_err(cannot_open)?
            .application_name(&options.application_name);
        migrate(&connect, options.acquire_timeout).await?;
        let millis = |time: Duration| time.as_millis().to_string();
        let limited = connect.options([
            ("statement_timeout", millis(options.statement_timeout)),
            // Compiling a plan takes longer than executing any statement of the service.
            ("jit", "off".to_owned()),
            // A client that vanished in a transaction loses its locks.
            (
                "idle_in_transaction_session_timeout",
                millis(options.statement_timeout * IDLE_FACTOR),
            ),
        ]);
        let pool = PgPoolOptions::new()
            .max_connections(options.max_connections)
            .acquire_timeout(options.acquire_timeout)
            .test_before_acquire(false)
            .before_acquire(|connection, about| {
                Box::pin(async move {
                    if recheck::needs_ping(about.idle_for) {
                        let answer = connection.ping().await;
                        answer.inspect_err(|_| recheck::found_broken())?;
                    }
                    Ok(true)
                })
            })
            .connect_with(limited.clone())
            .await
            .map_err(cannot_open)?;
        DB_CONNECTION_MAX.set(Pool::Postgresql, f64::from(options.max_connections));
        Ok(Self {
            pool,
            deadline: options.statement_timeout + TIMEOUT_MARGIN,
            health: Arc::new(Health {
                connect: limited,
                timeout: options.acquire_timeout,
                connection: Mutex::new(None),
                down: AtomicBool::new(false),
            }),
        })
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
        if let Some(connection) = self.health.connection.lock().await.take() {
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, connection.close()).await;
        }
    }

    pub(super) fn observe(&self) {
        observe(Pool::Postgresql, &self.pool);
    }

    pub(super) async fn connection(&self) -> Result<Conn> {
        if self.health.down.load(Ordering::Relaxed) {
            return Err(refused(DbSystem::Postgresql, DbError::Down));
        }
        let pooled = async { self.pool.acquire().await.map(Pooled::Postgres) };
        acquire(Pool::Postgresql, Some(self.deadline), pooled).await
    }

    /// Pings the server, and refuses requests from now on if it does not answer.
    pub(super) async fn ping(&self) -> Result<()> {
        if self.pool.is_closed() {
            return Err(refused(DbSystem::Postgresql, DbError::Connection));
        }
        let mut kept = self.health.connection.lock().await;
        // Taken out: a check that is cancelled does not leave a connection in an unknown state.
        let connection = kept.take();
        let check = async {
            if let Some(mut connection) = connection {
                match ping(&mut connection).await {
                    Ok(()) => return Ok(connection),
                    // The server may have restarted: a new connection shows whether it answers.
                    Err(_) => recheck::found_broken(),
                }
            }
            let mut connection = self.health.connect.connect().await?;
            ping(&mut connection).await?;
            Ok::<_, sqlx::Error>(connection)
        };
        let failure = match tokio::time::timeout(self.health.timeout, check).await {
            Ok(Ok(connection)) => {
                *kept = Some(connection);
                None
            }
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("no answer in time".to_owned()),
        };
        let was_down = self.health.down.swap(failure.is_some(), Ordering::Relaxed);
        match failure {
            None => {
                if was_down {
                    tracing::info!("PostgreSQL answers again");
                }
                Ok(())
            }
            Some(error) => {
                if !was_down {
                    tracing::error!(error, "PostgreSQL does not answer: requests are refused");
                }
                Err(refused(DbSystem::Postgresql, DbError::Connection))
            }
        }
    }
}

/// Executes `SELECT 1`.
async fn ping(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let answer = sqlx::query(PING.sql).execute(connection);
    PING.timed(DbSystem::Postgresql, None, answer)
        .await
        .map(drop)
}

/// Migrates over a connection without a statement timeout: a migration may take long, and so may the
/// wait for another replica's.
async fn migrate(connect: &PgConnectOptions, connect_timeout: Duration) -> Result<()> {
    let mut connection = tokio::time::timeout(connect_timeout, connect.connect())
        .await
        .map_err(|_| cannot_open("PostgreSQL does not answer"))?
        .map_err(cannot_open)?;
    let version: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::int")
        .fetch_one(&mut connection)
        .await
        .map_err(cannot_open)?;
    if version < OLDEST {
        return Err(Error::internal(format!(
            "PostgreSQL is older than version {}: DATABASE_URL must name a newer server",
            OLDEST / 10_000
        )));
    }
    super::migrations::postgres()
        .run(&mut connection)
        .await
        .map_err(cannot_open)?;
    connection.close().await.map_err(cannot_open)
}

/// The database and its server, as text without user and password.
pub(super) fn place(url: &str) -> String {
    let Ok(connect) = PgConnectOptions::from_str(url) else {
        return String::new();
    };
    let database = connect.get_database().unwrap_or("its default database");
    match connect.get_socket() {
        Some(socket) => format!("{database} in {}", socket.display()),
        None => format!("{}:{}/{database}", connect.get_host(), connect.get_port()),
    }
}
