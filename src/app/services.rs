//! Creates the services from the configuration.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::data_dir;
use crate::accounts::policy_changes::PolicyChanges;
use crate::accounts::{Accounts, PasswordPolicy};
use crate::auth::{ClientMarks, Login, Logout, PasswordChange, Refresh, Register, Revoke};
use crate::cache::{Cache, Memory, Redis, RedisOptions};
use crate::clock::Clock;
use crate::config::{Config, PasswordRules, SqliteSynchronous};
use crate::decisions::Decisions;
use crate::decisions::search::PageTokens;
use crate::error::{Error, Result};
use crate::hashing::{HashBounds, HashGate, HashGateConfig, HashParams};
use crate::limits::{Devices, Throttle};
use crate::policies::Policies;
use crate::probe::ProbeAccount;
use crate::secrets::{Purpose, Seals, Secrets, make_secret, stored_secrets};
use crate::sessions::{Lifetimes, Sessions};
use crate::store::{Options, PostgresOptions, SqliteOptions, Store};
use crate::tokens::{KeyOptions, Keys, TokenOptions, Tokens};

/// The maximum number of entries and counters in process.
const CACHE_CAPACITY: usize = 100_000;

/// The services. Each owns the parts that it uses.
pub struct Services {
    /// The database.
    pub store: Store,
    /// Entries and counters, in process or shared with the other replicas.
    pub cache: Arc<Cache>,
    /// The hash gate.
    pub hashing: HashGate,
    /// Signs and verifies access tokens.
    pub tokens: Arc<Tokens>,
    /// The live policy.
    pub policies: Arc<Policies>,
    /// Authorizes callers, issues tokens, ends sessions.
    pub sessions: Arc<Sessions>,
    /// The rate limits.
    pub limits: Arc<Throttle>,
    /// Device cookies.
    devices: Arc<Devices>,
    /// Makes and changes accounts.
    pub accounts: Arc<Accounts>,
    /// Changes roles and permissions.
    pub policy: Arc<PolicyChanges>,
    /// Answers the questions of other services.
    pub decisions: Arc<Decisions>,
    /// The clock.
    pub clock: Clock,
    secrets: Secrets,
}

impl Services {
    /// Opens the database and the cache, loads the keys and starts the hash gate.
    ///
    /// # Errors
    /// When the data folder cannot be used, the database cannot be opened, the keys cannot be
    /// decrypted, or REDIS_URL cannot be parsed.
    pub async fn open(config: &Config, clock: Clock) -> Result<Self> {
        let store = open_store(config).await?;
        let secrets = open_or_make_secrets(config, &store).await?;
        let cache = Arc::new(open_cache(config, &secrets, &clock)?);
        let keys = open_keys(config, &store, &secrets, &clock).await?;
        let tokens = Arc::new(Tokens::new(Arc::new(keys), token_options(config)));
        let hashing = HashGate::start(HashGateConfig {
            params: hash_params(config),
            bounds: HashBounds::default(),
            threads: config.hashing.hash_threads(),
            queue: config.hashing.hash_queue as usize,
            deadline: config.hashing.hash_deadline,
        })
        .map_err(Error::internal)?;
        let lifetimes = Lifetimes {
            session_idle: time_delta(config.tokens.session_idle_ttl),
            session: time_delta(config.tokens.session_ttl),
            grace: time_delta(config.tokens.refresh_grace),
            most: config.tokens.max_sessions_per_user,
        };
        let names = secrets.derive(Purpose::RateLimitNames)?;
        let limits = Arc::new(Throttle::new(
            config.limits.clone(),
            &*names,
            Arc::clone(&cache),
            clock.clone(),
        ));
        let devices = secrets.derive_all(Purpose::DeviceCookies)?;
        let devices: Vec<_> = devices.iter().map(|key| **key).collect();
        let devices = Arc::new(Devices::new(&devices, clock.clone()));
        let policies = Arc::new(Policies::open(store.clone(), clock.clone()).await?);
        let sessions = Arc::new(Sessions::new(
            store.clone(),
            &cache,
            Arc::clone(&tokens),
            Arc::clone(&policies),
            lifetimes,
            clock.clone(),
        ));
        let passwords = match config.hashing.password_policy {
            PasswordRules::Strict => {
                PasswordPolicy::strict(config.hashing.password_min_length.into())
            }
            PasswordRules::Off => PasswordPolicy::off(),
        };
        let accounts = Arc::new(Accounts::new(
            store.clone(),
            hashing.clone(),
            Arc::clone(&limits),
            Arc::clone(&sessions),
            passwords,
            time_delta(config.hashing.initial_password_ttl),
            clock.clone(),
        ));
        let decisions = Decisions::new(
            store.clone(),
            Arc::clone(&sessions),
            super::shadow_reload::open(config),
            clock.clone(),
        );
        let policy = PolicyChanges::new(store.clone(), Arc::clone(&policies), clock.clone());
        Ok(Self {
            decisions: Arc::new(decisions),
            policy: Arc::new(policy),
            store,
            cache,
            hashing,
            tokens,
            policies,
            sessions,
            limits,
            devices,
            accounts,
            clock,
            secrets,
        })
    }

    /// The registration flow.
    #[must_use]
    pub fn register(&self) -> Register {
        Register::new(
            self.hashing.clone(),
            Arc::clone(&self.limits),
            Arc::clone(&self.accounts),
        )
    }

    /// The revocation flow.
    #[must_use]
    pub fn revoke(&self) -> Revoke {
        Revoke::new(
            self.store.clone(),
            Arc::clone(&self.limits),
            Arc::clone(&self.sessions),
        )
    }

    /// The login flow.
    #[must_use]
    pub fn login(&self) -> Login {
        Login::new(
            self.store.clone(),
            self.hashing.clone(),
            Arc::clone(&self.limits),
            Arc::clone(&self.devices),
            Arc::clone(&self.sessions),
            self.clock.clone(),
        )
    }

    /// The refresh flow.
    ///
    /// # Errors
    /// When its key cannot be derived: a defect.
    pub fn refresh(&self) -> Result<Refresh> {
        let key = self.secrets.derive(Purpose::ClientMarks)?;
        Ok(Refresh::new(
            self.store.clone(),
            Arc::clone(&self.limits),
            Arc::clone(&self.sessions),
            ClientMarks::new(&*key),
            self.clock.clone(),
        ))
    }

    /// The logout flow.
    #[must_use]
    pub fn logout(&self) -> Logout {
        Logout::new(self.store.clone(), Arc::clone(&self.sessions))
    }

    /// The flow of a password change.
    #[must_use]
    pub fn password_change(&self) -> PasswordChange {
        PasswordChange::new(
            self.store.clone(),
            Arc::clone(&self.accounts),
            Arc::clone(&self.sessions),
            self.clock.clone(),
        )
    }

    /// The tokens of pages of searches.
    ///
    /// # Errors
    /// When their key cannot be derived: a defect.
    pub fn page_tokens(&self) -> Result<PageTokens> {
        Ok(PageTokens::new(self.secrets.seals(Purpose::SearchPages)?))
    }

    /// The account of the synthetic probe.
    ///
    /// # Errors
    /// When its password cannot be derived: a defect.
    pub fn probe_account(&self) -> Result<ProbeAccount> {
        let key = self.secrets.derive(Purpose::ProbePassword)?;
        Ok(ProbeAccount::new(
            self.store.clone(),
            self.hashing.clone(),
            self.clock.clone(),
            &key,
        ))
    }
}

/// Opens only the database and migrates its schema, for commands that need nothing else.
///
/// # Errors
/// When the data folder cannot be used, or the database cannot be opened.
pub async fn open_store(config: &Config) -> Result<Store> {
    prepare_data_dir(config)?;
    Store::open(&store_options(config)).await
}

/// The signing keys, for the service and the commands that change them.
///
/// # Errors
/// When a key cannot be decrypted, or the database does not answer.
pub async fn open_keys(
    config: &Config,
    store: &Store,
    secrets: &Secrets,
    clock: &Clock,
) -> Result<Keys> {
    let tokens = &config.tokens;
    let options = KeyOptions {
        algorithm: tokens.signing_alg,
        hs256_key: tokens.hs256_key.clone(),
        max_age: time_delta(tokens.jwks_max_age),
        rotation: tokens.key_rotation.0.map(time_delta),
    };
    let seals = seals(secrets)?;
    Keys::open(store.clone(), seals, options, clock.clone()).await
}

/// Encrypts and decrypts signing keys.
///
/// # Errors
/// Never in practice.
pub fn seals(secrets: &Secrets) -> Result<Seals> {
    secrets.seals(Purpose::SigningKeys)
}

fn token_options(config: &Config) -> TokenOptions {
    TokenOptions {
        issuer: config.listeners.issuer(),
        audience: config.tokens.token_audience.clone(),
        ttl: time_delta(config.tokens.access_token_ttl),
        permissions: config.tokens.token_permissions,
    }
}

/// The secrets, as configured or else from the data folder; `None` if there are none yet.
///
/// # Errors
/// When the file in the data folder cannot be used.
pub fn open_secrets(config: &Config) -> Result<Option<Secrets>> {
    let configured = Secrets::of(&config.named_secrets());
    match configured {
        Some(secrets) => Ok(Some(secrets)),
        None => stored_secrets(&config.data_dir).map_err(|error| unusable(config, &error)),
    }
}

/// As [`open_secrets`]; makes one at the first start.
///
/// # Errors
/// As [`open_secrets`], and when the file is missing although it has encrypted keys.
pub async fn open_or_make_secrets(config: &Config, store: &Store) -> Result<Secrets> {
    if let Some(secrets) = open_secrets(config)? {
        return Ok(secrets);
    }
    if !store.stored_signing_keys().await?.is_empty() {
        let folder = config.data_dir.display();
        return Err(Error::internal(format!(
            "{folder}/secret.key is missing, and the database has signing keys that it encrypted. Restore \
             the file from a backup, or set SECRET_KEY if that encrypted them. Nothing was changed. If it is \
             lost, `rbac-sentinel keys discard-unreadable` deletes the keys; access tokens signed with them \
             are then refused"
        )));
    }
    make_secret(&config.data_dir).map_err(|error| unusable(config, &error))
}

fn unusable(config: &Config, error: &io::Error) -> Error {
    let folder = config.data_dir.display();
    Error::internal(format!("DATA_DIR {folder} cannot be used: {error}"))
}

/// How to open the database.
pub fn store_options(config: &Config) -> Options {
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

fn open_cache(config: &Config, secrets: &Secrets, clock: &Clock) -> Result<Cache> {
    let Some(url) = &config.redis.url else {
        return Ok(Cache::Memory(Memory::new(clock.clone(), CACHE_CAPACITY)));
    };
    let options = RedisOptions {
        url: url.expose().to_owned(),
        prefix: config.redis.prefix.clone(),
        timeout: config.redis.timeout,
        key: secrets.derive(Purpose::SharedCache)?,
        older_keys: secrets.derive_all(Purpose::SharedCache)?.split_off(1),
    };
    Ok(Cache::Redis(Redis::open(&options, clock.clone())?))
}

/// Tells the replicas that signing keys have changed, if they share Redis. Without it they notice within
/// seconds.
///
/// # Errors
/// When REDIS_URL cannot be parsed.
pub async fn announce_key_change(config: &Config) -> Result<()> {
    let Some(secrets) = open_secrets(config)? else {
        return Ok(());
    };
    let cache = open_cache(config, &secrets, &Clock::system())?;
    if let Cache::Redis(redis) = &cache {
        redis.answers_within(Duration::from_secs(1)).await;
        // When it fails, the replicas read the keys a little later.
        let _ = redis.announce_key_change().await;
    }
    cache.close();
    Ok(())
}

/// The parameters of new hashes.
#[must_use]
pub fn hash_params(config: &Config) -> HashParams {
    HashParams {
        memory_kib: config.hashing.hash_memory_kib,
        iterations: config.hashing.hash_iterations,
        parallelism: config.hashing.hash_parallelism,
    }
}

/// A duration for arithmetic with dates.
pub fn time_delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

/// Creates and checks the data folder.
///
/// # Errors
/// When it cannot be used.
pub fn prepare_data_dir(config: &Config) -> Result<()> {
    data_dir::prepare(config).map_err(|error| unusable(config, &error))
}
