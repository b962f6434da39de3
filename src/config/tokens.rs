//! Options of keys and tokens.

use std::fmt;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::Secret;
use super::masked::{Line, secret, time, word};

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
    /// HMAC with SHA-256 and a shared key: no public key for others to verify with.
    #[value(name = "HS256", alias = "hs256")]
    Hs256,
}

/// When signing keys are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation(pub Option<Duration>);

impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(age) => f.write_str(&time(age)),
            None => f.write_str("off"),
        }
    }
}

fn parse_rotation(text: &str) -> Result<Rotation, humantime::DurationError> {
    match text {
        "off" => Ok(Rotation(None)),
        age => humantime::parse_duration(age).map(|age| Rotation(Some(age))),
    }
}

/// Keys, and the lifetimes of tokens and sessions.
#[derive(Clone, Debug, Args)]
pub struct Tokens {
    /// Secret that encrypts the signing keys in the database, at least 32 characters. Default: one is
    /// generated in DATA_DIR/secret.key, mode 0600.
    #[arg(
        long,
        env = "SECRET_KEY",
        hide_env_values = true,
        help_heading = "Keys and tokens"
    )]
    pub secret_key: Option<Secret>,

    /// Several secrets instead of SECRET_KEY, to replace one: ID:SECRET,ID:SECRET. The first one encrypts,
    /// all of them decrypt.
    #[arg(
        long,
        env = "SECRET_KEYS",
        hide_env_values = true,
        help_heading = "Keys and tokens"
    )]
    pub secret_keys: Option<Secret>,

    /// Signature algorithm of access tokens; another one than that of the key in use replaces the key.
    /// Default: the one in use, and ES256 for a new key.
    #[arg(
        long,
        env = "SIGNING_ALG",
        value_enum,
        help_heading = "Keys and tokens"
    )]
    pub signing_alg: Option<SigningAlgorithm>,

    /// Age at which the signing key is replaced, or `off`. Not for HS256.
    #[arg(long, env = "KEY_ROTATION", default_value = "90d", value_parser = parse_rotation, help_heading = "Keys and tokens")]
    pub key_rotation: Rotation,

    /// How long others may cache the published keys. A new key signs when it has been published for this
    /// long and six seconds more.
    #[arg(long, env = "JWKS_MAX_AGE", default_value = "5m", value_parser = humantime::parse_duration, help_heading = "Keys and tokens")]
    pub jwks_max_age: Duration,

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

    /// Also list the permissions in access tokens in a claim `permissions`, as an array; `scope` always
    /// lists them, separated by spaces.
    #[arg(long, env = "TOKEN_PERMISSIONS", help_heading = "Keys and tokens")]
    pub token_permissions: bool,

    /// Lifetime of access tokens; 30 minutes at most.
    #[arg(long, env = "ACCESS_TOKEN_TTL", default_value = "15m", value_parser = humantime::parse_duration, help_heading = "Keys and tokens")]
    pub access_token_ttl: Duration,

    /// A session ends after this long without a refresh.
    #[arg(long, env = "SESSION_IDLE_TTL", default_value = "14d", value_parser = humantime::parse_duration, help_heading = "Keys and tokens")]
    pub session_idle_ttl: Duration,

    /// A session ends after this long, even if it is refreshed.
    #[arg(long, env = "SESSION_TTL", default_value = "30d", value_parser = humantime::parse_duration, help_heading = "Keys and tokens")]
    pub session_ttl: Duration,

    /// How long the previous refresh token is still accepted although its successor was used, because
    /// two tabs may refresh at once.
    #[arg(long, env = "REFRESH_GRACE", default_value = "10s", value_parser = humantime::parse_duration, help_heading = "Keys and tokens")]
    pub refresh_grace: Duration,

    /// Maximum number of sessions of one account; a further login ends the oldest.
    #[arg(long, env = "MAX_SESSIONS_PER_USER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000), help_heading = "Keys and tokens")]
    pub max_sessions_per_user: u32,
}

impl Tokens {
    pub(super) fn lines(&self) -> Vec<Line> {
        let key = secret(self.secret_key.as_ref(), "(generated in DATA_DIR)");
        vec![
            ("SECRET_KEY", key),
            ("SECRET_KEYS", secret(self.secret_keys.as_ref(), "(unset)")),
            (
                "SIGNING_ALG",
                self.signing_alg
                    .map_or_else(|| "(the one in use, or ES256)".to_owned(), word),
            ),
            ("KEY_ROTATION", self.key_rotation.to_string()),
            ("JWKS_MAX_AGE", time(self.jwks_max_age)),
            ("HS256_KEY", secret(self.hs256_key.as_ref(), "(unset)")),
            ("TOKEN_AUDIENCE", self.token_audience.clone()),
            ("TOKEN_PERMISSIONS", self.token_permissions.to_string()),
            ("ACCESS_TOKEN_TTL", time(self.access_token_ttl)),
            ("SESSION_IDLE_TTL", time(self.session_idle_ttl)),
            ("SESSION_TTL", time(self.session_ttl)),
            ("REFRESH_GRACE", time(self.refresh_grace)),
            (
                "MAX_SESSIONS_PER_USER",
                self.max_sessions_per_user.to_string(),
            ),
        ]
    }
}
