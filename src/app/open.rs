//! Opens what the service is made of, as it is configured.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use crate::auth::hash_gate::{HashGate, HashGateConfig};
use crate::auth::keys::{Keyring, SealingKey};
use crate::auth::password::{HashLimits, HashParams, PasswordPolicy};
use crate::auth::throttle::Throttle;
use crate::auth::token::Tokens;
use crate::auth::{Auth, Lifetimes, Parts, canary, secret_for};
use crate::cache::{Cache, Memory, Redis, RedisOptions};
use crate::clock::Clock;
use crate::config::{Config, SqliteSynchronous};
use crate::error::{Error, Result};
use crate::store::{Options, PostgresOptions, SqliteOptions, Store};

/// How many entries and counters are kept in process.
const CACHE_CAPACITY: usize = 100_000;

/// Opens the database and the cache, loads the keys and starts the hash gate.
///
/// # Errors
/// When the data folder cannot be used, the database does not open, the keys do not decrypt, or
/// REDIS_URL is not understood.
pub async fn open(config: &Config, clock: Clock) -> Result<Arc<Auth>> {
    let unusable = |error: io::Error| {
        let folder = config.data_dir.display();
        Error::internal(format!("DATA_DIR {folder} cannot be used: {error}"))
    };
    // With a database server and a configured secret nothing is kept on this machine.
    if !config.database.is_server() {
        make_data_dir(config).map_err(unusable)?;
    }
    let secret = config
        .secret_key
        .as_ref()
        .map(crate::config::Secret::expose);
    let secret = secret_for(secret, &config.data_dir).map_err(unusable)?;
    let cache = Arc::new(open_cache(config, &clock)?);
    let store = Store::open(&store_options(config)).await?;
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
    let limits = config.limits.clone();
    let throttle = Throttle::new(limits, &secret, Arc::clone(&cache), clock.clone());
    Ok(Arc::new(Auth::new(Parts {
        store,
        cache,
        gate,
        tokens,
        policy,
        lifetimes,
        throttle,
        canary_password: canary::password(&secret),
        clock,
    })))
}

/// Which database is used, and how.
pub(super) fn store_options(config: &Config) -> Options {
    let database = &config.database;
    match &database.url {
        Some(url) if database.is_server() => Options::Postgres(PostgresOptions {
            url: url.expose().to_owned(),
            max_connections: database.db_max_connections,
            acquire_timeout: database.acquire_timeout,
            statement_timeout: database.db_statement_timeout,
            application_name: database.db_application_name.clone(),
        }),
        url => Options::Sqlite(SqliteOptions {
            url: url.as_ref().map_or_else(
                || {
                    config
                        .data_dir
                        .join("rbac-sentinel.db")
                        .display()
                        .to_string()
                },
                |url| url.expose().to_owned(),
            ),
            readers: database.sqlite_readers,
            synchronous_full: database.sqlite_synchronous == SqliteSynchronous::Full,
            acquire_timeout: database.acquire_timeout,
        }),
    }
}

fn open_cache(config: &Config, clock: &Clock) -> Result<Cache> {
    let Some(url) = &config.redis.url else {
        return Ok(Cache::Memory(Memory::new(clock.clone(), CACHE_CAPACITY)));
    };
    let options = RedisOptions {
        url: url.expose().to_owned(),
        prefix: config.redis.prefix.clone(),
        timeout: config.redis.timeout,
    };
    Ok(Cache::Redis(Redis::open(&options, clock.clone())?))
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

pub(super) fn span(duration: Duration) -> TimeDelta {
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
