//! Puts the service together, runs its two listeners, and stops it.

mod server;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::api::ops::{Readiness, Scrape};
use crate::api::{self, ApiParts};
use crate::auth::hash_gate::{HashGate, HashGateConfig};
use crate::auth::keys::{Keyring, SealingKey};
use crate::auth::password::{HashLimits, HashParams, PasswordPolicy};
use crate::auth::token::Tokens;
use crate::auth::{Auth, FirstAdmin, Lifetimes, secret_for};
use crate::clock::Clock;
use crate::config::{Config, SqliteSynchronous};
use crate::error::{Error, Result};
use crate::metrics::{INVENTORY_LAST_SUCCESS, SESSIONS_ACTIVE, USERS, UserState};
use crate::store::{SqliteOptions, Store};

/// How often the dependencies are asked whether they answer.
const PING: Duration = Duration::from_secs(1);
/// How long a scrape in flight may take to finish.
const OPS_SHUTDOWN: Duration = Duration::from_secs(1);
/// How often accounts and sessions are counted.
const INVENTORY: Duration = Duration::from_mins(1);

/// Opens the database, loads the keys and starts the hash gate.
///
/// # Errors
/// When the data folder cannot be used, the database does not open, or the keys do not decrypt.
pub async fn open(config: &Config, clock: Clock) -> Result<Arc<Auth>> {
    let unusable = |error: io::Error| {
        let folder = config.data_dir.display();
        Error::internal(format!("DATA_DIR {folder} cannot be used: {error}"))
    };
    make_data_dir(config).map_err(unusable)?;
    let secret = config
        .secret_key
        .as_ref()
        .map(crate::config::Secret::expose);
    let secret = secret_for(secret, &config.data_dir).map_err(unusable)?;
    let store = Store::open(&SqliteOptions {
        url: config.database_url.as_ref().map_or_else(
            || {
                config
                    .data_dir
                    .join("rbac-sentinel.db")
                    .display()
                    .to_string()
            },
            |url| url.expose().to_owned(),
        ),
        readers: config.sqlite_readers,
        synchronous_full: config.sqlite_synchronous == SqliteSynchronous::Full,
        acquire_timeout: config.db_acquire_timeout,
    })
    .await?;
    let keys = Keyring::load(
        &store,
        &SealingKey::derive(&secret)?,
        config.signing_alg,
        config.hs256_key.as_ref(),
        clock.now(),
    )
    .await?;
    let ttl = span(config.access_token_ttl);
    let tokens = Tokens::new(keys, config.issuer(), config.token_audience.clone(), ttl);
    let gate = HashGate::start(HashGateConfig {
        params: hash_params(config),
        limits: HashLimits::default(),
        threads: config.hash_threads(),
        queue: config.hash_queue as usize,
        deadline: config.hash_deadline,
    })
    .map_err(Error::internal)?;
    let policy = PasswordPolicy {
        min_length: usize::from(config.password_min_length),
        ..PasswordPolicy::default()
    };
    let lifetimes = Lifetimes {
        session_idle: span(config.session_idle_ttl),
        session: span(config.session_ttl),
        grace: span(config.refresh_grace),
    };
    Ok(Arc::new(Auth::new(
        store, gate, tokens, policy, lifetimes, clock,
    )))
}

/// The parameters of new hashes.
#[must_use]
pub fn hash_params(config: &Config) -> HashParams {
    HashParams {
        memory_kib: config.hash_memory_kib,
        iterations: config.hash_iterations,
        parallelism: config.hash_parallelism,
    }
}

fn span(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

/// Makes the data folder, for its owner alone.
fn make_data_dir(config: &Config) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(&config.data_dir)
}

/// Runs the service until it is told to stop.
///
/// # Errors
/// When it cannot start.
pub async fn serve(mut config: Config, recorder: PrometheusHandle) -> Result<()> {
    // First of all: a second instance by mistake must not get as far as the database. From here on
    // the addresses are those that were really bound, also where port 0 was asked for.
    let api_listener = bind("API_ADDR", &mut config.api_addr).await?;
    let ops_listener = bind("OPS_ADDR", &mut config.ops_addr).await?;
    let auth = open(&config, Clock::system()).await?;
    let first_admin = auth
        .ensure_admin(
            &config.admin_username,
            &config.admin_email,
            config
                .admin_password
                .as_ref()
                .map(crate::config::Secret::expose),
        )
        .await
        .map_err(|error| {
            Error::internal(format!("the first administrator cannot be made: {error}"))
        })?;

    let readiness = Arc::new(Readiness::default());
    let draining = Arc::new(AtomicBool::new(false));
    let process = metrics_process::Collector::default();
    let scrape = Scrape {
        recorder: recorder.clone(),
        process,
        auth: Arc::clone(&auth),
    };
    let api = api::endpoint(ApiParts {
        auth: Arc::clone(&auth),
        readiness: Arc::clone(&readiness),
        draining: Arc::clone(&draining),
        scrape: config.metrics_on_api.then(|| scrape.clone()),
    })?;
    let ops = api::ops::endpoint(scrape, Arc::clone(&readiness));

    crate::telemetry::start_probes(recorder);
    readiness.set_dependencies(auth.store().ping().await.is_ok());
    tokio::spawn(watch_dependencies(
        Arc::clone(&auth),
        Arc::clone(&readiness),
    ));
    tokio::spawn(take_inventory(Arc::clone(&auth), span(config.session_ttl)));

    // Before anybody can see that the service runs, and tell it to stop.
    let mut signals = Signals::listen().map_err(Error::internal)?;
    let stop_api = Arc::new(Notify::new());
    let stop_ops = Arc::new(Notify::new());
    let stopped = |notify: &Arc<Notify>| {
        let notify = Arc::clone(notify);
        async move { notify.notified().await }
    };
    let api_server = server::serve(
        api_listener,
        api,
        stopped(&stop_api),
        config.shutdown_timeout,
    );
    let ops_server = server::serve(ops_listener, ops, stopped(&stop_ops), OPS_SHUTDOWN);
    let ops_server = tokio::spawn(ops_server);
    let api_server = tokio::spawn(api_server);
    greet(&config, &first_admin);
    tracing::info!(event = "sys_startup", "started");

    signals.next().await;
    tracing::info!(event = "sys_shutdown", "stopping: not ready from now on");
    readiness.stop();
    draining.store(true, Ordering::SeqCst);
    tokio::spawn(async move {
        signals.next().await;
        tracing::warn!("a second signal: stopping at once");
        std::process::exit(130);
    });
    tokio::time::sleep(config.shutdown_delay).await;
    stop_api.notify_one();
    let _ = api_server.await;
    stop_ops.notify_one();
    let _ = ops_server.await;
    auth.store().close().await;
    tracing::info!(event = "sys_shutdown", "stopped");
    Ok(())
}

async fn bind(option: &str, address: &mut SocketAddr) -> Result<TcpListener> {
    let listen = async {
        let listener = TcpListener::bind(*address).await?;
        *address = listener.local_addr()?;
        Ok(listener)
    };
    let result: io::Result<TcpListener> = listen.await;
    result.map_err(|error| Error::internal(format!("cannot listen on {option}: {error}")))
}

async fn watch_dependencies(auth: Arc<Auth>, readiness: Arc<Readiness>) {
    // The first answer is known: nobody was let in without it.
    let mut tick = tokio::time::interval_at(tokio::time::Instant::now() + PING, PING);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        readiness.set_dependencies(auth.store().ping().await.is_ok());
    }
}

async fn take_inventory(auth: Arc<Auth>, session_ttl: TimeDelta) {
    let mut tick = tokio::time::interval(INVENTORY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        // A failure is logged and counted where it happens; the timestamp tells how old the rest is.
        let _ = count(&auth, session_ttl).await;
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and seconds are far below 2^53"
)]
async fn count(auth: &Auth, session_ttl: TimeDelta) -> Result<()> {
    let now = Clock::system().now();
    let (users, disabled) = auth.store().count_users().await?;
    let sessions = auth.store().count_sessions(now - session_ttl, now).await?;
    USERS.set(UserState::Active, users.saturating_sub(disabled) as f64);
    USERS.set(UserState::Disabled, disabled as f64);
    SESSIONS_ACTIVE.set((), sessions as f64);
    INVENTORY_LAST_SUCCESS.set((), now.timestamp() as f64);
    Ok(())
}

/// SIGTERM and Ctrl-C, from the moment of listening on: none is lost between two waits.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            #[cfg(unix)]
            terminate: signal(SignalKind::terminate())?,
            #[cfg(unix)]
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next one.
    async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// Says to a person where things are. On standard output, never in the log: it may hold the first
/// administrator's password.
fn greet(config: &Config, first_admin: &FirstAdmin) {
    let base = format!("http://{}", config.api_addr);
    let admin = match first_admin {
        FirstAdmin::Exists => String::new(),
        FirstAdmin::Configured => format!(
            "  administrator  {} was made from ADMIN_EMAIL and ADMIN_PASSWORD\n",
            config.admin_username
        ),
        FirstAdmin::Generated(password) => format!(
            "  administrator  {} with the password {password}\n                 \
             (shown this once: log in and change it)\n",
            config.admin_username
        ),
    };
    println!(
        "rbac-sentinel {version} is running\n\n\
         \x20 documentation  {base}/docs (Authorize logs in), {base}/redoc\n\
         \x20 metrics        http://{ops}/metrics, /livez, /readyz\n\
         \x20 database       SQLite in {data}\n\
         \x20 cache          in process\n\
         \x20 hashing        {threads} threads, {memory} KiB and {iterations} iterations a hash\n\
         {admin}",
        version = env!("CARGO_PKG_VERSION"),
        ops = config.ops_addr,
        data = config.database_url.as_ref().map_or_else(
            || config
                .data_dir
                .join("rbac-sentinel.db")
                .display()
                .to_string(),
            |_| "the file that DATABASE_URL names".to_owned()
        ),
        threads = config.hash_threads(),
        memory = config.hash_memory_kib,
        iterations = config.hash_iterations,
    );
}
