//! Assembles the service, runs its two listeners, and stops it.

mod banner;
mod data_dir;
mod descriptors;
mod ready_file;
mod server;
mod services;
mod shadow_reload;
mod signals;
mod tls;
mod transport;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use poem::{Endpoint, Response};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use self::ready_file::ReadyFile;
use self::shadow_reload::ShadowReload;
use self::signals::Signals;
use self::tls::{Reload, Tls};
use crate::accounts::FirstAdmin;
use crate::api::ops::{Readiness, Scrape};
use crate::api::probe_mark::Mark;
use crate::api::{self, ApiParts};
use crate::clock::Clock;
use crate::config::{Config, Docs, Secret};
use crate::error::{Error, Result};
use crate::events::{self, names};
use crate::jobs::{
    self, Dependencies, Housekeeping, Inventory, KeyReload, LogWindows, PolicyReload, UsageNotes,
};
use crate::metrics::{Listener, MetricsHandle, Scheme};
use crate::probe::Probe;

pub use self::banner::in_words;
pub use self::services::{
    Services, announce_key_change, hash_params, open_keys, open_or_make_secrets, open_secrets,
    open_store, seals,
};

/// How long a scrape in flight may take to finish.
const OPS_SHUTDOWN: Duration = Duration::from_secs(1);

/// Runs the service until it receives a stop signal.
///
/// # Errors
/// When it cannot start.
pub async fn serve(mut config: Config, recorder: MetricsHandle) -> Result<()> {
    let listeners = bind(&mut config).await?;
    let lock = lock(&config)?;
    let (services, first_admin) = open(&config).await?;
    let assembled = assemble(&services, &config, &recorder)?;
    crate::telemetry::start_probes();
    let mut background = spawn(&services, &assembled.state, &config).await;
    if let Some(tls) = &listeners.tls {
        jobs::spawn(&mut background, Reload::new(Arc::clone(tls)));
    }
    let cache = banner::describe_cache(&services.cache).await;
    // Before the start-up text is printed, after which a signal may arrive.
    let signals = Signals::listen().map_err(Error::internal)?;
    let state = assembled.state.clone();
    let running = run(listeners, assembled, &services, &config)?;
    banner::greet(&config, &first_admin, &cache);
    let ready_file = ReadyFile::write(&config)?;
    tracing::info!(event = names::STARTUP, "started");
    drain(
        running,
        ready_file,
        signals,
        &state,
        config.listeners.shutdown_delay,
    )
    .await;
    // A batch of housekeeping in progress is rolled back.
    drop(background);
    services.cache.close();
    services.store.close().await;
    drop(lock);
    events::end_all_windows();
    tracing::info!(event = names::SHUTDOWN, "stopped");
    Ok(())
}

struct Listeners {
    api: TcpListener,
    ops: TcpListener,
    /// Only for the API: the other listener is for the operator's own network.
    tls: Option<Arc<Tls>>,
}

/// Binds first, so that a second instance started by mistake does not reach the database. From here on
/// the configuration has the addresses that were bound, also for port 0.
async fn bind(config: &mut Config) -> Result<Listeners> {
    let tls = config.listeners.tls();
    let tls = tls.map(|(certificate, key)| Tls::open(certificate, key));
    let tls = tls.transpose().map_err(Error::internal)?.map(Arc::new);
    if tls.is_some() && !config.listeners.issuer().starts_with("https://") {
        tracing::warn!(
            "PUBLIC_URL begins with http:// although TLS_CERT is set: tokens and pages contain an \
             address without TLS"
        );
    }
    Ok(Listeners {
        tls,
        api: listen("API_ADDR", &mut config.listeners.api_addr).await?,
        ops: listen("OPS_ADDR", &mut config.listeners.ops_addr).await?,
    })
}

async fn listen(option: &str, address: &mut SocketAddr) -> Result<TcpListener> {
    let listen = async {
        let listener = TcpListener::bind(*address).await?;
        *address = listener.local_addr()?;
        Ok(listener)
    };
    let result: io::Result<TcpListener> = listen.await;
    result.map_err(|error| Error::internal(format!("cannot listen on {option}: {error}")))
}

/// Locks the embedded database, and says which connections are not encrypted.
fn lock(config: &Config) -> Result<Option<data_dir::Lock>> {
    transport::warn_about_plain_connections(config);
    transport::warn_about_missing_public_url(config);
    services::prepare_data_dir(config)?;
    data_dir::lock(config)
}

/// Opens the services, and creates the first administrator if there is none.
async fn open(config: &Config) -> Result<(Services, FirstAdmin)> {
    let services = Services::open(config, Clock::system()).await?;
    let password = config.admin.password.as_ref().map(Secret::expose);
    let first_admin = services
        .accounts
        .ensure_admin(&config.admin.username, &config.admin.email, password)
        .await
        .map_err(|error| {
            Error::internal(format!(
                "the first administrator cannot be created: {error}"
            ))
        })?;
    if !services.limits.is_on() {
        tracing::warn!(
            "RATE_LIMITS=off: password guessing is limited only by the speed of hashing"
        );
    }
    Ok((services, first_admin))
}

/// State shared by the listeners and the shutdown.
#[derive(Clone)]
struct State {
    readiness: Arc<Readiness>,
    draining: Arc<AtomicBool>,
}

/// The two endpoints, and the mark of the probe's requests.
struct Assembled<A, O> {
    api: A,
    ops: O,
    state: State,
    mark: Option<Mark>,
}

/// Builds the two endpoints.
fn assemble(
    services: &Services,
    config: &Config,
    recorder: &MetricsHandle,
) -> Result<
    Assembled<
        impl Endpoint<Output = Response> + 'static,
        impl Endpoint<Output = Response> + 'static,
    >,
> {
    let state = State {
        readiness: Arc::default(),
        draining: Arc::default(),
    };
    let scrape = Scrape {
        recorder: recorder.clone(),
        process: metrics_process::Collector::default(),
        sessions: Arc::clone(&services.sessions),
        registry: Arc::clone(services.decisions.registry()),
        store: services.store.clone(),
    };
    let mark = config.probe.is_on().then(Mark::generate).transpose()?;
    let listeners = &config.listeners;
    let https = listeners.is_https();
    let documentation = |place, server: &str| {
        let here = listeners.docs == place;
        here.then(|| api::documentation(server)).transpose()
    };
    let api = api::endpoint(ApiParts {
        register: services.register(),
        login: services.login(),
        refresh: services.refresh()?,
        logout: services.logout(),
        revoke: services.revoke(),
        password_change: services.password_change(),
        accounts: Arc::clone(&services.accounts),
        policy: Arc::clone(&services.policy),
        page_tokens: services.page_tokens()?,
        sessions: Arc::clone(&services.sessions),
        decisions: Arc::clone(&services.decisions),
        tokens: Arc::clone(&services.tokens),
        limits: Arc::clone(&services.limits),
        readiness: Arc::clone(&state.readiness),
        draining: Arc::clone(&state.draining),
        proxies: config.limits.trusted_proxies.clone(),
        scheme: match config.listeners.tls() {
            Some(_) => Scheme::Https,
            None => Scheme::Http,
        },
        body_timeout: config.clients.timeout,
        probe_mark: mark.clone(),
        scrape: listeners.metrics_on_api.then(|| scrape.clone()),
        clock: services.clock.clone(),
        documentation: documentation(Docs::On, listeners.base_path())?,
        issuer: listeners.issuer(),
        link_base: listeners.link_base(),
        origins: config.browsers.cors_origins.clone(),
        cookies: config.cookies_last(),
        base_path: listeners.base_path().trim_end_matches('/').to_owned(),
        https,
    })?;
    let ops = api::ops::endpoint(
        scrape,
        Arc::clone(&state.readiness),
        // The document is served on another listener than the API.
        documentation(Docs::Ops, &listeners.issuer())?,
        https,
    );
    Ok(Assembled {
        api,
        ops,
        state,
        mark,
    })
}

/// Starts the jobs, which run until the set is dropped. Sets the readiness before it returns.
async fn spawn(services: &Services, state: &State, config: &Config) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let readiness = Arc::clone(&state.readiness);
    let store = || services.store.clone();
    let dependencies = Dependencies::new(store(), move |up| readiness.set_dependencies(up));
    dependencies.ping().await;
    jobs::spawn(&mut tasks, dependencies);
    jobs::spawn(&mut tasks, Inventory::new(store(), services.clock.clone()));
    let housekeeping = Housekeeping::new(
        store(),
        services.clock.clone(),
        config.housekeeping.interval,
        services::time_delta(config.housekeeping.retention),
    );
    jobs::spawn(&mut tasks, housekeeping);
    jobs::spawn(&mut tasks, LogWindows);
    let keys = Arc::clone(services.tokens.keys());
    jobs::spawn(&mut tasks, KeyReload::new(keys));
    let policies = Arc::clone(&services.policies);
    jobs::spawn(&mut tasks, PolicyReload::new(policies));
    let policies = Arc::clone(&services.policies);
    let usage = UsageNotes::new(policies, store(), services.clock.clone());
    jobs::spawn(&mut tasks, usage);
    if let Some(shadow) = services.decisions.shadow() {
        jobs::spawn(&mut tasks, ShadowReload::new(Arc::clone(shadow)));
    }
    let sessions = Arc::clone(&services.sessions);
    tasks.spawn(async move { sessions.listen().await });
    tasks
}

/// The two running listeners, and the synthetic probe.
struct Running {
    api: Server,
    ops: Server,
    probe: JoinSet<()>,
}

struct Server {
    task: JoinHandle<io::Result<()>>,
    stop: Arc<Notify>,
}

impl Server {
    async fn stop(self) {
        self.stop.notify_one();
        let _ = self.task.await;
    }
}

/// Serves both endpoints, and starts the synthetic probe if there is one.
fn run(
    listeners: Listeners,
    assembled: Assembled<
        impl Endpoint<Output = Response> + 'static,
        impl Endpoint<Output = Response> + 'static,
    >,
    services: &Services,
    config: &Config,
) -> Result<Running> {
    let Assembled { api, ops, mark, .. } = assembled;
    let api_limits = server::ConnectionLimits {
        client_timeout: config.clients.timeout,
        idle_timeout: config.clients.idle_timeout,
        connections: descriptors::connections(&config.clients),
        per_source: usize::try_from(config.clients.per_source()).unwrap_or(usize::MAX),
        proxies: config.limits.trusted_proxies.clone(),
        refusals: descriptors::REFUSALS,
    };
    let ops_limits = server::ConnectionLimits {
        connections: descriptors::OPS_CONNECTIONS,
        per_source: usize::MAX,
        refusals: 0,
        ..api_limits.clone()
    };
    let ops = start(
        (listeners.ops, Listener::Ops),
        None,
        ops,
        ops_limits,
        OPS_SHUTDOWN,
    );
    let timeout = config.listeners.shutdown_timeout;
    let tls = listeners.tls;
    let api_listener = (listeners.api, Listener::Api);
    let api = start(api_listener, tls.clone(), api, api_limits, timeout);
    let mut probe = JoinSet::new();
    let connector = tls.as_ref().map(Tls::connector);
    let connector = connector.transpose().map_err(Error::internal)?;
    if let Some(mark) = mark {
        let account = services.probe_account()?;
        let interval = config.probe.canary_interval;
        jobs::spawn(
            &mut probe,
            Probe::new(
                account,
                mark,
                config.listeners.api_addr,
                connector,
                interval,
            ),
        );
    }
    Ok(Running { api, ops, probe })
}

fn start(
    listener: (TcpListener, Listener),
    tls: Option<Arc<Tls>>,
    endpoint: impl Endpoint<Output = Response> + 'static,
    limits: server::ConnectionLimits,
    timeout: Duration,
) -> Server {
    let stop = Arc::new(Notify::new());
    let stopped = {
        let stop = Arc::clone(&stop);
        async move { stop.notified().await }
    };
    let task = tokio::spawn(server::serve(
        listener, tls, endpoint, limits, stopped, timeout,
    ));
    Server { task, stop }
}

/// Waits for a signal, then shuts down: reports not ready, waits until load balancers notice, then
/// stops one listener after the other. A second signal ends the process at once.
async fn drain(
    running: Running,
    ready_file: ReadyFile,
    mut signals: Signals,
    state: &State,
    delay: Duration,
) {
    signals.next().await;
    tracing::info!(
        event = names::SHUTDOWN,
        "shutting down: not ready from now on"
    );
    drop((ready_file, running.probe));
    state.readiness.stop();
    state.draining.store(true, Ordering::SeqCst);
    tokio::spawn(async move {
        signals.next().await;
        tracing::warn!("a second signal: stopping at once");
        std::process::exit(130);
    });
    tokio::time::sleep(delay).await;
    running.api.stop().await;
    running.ops.stop().await;
}
