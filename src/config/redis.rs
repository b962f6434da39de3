//! Options of Redis.

use std::time::Duration;

use clap::Args;

use super::Secret;
use super::masked::{Line, secret, time};

/// The connection to Redis.
#[derive(Clone, Debug, Args)]
pub struct Redis {
    /// Redis or Valkey: redis://USER:PASSWORD@HOST:PORT/NUMBER, or rediss:// for TLS. Replicas need
    /// it to share caches and rate limits. Default: both are kept in process.
    #[arg(
        id = "redis-url",
        long = "redis-url",
        env = "REDIS_URL",
        hide_env_values = true,
        help_heading = "Storage"
    )]
    pub url: Option<Secret>,

    /// Prefix of keys and of the channel in Redis: deployments that share a server need different
    /// ones.
    #[arg(
        id = "redis-prefix",
        long = "redis-prefix",
        env = "REDIS_PREFIX",
        default_value = "rbac-sentinel:",
        help_heading = "Storage"
    )]
    pub prefix: String,

    /// How long a request may wait for Redis before it continues without it; 250 ms at most.
    #[arg(id = "redis-timeout", long = "redis-timeout", env = "REDIS_TIMEOUT", default_value = "100ms", value_parser = humantime::parse_duration, help_heading = "Storage")]
    pub timeout: Duration,
}

impl Redis {
    pub(super) fn lines(&self) -> Vec<Line> {
        let url = secret(self.url.as_ref(), "(unset: caches are in process)");
        vec![
            ("REDIS_URL", url),
            ("REDIS_PREFIX", self.prefix.clone()),
            ("REDIS_TIMEOUT", time(self.timeout)),
        ]
    }
}
