//! Combinations of options that must not run.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Config, PasswordRules, Redis, Secret};

/// The range of CLIENT_TIMEOUT.
const CLIENT_TIMEOUT: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_mins(10);
/// The range of IDLE_TIMEOUT.
const IDLE_TIMEOUT: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(1);
/// The intervals of the synthetic probe.
const PROBE_INTERVAL: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_mins(5);
/// The longest lifetime of an access token.
const MAX_ACCESS_TOKEN_TTL: Duration = Duration::from_mins(30);

/// The longest lifetime of an initial password.
const MAX_INITIAL_PASSWORD_TTL: Duration = Duration::from_hours(90 * 24);
/// The longest wait of a request for the database.
const MAX_WAIT: Duration = Duration::from_mins(1);
/// The longest wait of a request for Redis.
const MAX_REDIS_TIMEOUT: Duration = Duration::from_millis(250);
/// The longest prefix of keys in Redis, in characters.
const MAX_REDIS_PREFIX: usize = 64;

/// A combination of options that must not run, as a sentence that says what to do.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    pub(super) fn new(sentence: &str) -> Self {
        Self(sentence.to_owned())
    }
}

impl Config {
    /// Refuses combinations that would be unsafe or could not work.
    ///
    /// # Errors
    /// The first such combination, as a sentence that says what to do about it.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let refuse = |sentence: &str| Err(ConfigError(sentence.to_owned()));
        if self.listeners.api_addr == self.listeners.ops_addr && self.listeners.api_addr.port() != 0
        {
            return refuse(
                "API_ADDR and OPS_ADDR are the same address: give the operational listener a port \
                 of its own, or keep its default 127.0.0.1:9464.",
            );
        }
        self.validate_keys()?;
        self.validate_initial_passwords()?;
        self.validate_database()?;
        if let Some(sentence) = refuse_redis(&self.redis) {
            return refuse(sentence);
        }
        if let Some(sentence) = self.listeners.refuse_public_url() {
            return refuse(sentence);
        }
        if let Some(sentence) = self.refuse_browsers() {
            return refuse(sentence);
        }
        if self.hashing.password_policy == PasswordRules::Off && self.is_public() {
            return refuse(
                "PASSWORD_POLICY is off and PUBLIC_URL begins with https://: this is a production \
                 service, and weak passwords are for tests. Unset PASSWORD_POLICY.",
            );
        }
        if self.listeners.tls_cert.is_some() != self.listeners.tls_key.is_some() {
            return refuse(
                "TLS_CERT and TLS_KEY belong together: set both for TLS in the service, or none.",
            );
        }
        if !CLIENT_TIMEOUT.contains(&self.clients.timeout) {
            return refuse(
                "CLIENT_TIMEOUT must be between 1s and 10m: shorter cuts off slow networks, longer \
                 lets clients hold connections.",
            );
        }
        if !IDLE_TIMEOUT.contains(&self.clients.idle_timeout) {
            return refuse(
                "IDLE_TIMEOUT must be between 1s and 1h: longer than the load balancer's, which is 60s \
                 for most.",
            );
        }
        if self.tokens.access_token_ttl > MAX_ACCESS_TOKEN_TTL
            || self.tokens.access_token_ttl.is_zero()
        {
            return refuse(
                "ACCESS_TOKEN_TTL must be between 1s and 30m: refresh tokens carry sessions.",
            );
        }
        if self.tokens.session_idle_ttl > self.tokens.session_ttl {
            return refuse(
                "SESSION_IDLE_TTL is longer than SESSION_TTL: make it shorter, or SESSION_TTL longer.",
            );
        }
        if self.tokens.refresh_grace > Duration::from_mins(1) {
            return refuse(
                "REFRESH_GRACE must be 60s or less: it exists for two tabs, not for replays.",
            );
        }
        if !PROBE_INTERVAL.contains(&self.probe.canary_interval) {
            return refuse(
                "CANARY_INTERVAL must be between 1s and 5m: a run costs a password hash, and \
                 alerts cover five minutes.",
            );
        }
        if self.housekeeping.retention < self.tokens.refresh_grace {
            return refuse(
                "HOUSEKEEPING_RETENTION is shorter than REFRESH_GRACE: refresh tokens would be \
                 removed while they are still honoured.",
            );
        }
        match self.weakness() {
            Some(sentence) if !self.allow_insecure => refuse(sentence),
            _ => Ok(()),
        }
    }

    fn validate_initial_passwords(&self) -> Result<(), ConfigError> {
        let ttl = self.hashing.initial_password_ttl;
        if ttl.is_zero() || ttl > MAX_INITIAL_PASSWORD_TTL {
            let sentence = "INITIAL_PASSWORD_TTL must be between 1s and 90d: until then others than the \
                            owner know a valid password.";
            return Err(ConfigError(sentence.to_owned()));
        }
        Ok(())
    }

    fn validate_database(&self) -> Result<(), ConfigError> {
        let refuse = |sentence: &str| Err(ConfigError(sentence.to_owned()));
        let database = &self.database;
        if let Some(url) = &database.url
            && !(url.expose().starts_with("sqlite:") || database.is_server())
        {
            return refuse(
                "DATABASE_URL must start with sqlite:// or postgres:// - unset it to use the \
                 embedded database in DATA_DIR.",
            );
        }
        if database.is_server() && self.named_secrets().is_empty() {
            return refuse(
                "DATABASE_URL is PostgreSQL but SECRET_KEY is unset: every replica needs the same \
                 one to decrypt the signing keys. Generate one with `openssl rand -base64 32`.",
            );
        }
        if database.acquire_timeout.is_zero() || database.acquire_timeout > MAX_WAIT {
            return refuse("DB_ACQUIRE_TIMEOUT must be between 1ms and 60s.");
        }
        if database.db_statement_timeout < Duration::from_millis(1)
            || database.db_statement_timeout > MAX_WAIT
        {
            return refuse("DB_STATEMENT_TIMEOUT must be between 1ms and 60s.");
        }
        Ok(())
    }

    /// Whether this looks like a production service.
    pub(super) fn is_public(&self) -> bool {
        let url = self.listeners.public_url.as_deref();
        url.is_some_and(|url| url.starts_with("https://"))
    }

    /// Refuses to fill a production service's database with accounts that share a password.
    ///
    /// # Errors
    /// Why, as a sentence.
    pub fn validate_seeding(&self, allowed: bool) -> Result<(), ConfigError> {
        let refuse = |sentence: &str| Err(ConfigError(sentence.to_owned()));
        if self.is_public() {
            return refuse(
                "PUBLIC_URL begins with https://: this is a production service, and must not have \
                 accounts that share a password.",
            );
        }
        if !allowed {
            return refuse(
                "seed-users creates accounts that share a password: set ALLOW_SEEDING=true to \
                 confirm that this database is for tests.",
            );
        }
        Ok(())
    }
}

fn refuse_redis(redis: &Redis) -> Option<&'static str> {
    if let Some(url) = redis.url.as_ref().map(Secret::expose) {
        if !url.starts_with("redis://") && !url.starts_with("rediss://") {
            return Some(
                "REDIS_URL must start with redis:// or rediss:// - unset it to keep caches in \
                 process.",
            );
        }
        // The client would accept any certificate with `#insecure`.
        if url.contains('#') {
            return Some(
                "REDIS_URL must not contain #: write it as %23 in a password. Certificates are \
                 always verified.",
            );
        }
    }
    let length = redis.prefix.chars().count();
    if !(1..=MAX_REDIS_PREFIX).contains(&length)
        || !redis.prefix.chars().all(|c| c.is_ascii_graphic())
    {
        return Some(
            "REDIS_PREFIX must be 1 to 64 printable ASCII characters without spaces, such as \
             rbac-sentinel:",
        );
    }
    if redis.timeout > MAX_REDIS_TIMEOUT || redis.timeout < Duration::from_millis(1) {
        return Some(
            "REDIS_TIMEOUT must be between 1ms and 250ms: requests wait for it when Redis hangs.",
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::config::masked::mask_email;

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
            (vec!["--secret-key", &key], "SECRET_KEY is shorter"),
            (vec!["--signing-alg", "HS256"], "needs HS256_KEY"),
            (
                vec!["--signing-alg", "HS256", "--hs256-key", &key],
                "HS256_KEY is shorter",
            ),
            (vec!["--hs256-key", &key], "SIGNING_ALG"),
            (vec!["--client-timeout", "0s"], "CLIENT_TIMEOUT"),
            (vec!["--access-token-ttl", "31m"], "ACCESS_TOKEN_TTL"),
            (vec!["--session-ttl", "1d"], "SESSION_TTL"),
            (vec!["--initial-password-ttl", "0s"], "INITIAL_PASSWORD_TTL"),
            (
                vec!["--initial-password-ttl", "91d"],
                "INITIAL_PASSWORD_TTL",
            ),
            (vec!["--refresh-grace", "2m"], "REFRESH_GRACE"),
            (
                vec!["--housekeeping-retention", "9s"],
                "HOUSEKEEPING_RETENTION",
            ),
            (
                vec!["--database-url", "mysql://root:hunter2@localhost"],
                "DATABASE_URL",
            ),
            (
                vec!["--redis-url", "http://:hunter2@localhost"],
                "REDIS_URL",
            ),
            (
                vec!["--redis-url", "rediss://:hunter2@localhost#insecure"],
                "REDIS_URL",
            ),
            (vec!["--redis-prefix", ""], "REDIS_PREFIX"),
            (vec!["--redis-prefix", "a b"], "REDIS_PREFIX"),
            (vec!["--redis-timeout", "251ms"], "REDIS_TIMEOUT"),
            (vec!["--redis-timeout", "0s"], "REDIS_TIMEOUT"),
            (vec!["--public-url", "auth.example.com"], "PUBLIC_URL"),
            (vec!["--tls-cert", "cert.pem"], "TLS_KEY"),
            (vec!["--tls-key", "key.pem"], "TLS_CERT"),
            (
                vec![
                    "--password-policy",
                    "off",
                    "--public-url",
                    "https://auth.example.com",
                ],
                "PASSWORD_POLICY",
            ),
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
    fn seeding_is_refused_unless_allowed_and_never_in_production() {
        let plain = config(&["--public-url", "http://localhost:8000"]);
        assert_eq!(plain.validate_seeding(true), Ok(()));
        let refusal = |config: &Config, allowed| {
            let refusal = config.validate_seeding(allowed);
            refusal.expect_err("must be refused").to_string()
        };
        assert!(refusal(&plain, false).contains("ALLOW_SEEDING"));
        let production = config(&["--public-url", "https://auth.example.com"]);
        for allowed in [false, true] {
            assert!(refusal(&production, allowed).contains("PUBLIC_URL"));
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
            "--redis-url",
            "redis://:s3cret@localhost",
        ]);
        assert!(!config.masked().contains("s3cret"), "{}", config.masked());
        assert!(!format!("{config:?}").contains("s3cret"));
        assert!(config.masked().contains("SECRET_KEY=***"));
    }

    #[test]
    fn emails_are_masked() {
        assert_eq!(mask_email("alice@example.com"), "a***@example.com");
        assert_eq!(mask_email("@example.com"), "***@example.com");
        assert_eq!(mask_email("no address"), "***");
    }
}
