//! Configuration: every option is a flag and an environment variable. A file per group holds the
//! options, what is printed of them, and their types; [`Config::validate`] refuses combinations that
//! must not run.
//!
//! To add an option: a field in its group, a line in the group's `lines`, its name in
//! `catalogue::options`.

mod browsers;
mod checks;
mod clients;
mod database;
mod first_admin;
mod hashing;
mod housekeeping;
mod keys;
mod listeners;
mod logs;
mod masked;
mod networks;
mod origins;
mod probe;
mod rate_limits;
mod redis;
mod secret;
mod shadow;
mod switch;
mod tokens;
mod weak;

use std::path::PathBuf;

use clap::Args;

pub use self::redis::Redis;
pub use browsers::Browsers;
pub use clients::Clients;
pub use database::{Database, SqliteSynchronous};
pub use first_admin::FirstAdmin;
pub use hashing::{Hashing, PasswordRules};
pub use housekeeping::Housekeeping;
pub use keys::{NamedSecret, is_secret_id};
pub use listeners::{Docs, Listeners};
pub use logs::{LogAddresses, LogFormat, Logs};
pub use networks::Networks;
pub use origins::{Origin, Origins};
pub use probe::Probe;
pub use rate_limits::RateLimits;
pub use secret::Secret;
pub use shadow::Shadow;
pub use switch::Switch;
pub use tokens::{SigningAlgorithm, Tokens};

/// Every option of the service. `rbac-sentinel serve --help` is the reference.
#[derive(Clone, Debug, Args)]
pub struct Config {
    /// The listeners.
    #[command(flatten)]
    pub listeners: Listeners,

    /// What browsers may do.
    #[command(flatten)]
    pub browsers: Browsers,

    /// Limits on connections.
    #[command(flatten)]
    pub clients: Clients,

    /// Folder for the embedded database and the generated key; created with mode 0700.
    #[arg(
        long,
        env = "DATA_DIR",
        default_value = "./data",
        help_heading = "Storage"
    )]
    pub data_dir: PathBuf,

    /// Accept insecure settings that are only for tests and development, and a second service on the
    /// same embedded database.
    #[arg(long, env = "ALLOW_INSECURE", help_heading = "Storage")]
    pub allow_insecure: bool,

    /// The database.
    #[command(flatten)]
    pub database: Database,

    /// Redis.
    #[command(flatten)]
    pub redis: Redis,

    /// Housekeeping.
    #[command(flatten)]
    pub housekeeping: Housekeeping,

    /// The rate limits.
    #[command(flatten)]
    pub limits: RateLimits,

    /// A policy to be compared.
    #[command(flatten)]
    pub shadow: Shadow,

    /// The synthetic probe.
    #[command(flatten)]
    pub probe: Probe,

    /// Keys and tokens.
    #[command(flatten)]
    pub tokens: Tokens,

    /// The first administrator.
    #[command(flatten)]
    pub admin: FirstAdmin,

    /// Password hashing.
    #[command(flatten)]
    pub hashing: Hashing,

    /// The log.
    #[command(flatten)]
    pub logs: Logs,
}

/// The configuration of a command line, for tests.
#[cfg(test)]
pub fn from_arguments(arguments: &[&str]) -> Config {
    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        config: Config,
    }
    let all = [&["test"], arguments].concat();
    <Cli as clap::Parser>::parse_from(all).config
}

#[cfg(test)]
mod tests;
