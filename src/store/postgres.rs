//! PostgreSQL, 13 or later.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgPool};
use tokio::sync::Mutex;

use super::failure::refused;
use super::lease::{Held, Lease, lease};
use super::sql::PING;
use super::{cannot_open, observe};
use crate::error::{Error, Result};
use crate::metrics::{DB_CONNECTION_MAX, DbError, DbSystem, Pool};

/// The oldest version that the statements and migrations are written for.
const OLDEST: i32 = 130_000;
/// How long a connection may rest before it is asked whether it lives: a busy one is not asked.
const TRUSTED: Duration = Duration::from_secs(1);
/// How much longer than the server's own limit to wait for it to keep it.
const GRACE: Duration = Duration::from_millis(500);
/// How long the health check waits.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a transaction may hold its locks while its client says nothing, in statement timeouts.
const IDLE_FACTOR: u32 = 3;

/// How to reach PostgreSQL.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with `sslmode` and `sslrootcert` as libpq
    /// knows them.
    pub url: String,
    /// The most connections of the pool; one more checks the server's health.
    pub max_connections: u32,
    /// How long to wait for a connection.
    pub acquire_timeout: Duration,
    /// How long a statement may take.
    pub statement_timeout: Duration,
    /// What the server's views and logs call this service.
    pub application_name: String,
}

/// A pool, and what is known about the server's health.
#[derive(Clone, Debug)]
pub(super) struct Postgres {
    pool: PgPool,
    /// How long a statement is waited for before its connection is given up.
    deadline: Duration,
    health: Arc<Health>,
}

/// Asked over a connection of its own, so that a pool without free connections does not look like a
/// server that is down.
#[derive(Debug)]
struct Health {
    connect: PgConnectOptions,
    connection: Mutex<Option<PgConnection>>,
    /// The last check failed: requests are refused at once instead of one timeout each.
    down: AtomicBool,
}

impl Postgres {
    /// Connects, and brings the schema up to date: of any number of replicas that start at once one
    /// does, and the others wait for it.
    pub(super) async fn open(options: &PostgresOptions) -> Result<Self> {
        let connect = PgConnectOptions::from_str(&options.url)
            .map_err(cannot_open)?
            .application_name(&options.application_name);
        migrate(&connect, options.acquire_timeout).await?;
        let millis = |time: Duration| time.as_millis().to_string();
        let limited = connect.options([
            ("statement_timeout", millis(options.statement_timeout)),
            // Compiling a plan takes longer than any statement of the service.
            ("jit", "off".to_owned()),
            // Whoever holds a lock and is not heard of any more loses it.
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
                    if about.idle_for > TRUSTED {
                        connection.ping().await?;
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
            deadline: options.statement_timeout + GRACE,
            health: Arc::new(Health {
                connect: limited,
                connection: Mutex::new(None),
                down: AtomicBool::new(false),
            }),
        })
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
        if let Some(connection) = self.health.connection.lock().await.take() {
            let _ = tokio::time::timeout(HEALTH_TIMEOUT, connection.close()).await;
        }
    }

    pub(super) fn observe(&self) {
        observe(Pool::Postgresql, &self.pool);
    }

    pub(super) async fn lease(&self) -> Result<Lease> {
        if self.health.down.load(Ordering::Relaxed) {
            return Err(refused(DbSystem::Postgresql, DbError::Down));
        }
        let acquire = async { self.pool.acquire().await.map(Held::Postgres) };
        lease(Pool::Postgresql, Some(self.deadline), acquire).await
    }

    /// Asks the server whether it answers, and remembers.
    pub(super) async fn ping(&self) -> Result<()> {
        if self.pool.is_closed() {
            return Err(refused(DbSystem::Postgresql, DbError::Connection));
        }
        let mut kept = self.health.connection.lock().await;
        // Taken out meanwhile: a check that is given up leaves no half-used connection behind.
        let connection = kept.take();
        let check = async {
            let mut connection = match connection {
                Some(connection) => connection,
                None => self.health.connect.connect().await?,
            };
            let ping = sqlx::query(PING.sql).execute(&mut connection);
            PING.timed(DbSystem::Postgresql, None, ping).await?;
            Ok::<_, sqlx::Error>(connection)
        };
        let failure = match tokio::time::timeout(HEALTH_TIMEOUT, check).await {
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

/// Migrates over a connection without a statement timeout: waiting for another replica's migration,
/// and the migration itself, may take long.
async fn migrate(connect: &PgConnectOptions, patience: Duration) -> Result<()> {
    let mut connection = tokio::time::timeout(patience, connect.connect())
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
    sqlx::migrate!("migrations/postgres")
        .run(&mut connection)
        .await
        .map_err(cannot_open)?;
    connection.close().await.map_err(cannot_open)
}

/// Where the server is, for a person; without user and password.
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
