//! Configuration: one struct; every option is a flag and an environment variable.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use zeroize::Zeroizing;

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

/// The shortest secret that is accepted, in bytes: 256 bits (RFC 7518 section 3.2).
const MIN_SECRET_BYTES: usize = 32;
/// The longest lifetime of an access token.
const MAX_ACCESS_TOKEN_TTL: Duration = Duration::from_mins(30);

/// A combination of options that must not run, as a sentence that says what to do.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct ConfigError(String);

impl Config {
    /// The issuer of tokens and the base of links.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.public_url.as_ref().map_or_else(
            || format!("http://{}", self.api_addr),
            |url| url.trim_end_matches('/').to_owned(),
        )
    }

    /// Refuses combinations that would be unsafe or could not work.
    ///
    /// # Errors
    /// The first such combination, as a sentence that says what to do about it.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let refuse = |sentence: &str| Err(ConfigError(sentence.to_owned()));
        if self.api_addr == self.ops_addr && self.api_addr.port() != 0 {
            return refuse(
                "API_ADDR and OPS_ADDR are the same address: give the operational listener a port \
                 of its own, or keep its default 127.0.0.1:9464.",
            );
        }
        if short(self.secret_key.as_ref()) {
            return refuse(
                "SECRET_KEY is shorter than 32 characters: make one with `openssl rand -base64 32`, \
                 or unset it to have one generated in DATA_DIR.",
            );
        }
        match (self.signing_alg, &self.hs256_key) {
            (SigningAlgorithm::Hs256, None) => {
                return refuse(
                    "SIGNING_ALG=HS256 needs HS256_KEY: make one with `openssl rand -base64 32`, or \
                     use the default SIGNING_ALG=EdDSA, which needs none.",
                );
            }
            (SigningAlgorithm::Hs256, key) if short(key.as_ref()) => {
                return refuse(
                    "HS256_KEY is shorter than 32 bytes, which RFC 7518 forbids: make one with \
                     `openssl rand -base64 32`.",
                );
            }
            (SigningAlgorithm::Hs256, _) | (_, None) => {}
            (_, Some(_)) => {
                return refuse(
                    "HS256_KEY is set but SIGNING_ALG is not HS256: set SIGNING_ALG=HS256 or unset \
                     HS256_KEY.",
                );
            }
        }
        if let Some(url) = &self.database_url
            && !url.expose().starts_with("sqlite:")
        {
            return refuse(
                "DATABASE_URL must start with sqlite:// - unset it to use the embedded database in \
                 DATA_DIR.",
            );
        }
        if let Some(url) = &self.public_url
            && !(url.starts_with("https://") || url.starts_with("http://"))
        {
            return refuse("PUBLIC_URL must start with https:// or http://.");
        }
        if self.access_token_ttl > MAX_ACCESS_TOKEN_TTL || self.access_token_ttl.is_zero() {
            return refuse(
                "ACCESS_TOKEN_TTL must be between 1s and 30m: refresh tokens carry sessions.",
            );
        }
        if self.session_idle_ttl > self.session_ttl {
            return refuse(
                "SESSION_IDLE_TTL is longer than SESSION_TTL: make it shorter, or SESSION_TTL longer.",
            );
        }
        if self.refresh_grace > Duration::from_mins(1) {
            return refuse(
                "REFRESH_GRACE must be 60s or less: it exists for two tabs, not for replays.",
            );
        }
        Ok(())
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
            ("ADMIN_EMAIL", crate::events::mask_email(&self.admin_email)),
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

fn short(secret: Option<&Secret>) -> bool {
    secret.is_some_and(|secret| secret.expose().len() < MIN_SECRET_BYTES)
}

fn word(value: impl ValueEnum) -> String {
    value
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        config: Config,
    }

    fn config(args: &[&str]) -> Config {
        Cli::parse_from([&["test"], args].concat()).config
    }

    fn refusal(args: &[&str]) -> String {
        config(args)
            .validate()
            .expect_err("must be refused")
            .to_string()
    }

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(config(&[]).validate(), Ok(()));
    }

    #[test]
    fn unsafe_combinations_are_refused_with_what_to_do() {
        let key = "k".repeat(31);
        for (args, word) in [
            (vec!["--ops-addr", "127.0.0.1:8000"], "OPS_ADDR"),
            (vec!["--secret-key", &key], "SECRET_KEY"),
            (vec!["--signing-alg", "HS256"], "HS256_KEY"),
            (
                vec!["--signing-alg", "HS256", "--hs256-key", &key],
                "HS256_KEY",
            ),
            (vec!["--hs256-key", &key], "SIGNING_ALG"),
            (vec!["--access-token-ttl", "31m"], "ACCESS_TOKEN_TTL"),
            (vec!["--session-ttl", "1d"], "SESSION_TTL"),
            (vec!["--refresh-grace", "2m"], "REFRESH_GRACE"),
            (
                vec!["--database-url", "mysql://root:hunter2@localhost"],
                "DATABASE_URL",
            ),
            (vec!["--public-url", "auth.example.com"], "PUBLIC_URL"),
        ] {
            let sentence = refusal(&args);
            assert!(sentence.contains(word), "{args:?}: {sentence}");
            assert!(
                !sentence.contains("kkk") && !sentence.contains("hunter2"),
                "{sentence}"
            );
        }
    }

    #[test]
    fn secrets_are_masked_in_every_printed_form() {
        let config = config(&[
            "--secret-key",
            &"s3cret".repeat(8),
            "--admin-password",
            "s3cret-password",
            "--database-url",
            "sqlite://s3cret.db",
        ]);
        assert!(!config.masked().contains("s3cret"), "{}", config.masked());
        assert!(!format!("{config:?}").contains("s3cret"));
        assert!(config.masked().contains("SECRET_KEY=***"));
    }
}
