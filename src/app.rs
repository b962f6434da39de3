//! Puts the service together, runs its two listeners, and stops it.

mod canary;
mod descriptors;
mod open;
mod ready_file;
mod server;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use self::canary::Canary;
pub use self::open::{hash_params, open};
use self::open::{span, store_options};
use self::ready_file::ReadyFile;
use crate::api::canary::Mark;
use crate::api::ops::{Readiness, Scrape};
use crate::api::{self, ApiParts};
use crate::auth::{Auth, FirstAdmin, HousekeepingPlan};
use crate::cache::Cache;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::events::names;
use crate::metrics::{INVENTORY_LAST_SUCCESS, Listener, SESSIONS_ACTIVE, USERS, UserState};

/// How often the dependencies are asked whether they answer.
const PING: Duration = Duration::from_secs(1);
/// How long a scrape in flight may take to finish.
const OPS_SHUTDOWN: Duration = Duration::from_secs(1);
/// How often accounts and sessions are counted, as long as counting takes less than a hundredth of
/// that; where it takes longer, it comes as much rarer.
const INVENTORY: Duration = Duration::from_mins(1);
const INVENTORY_SHARE: u32 = 100;

/// How long the start waits for Redis, so that the first requests find it. It goes on without.
const REDIS_PATIENCE: Duration = Duration::from_millis(500);

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
    let mark = config.canary.is_on().then(Mark::generate).transpose()?;
    let api = api::endpoint(ApiParts {
        auth: Arc::clone(&auth),
        readiness: Arc::clone(&readiness),
        draining: Arc::clone(&draining),
        proxies: config.limits.trusted_proxies.clone(),
        body_timeout: config.clients.timeout,
        canary: mark.clone(),
        scrape: config.metrics_on_api.then(|| scrape.clone()),
    })?;
    let ops = api::ops::endpoint(scrape, Arc::clone(&readiness));

    if !auth.throttle().is_on() {
        tracing::warn!("RATE_LIMITS=off: passwords can be tried as fast as they can be hashed");
    }
    crate::telemetry::start_probes(recorder);
    readiness.set_dependencies(auth.store().ping().await.is_ok());
    let background = start_background(&auth, &readiness, &config);
    let cache = describe_cache(auth.cache()).await;

    // Before anybody can see that the service runs, and tell it to stop.
    let mut signals = Signals::listen().map_err(Error::internal)?;
    let stop_api = Arc::new(Notify::new());
    let stop_ops = Arc::new(Notify::new());
    let stopped = |notify: &Arc<Notify>| {
        let notify = Arc::clone(notify);
        async move { notify.notified().await }
    };
    let api_limits = server::Limits {
        client_timeout: config.clients.timeout,
        connections: descriptors::connections(&config.clients),
        refusals: descriptors::REFUSALS,
    };
    let ops_limits = server::Limits {
        connections: descriptors::OPS_CONNECTIONS,
        refusals: 0,
        ..api_limits
    };
    let api_server = server::serve(
        (api_listener, Listener::Api),
        api,
        api_limits,
        stopped(&stop_api),
        config.shutdown_timeout,
    );
    let ops_server = server::serve(
        (ops_listener, Listener::Ops),
        ops,
        ops_limits,
        stopped(&stop_ops),
        OPS_SHUTDOWN,
    );
    let ops_server = tokio::spawn(ops_server);
    let api_server = tokio::spawn(api_server);
    let canary = start_canary(&auth, mark, &config);
    let ready_file = announce(&config, &first_admin, &cache)?;
    tracing::info!(event = names::STARTUP, "started");

    signals.next().await;
    tracing::info!(event = names::SHUTDOWN, "stopping: not ready from now on");
    drop((ready_file, canary));
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
    // Housekeeping is between two batches or in one, which the database then takes back.
    drop(background);
    auth.cache().close();
    auth.store().close().await;
    tracing::info!(event = names::SHUTDOWN, "stopped");
    Ok(())
}

/// What goes on beside requests, until the set is dropped.
fn start_background(auth: &Arc<Auth>, readiness: &Arc<Readiness>, config: &Config) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(watch_dependencies(Arc::clone(auth), Arc::clone(readiness)));
    tasks.spawn(take_inventory(Arc::clone(auth)));
    tasks.spawn(keep_house(Arc::clone(auth), config));
    let auth = Arc::clone(auth);
    tasks.spawn(async move { auth.listen().await });
    tasks
}

/// Lets the canary fly, if there is one, until the set is dropped.
fn start_canary(auth: &Arc<Auth>, mark: Option<Mark>, config: &Config) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    if let Some(mark) = mark {
        let auth = Arc::clone(auth);
        let canary = Canary::new(auth, mark, config.api_addr, config.canary.canary_interval);
        tasks.spawn(canary.run());
    }
    tasks
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

fn keep_house(auth: Arc<Auth>, config: &Config) -> impl Future<Output = ()> + use<> {
    let plan = HousekeepingPlan {
        interval: config.housekeeping.interval,
        retention: span(config.housekeeping.retention),
    };
    async move { auth.keep_house(plan).await }
}

async fn take_inventory(auth: Arc<Auth>) {
    loop {
        let start = Instant::now();
        // A failure is logged and counted where it happens; the timestamp tells how old the rest is.
        let _ = count(&auth).await;
        tokio::time::sleep(INVENTORY.max(start.elapsed() * INVENTORY_SHARE)).await;
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and seconds are far below 2^53"
)]
async fn count(auth: &Auth) -> Result<()> {
    let now = Clock::system().now();
    let (users, disabled) = auth.store().count_users().await?;
    let sessions = auth.store().count_sessions(now).await?;
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

/// Where the cache is, once Redis has had a moment to answer.
async fn describe_cache(cache: &Cache) -> String {
    match cache {
        Cache::Memory(_) => "in process".to_owned(),
        Cache::Redis(redis) => {
            let answers = redis.answers_within(REDIS_PATIENCE).await;
            let state = if answers {
                ""
            } else {
                ", which does not answer: going on without it"
            };
            format!("Redis at {}{state}", redis.address())
        }
    }
}

/// Tells people and programs where the service is.
fn announce(config: &Config, first_admin: &FirstAdmin, cache: &str) -> Result<ReadyFile> {
    greet(config, first_admin, cache);
    ReadyFile::write(config)
}

/// Says to a person where things are. On standard output, never in the log: it may hold the first
/// administrator's password.
fn greet(config: &Config, first_admin: &FirstAdmin, cache: &str) {
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
         \x20 database       {database}\n\
         \x20 cache          {cache}\n\
         \x20 hashing        {threads} threads, {memory} KiB and {iterations} iterations a hash\n\
         {admin}",
        version = env!("CARGO_PKG_VERSION"),
        ops = config.ops_addr,
        database = store_options(config).place(),
        threads = config.hash_threads(),
        memory = config.hash_memory_kib,
        iterations = config.hash_iterations,
    );
}
