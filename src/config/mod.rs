//! Configuration: one struct; every option is a flag and an environment variable.

mod checks;
mod clients;
mod database;
mod housekeeping;
mod masked;
mod networks;
mod probe;
mod rate_limits;
mod redis;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use zeroize::Zeroizing;

pub use self::redis::Redis;
pub use clients::Clients;
pub use database::{Database, SqliteSynchronous};
pub use housekeeping::Housekeeping;
pub use networks::Networks;
pub use probe::Canary;
pub use rate_limits::{Rate, RateLimits, Switch};

/// A secret from the command line or the environment: never printed, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self(Zeroizing::new(value.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// `pretty` on a terminal, `json` otherwise.
    Auto,
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// Signature algorithms of access tokens (RFC 7518, RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SigningAlgorithm {
    /// Ed25519.
    #[value(name = "EdDSA", alias = "eddsa")]
    EdDsa,
    /// ECDSA with P-256 and SHA-256.
    #[value(name = "ES256", alias = "es256")]
    Es256,
    /// RSA PKCS#1 1.5 with SHA-256, 3072 bits.
    #[value(name = "RS256", alias = "rs256")]
    Rs256,
    /// HMAC with SHA-256 and a shared key: nothing is published for others to verify with.
    #[value(name = "HS256", alias = "hs256")]
    Hs256,
}

/// Every option of the service. `rbac-sentinel serve --help` is the reference.
#[derive(Clone, Debug, Args)]
pub struct Config {
    /// Address of the public API.
    #[arg(
        long,
        env = "API_ADDR",
        default_value = "127.0.0.1:8000",
        help_heading = "Listeners"
    )]
    pub api_addr: SocketAddr,

    /// Address of the operational listener: /metrics, /livez, /readyz. Keep it private: counters
    /// of failed logins tell a stranger which accounts exist.
    #[arg(
        long,
        env = "OPS_ADDR",
        default_value = "127.0.0.1:9464",
        help_heading = "Listeners"
    )]
    pub ops_addr: SocketAddr,

    /// Also serve /metrics on the API's address.
    #[arg(long, env = "METRICS_ON_API", help_heading = "Listeners")]
    pub metrics_on_api: bool,

    /// The service's public base URL: the issuer of its tokens. Default: http://API_ADDR.
    #[arg(long, env = "PUBLIC_URL", help_heading = "Listeners")]
    pub public_url: Option<String>,

    /// After SIGTERM, how long to go on accepting while /readyz already says no, so that load
    /// balancers notice.
    #[arg(long, env = "SHUTDOWN_DELAY", default_value = "1s", value_parser = humantime::parse_duration, help_heading = "Listeners")]
    pub shutdown_delay: Duration,

    /// After that, how long requests in flight may take to finish.
    #[arg(long, env = "SHUTDOWN_TIMEOUT", default_value = "10s", value_parser = humantime::parse_duration, help_heading = "Listeners")]
    pub shutdown_timeout: Duration,

    /// A file that is written once both listeners accept connections, and removed when they stop:
    /// their addresses and the process, as JSON. For programs that start the service on free ports.
    #[arg(
        long,
        env = "READY_FILE",
        value_name = "FILE",
        help_heading = "Listeners"
    )]
    pub ready_file: Option<PathBuf>,

    /// Clients.
    #[command(flatten)]
    pub clients: Clients,

    /// Folder for the embedded database and the generated key; made with mode 0700.
    #[arg(
        long,
        env = "DATA_DIR",
        default_value = "./data",
        help_heading = "Storage"
    )]
    pub data_dir: PathBuf,

    /// The database.
    #[command(flatten)]
    pub database: Database,

    /// Redis.
    #[command(flatten)]
    pub redis: Redis,
    /// What is removed from it, and when.
    #[command(flatten)]
    pub housekeeping: Housekeeping,
    /// How often what may be asked.
    #[command(flatten)]
    pub limits: RateLimits,

    /// The canary.
    #[command(flatten)]
    pub canary: Canary,

    /// Key that encrypts the signing keys in the database, at least 32 characters. Default: one is
    /// generated in DATA_DIR/secret.key, mode 0600.
    #[arg(
        long,
        env = "SECRET_KEY",
        hide_env_values = true,
        help_heading = "Keys and tokens"
    )]
    pub secret_key: Option<Secret>,

    /// Signature algorithm of access tokens.
    #[arg(
        long,
        env = "SIGNING_ALG",
        value_enum,
        default_value = "EdDSA",
        help_heading = "Keys and tokens"
    )]
    pub signing_alg: SigningAlgorithm,

    /// Shared key for SIGNING_ALG=HS256, at least 32 bytes.
    #[arg(
        long,
        env = "HS256_KEY",
        hide_env_values = true,
        help_heading = "Keys and tokens"
    )]
    pub hs256_key: Option<Secret>,

    /// Audience of access tokens.
    #[arg(
        long,
        env = "TOKEN_AUDIENCE",
        default_value = "rbac-sentinel",
        help_heading = "Keys and tokens"
    )]
    pub token_audience: String,

    /// Lifetime of access tokens; 30 minutes at most.
    #[arg(long, env = "ACCESS_TOKEN_TTL", default_value = "15m", value_parser = humantime::parse_duration, help_heading = "Keys and tokens")]
    pub access_token_ttl: Duration,

    /// A session ends when it was not refreshed for this long.
    #[arg(long, env = "SESSION_IDLE_TTL", default_value = "14d", value_parser = humantime::parse_duration, help_heading = "Keys and tokens")]
    pub session_idle_ttl: Duration,

    /// A session ends after this long, however often it is refreshed.
    #[arg(long, env = "SESSION_TTL", default_value = "30d", value_parser = humantime::parse_duration, help_heading = "Keys and tokens")]
    pub session_ttl: Duration,

    /// For how long the immediately previous refresh token is still honoured: two tabs may refresh
    /// at once.
    #[arg(long, env = "REFRESH_GRACE", default_value = "10s", value_parser = humantime::parse_duration, help_heading = "Keys and tokens")]
    pub refresh_grace: Duration,

    /// E-mail address of the administrator made at the first start.
    #[arg(
        long,
        env = "ADMIN_EMAIL",
        default_value = "admin@example.com",
        help_heading = "First administrator"
    )]
    pub admin_email: String,

    /// Username of the administrator made at the first start.
    #[arg(
        long,
        env = "ADMIN_USERNAME",
        default_value = "admin",
        help_heading = "First administrator"
    )]
    pub admin_username: String,

    /// Password of the administrator made at the first start. Default: one is generated and shown
    /// once.
    #[arg(
        long,
        env = "ADMIN_PASSWORD",
        hide_env_values = true,
        help_heading = "First administrator"
    )]
    pub admin_password: Option<Secret>,

    /// Argon2id memory of new hashes, in KiB (OWASP: at least 19456 with two iterations).
    #[arg(long, env = "HASH_MEMORY_KIB", default_value_t = 19456, value_parser = clap::value_parser!(u32).range(8..=65536), help_heading = "Password hashing")]
    pub hash_memory_kib: u32,

    /// Argon2id iterations of new hashes.
    #[arg(long, env = "HASH_ITERATIONS", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=10), help_heading = "Password hashing")]
    pub hash_iterations: u32,

    /// Argon2id lanes of new hashes.
    #[arg(long, env = "HASH_PARALLELISM", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4), help_heading = "Password hashing")]
    pub hash_parallelism: u32,

    /// Threads of the hash gate. Default: one a core.
    #[arg(long, env = "HASH_THREADS", value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "Password hashing")]
    pub hash_threads: Option<u16>,

    /// The most hashes that may wait.
    #[arg(long, env = "HASH_QUEUE", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "Password hashing")]
    pub hash_queue: u32,

    /// The longest that a hash may wait; beyond it a request gets 503 with Retry-After.
    #[arg(long, env = "HASH_DEADLINE", default_value = "2s", value_parser = humantime::parse_duration, help_heading = "Password hashing")]
    pub hash_deadline: Duration,

    /// Shortest password accepted, in characters.
    #[arg(long, env = "PASSWORD_MIN_LENGTH", default_value_t = 8, value_parser = clap::value_parser!(u8).range(8..=64), help_heading = "Password hashing")]
    pub password_min_length: u8,

    /// How log lines look.
    #[arg(
        long,
        env = "LOG_FORMAT",
        value_enum,
        default_value = "auto",
        help_heading = "Logs"
    )]
    pub log_format: LogFormat,

    /// What is logged, in the words of tracing's EnvFilter, such as `info` or `rbac_sentinel=debug`.
    #[arg(long, env = "LOG_LEVEL", default_value = "info", help_heading = "Logs")]
    pub log_level: String,
}

impl Config {
    /// The issuer of tokens and the base of links.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.public_url.as_ref().map_or_else(
            || format!("http://{}", self.api_addr),
            |url| url.trim_end_matches('/').to_owned(),
        )
    }

    /// Threads of the hash gate: as configured, else one a core.
    #[must_use]
    pub fn hash_threads(&self) -> usize {
        self.hash_threads.map_or_else(
            || std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            usize::from,
        )
    }
}

#[cfg(test)]
mod tests;
