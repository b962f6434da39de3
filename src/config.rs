//! Configuration: one struct; every option is a flag and an environment variable.

mod checks;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use zeroize::Zeroizing;

pub use checks::ConfigError;

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

/// When SQLite waits for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SqliteSynchronous {
    /// Every commit reaches the disk: survives a power cut.
    Full,
    /// Survives a crash of the process, not of the machine; faster writes.
    Normal,
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

    /// Folder for the embedded database and the generated key; made with mode 0700.
    #[arg(
        long,
        env = "DATA_DIR",
        default_value = "./data",
        help_heading = "Storage"
    )]
    pub data_dir: PathBuf,

    /// Database: sqlite://PATH. Default: DATA_DIR/rbac-sentinel.db.
    #[arg(
        long,
        env = "DATABASE_URL",
        hide_env_values = true,
        help_heading = "Storage"
    )]
    pub database_url: Option<Secret>,

    /// Connections for reading the embedded database; there is always one for writing.
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

    /// How long a request may wait for a database connection before it is answered with 503.
    #[arg(long, env = "DB_ACQUIRE_TIMEOUT", default_value = "2s", value_parser = humantime::parse_duration, help_heading = "Storage")]
    pub db_acquire_timeout: Duration,

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

    /// The effective configuration, one `NAME=value` a line, secrets masked.
    #[must_use]
    pub fn masked(&self) -> String {
        let secret = |value: &Option<Secret>, unset: &str| {
            value
                .as_ref()
                .map_or_else(|| unset.to_owned(), ToString::to_string)
        };
        let time = |value: Duration| humantime::format_duration(value).to_string();
        let choice = |value: &dyn fmt::Display| value.to_string();
        let lines = [
            ("API_ADDR", self.api_addr.to_string()),
            ("OPS_ADDR", self.ops_addr.to_string()),
            ("METRICS_ON_API", self.metrics_on_api.to_string()),
            ("PUBLIC_URL", self.issuer()),
            ("SHUTDOWN_DELAY", time(self.shutdown_delay)),
            ("SHUTDOWN_TIMEOUT", time(self.shutdown_timeout)),
            ("DATA_DIR", self.data_dir.display().to_string()),
            (
                "DATABASE_URL",
                secret(&self.database_url, "(the embedded database in DATA_DIR)"),
            ),
            ("SQLITE_READERS", choice(&self.sqlite_readers)),
            ("SQLITE_SYNCHRONOUS", word(self.sqlite_synchronous)),
            ("DB_ACQUIRE_TIMEOUT", time(self.db_acquire_timeout)),
            (
                "SECRET_KEY",
                secret(&self.secret_key, "(generated in DATA_DIR)"),
            ),
            ("SIGNING_ALG", word(self.signing_alg)),
            ("HS256_KEY", secret(&self.hs256_key, "(unset)")),
            ("TOKEN_AUDIENCE", self.token_audience.clone()),
            ("ACCESS_TOKEN_TTL", time(self.access_token_ttl)),
            ("SESSION_IDLE_TTL", time(self.session_idle_ttl)),
            ("SESSION_TTL", time(self.session_ttl)),
            ("REFRESH_GRACE", time(self.refresh_grace)),
            ("ADMIN_EMAIL", mask_email(&self.admin_email)),
            ("ADMIN_USERNAME", self.admin_username.clone()),
            (
                "ADMIN_PASSWORD",
                secret(&self.admin_password, "(generated at the first start)"),
            ),
            ("HASH_MEMORY_KIB", choice(&self.hash_memory_kib)),
            ("HASH_ITERATIONS", choice(&self.hash_iterations)),
            ("HASH_PARALLELISM", choice(&self.hash_parallelism)),
            ("HASH_THREADS", choice(&self.hash_threads())),
            ("HASH_QUEUE", choice(&self.hash_queue)),
            ("HASH_DEADLINE", time(self.hash_deadline)),
            ("PASSWORD_MIN_LENGTH", choice(&self.password_min_length)),
            ("LOG_FORMAT", word(self.log_format)),
            ("LOG_LEVEL", self.log_level.clone()),
        ];
        lines
            .map(|(name, value)| format!("{name}={value}\n"))
            .concat()
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

fn word(value: impl ValueEnum + Copy) -> String {
    value
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned())
}

/// An e-mail address with all but its first letter and its domain hidden.
fn mask_email(email: &str) -> String {
    match email.split_once('@') {
        Some((local, domain)) => {
            let first: String = local.chars().take(1).collect();
            format!("{first}***@{domain}")
        }
        None => "***".to_owned(),
    }
}
