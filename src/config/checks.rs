//! Combinations of options that must not run.

use std::time::Duration;

use super::{Config, Secret, SigningAlgorithm};

/// The shortest secret that is accepted, in bytes: 256 bits (RFC 7518 section 3.2).
const MIN_SECRET_BYTES: usize = 32;
/// The longest lifetime of an access token.
const MAX_ACCESS_TOKEN_TTL: Duration = Duration::from_mins(30);

/// A combination of options that must not run, as a sentence that says what to do.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct ConfigError(String);

impl Config {
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
}

fn short(secret: Option<&Secret>) -> bool {
    secret.is_some_and(|secret| secret.expose().len() < MIN_SECRET_BYTES)
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

    #[test]
    fn emails_are_masked() {
        assert_eq!(
            super::super::mask_email("alice@example.com"),
            "a***@example.com"
        );
        assert_eq!(super::super::mask_email("@example.com"), "***@example.com");
        assert_eq!(super::super::mask_email("no address"), "***");
    }
}
