//! Options that limit client connections.

use std::time::Duration;

use clap::Args;

use super::masked::{Line, time};

/// The default maximum of open connections, if the file descriptors allow it.
const MAX_CONNECTIONS: u32 = 20_000;

/// The least that one source may have by default: an office, or the machine itself.
const MIN_PER_SOURCE: u32 = 100;

/// Timeout and maximum number of connections.
#[derive(Clone, Debug, Args)]
pub struct Clients {
    /// Timeout of clients: for the head of a request, for its whole body, and for a response of which the
    /// client reads nothing.
    #[arg(long = "client-timeout", env = "CLIENT_TIMEOUT", default_value = "30s", value_parser = humantime::parse_duration, help_heading = "Listeners")]
    pub timeout: Duration,

    /// Timeout of connections between two requests: longer than that of the load balancer in front, which
    /// is 60 seconds for most, so that it does not send a request into a connection that is ending.
    #[arg(long = "idle-timeout", env = "IDLE_TIMEOUT", default_value = "75s", value_parser = humantime::parse_duration, help_heading = "Listeners")]
    pub idle_timeout: Duration,

    /// Maximum of open connections of the API; beyond it requests get 503 with Retry-After. Default:
    /// 20000, or fewer if the file descriptors do not allow that.
    #[arg(long = "max-connections", env = "MAX_CONNECTIONS", value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = "Listeners")]
    pub max_connections: Option<u32>,

    /// Maximum of open connections of one source, an IPv4 address or an IPv6 network of 64 bits; beyond it
    /// requests get 503. Proxies in TRUSTED_PROXIES may have more. Default: a twentieth of
    /// MAX_CONNECTIONS, 100 at least.
    #[arg(long = "max-connections-per-source", env = "MAX_CONNECTIONS_PER_SOURCE", value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = "Listeners")]
    pub per_source: Option<u32>,
}

impl Clients {
    /// The maximum, as configured or by default.
    #[must_use]
    pub fn max_connections(&self) -> u32 {
        self.max_connections.unwrap_or(MAX_CONNECTIONS)
    }

    /// The maximum of one source, as configured or by default.
    #[must_use]
    pub fn per_source(&self) -> u32 {
        let share = || (self.max_connections() / 20).max(MIN_PER_SOURCE);
        self.per_source.unwrap_or_else(share)
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        vec![
            ("CLIENT_TIMEOUT", time(self.timeout)),
            ("IDLE_TIMEOUT", time(self.idle_timeout)),
            ("MAX_CONNECTIONS", self.max_connections().to_string()),
            ("MAX_CONNECTIONS_PER_SOURCE", self.per_source().to_string()),
        ]
    }
}
