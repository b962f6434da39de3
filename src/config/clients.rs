//! Options of connections: what clients may take of the service.

use std::time::Duration;

use clap::Args;

use super::masked::{Line, time};

/// The most connections that are open by default, file descriptors permitting.
const MAX_CONNECTIONS: u32 = 20_000;

/// How long and how many clients may hold on.
#[derive(Clone, Debug, Args)]
pub struct Clients {
    /// How long a client may take: for the head of a request, for its whole body, or without taking
    /// anything of an answer; and how long a connection may be idle. Make load balancers give up
    /// idle connections sooner.
    #[arg(long = "client-timeout", env = "CLIENT_TIMEOUT", default_value = "30s", value_parser = humantime::parse_duration, help_heading = "Listeners")]
    pub timeout: Duration,

    /// The most connections of the API that may be open; beyond it requests get 503 with
    /// Retry-After. Default: 20000, or what the file descriptors allow if that is less.
    #[arg(long = "max-connections", env = "MAX_CONNECTIONS", value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = "Listeners")]
    pub max_connections: Option<u32>,
}

impl Clients {
    /// The most connections, as configured or by default.
    #[must_use]
    pub fn max_connections(&self) -> u32 {
        self.max_connections.unwrap_or(MAX_CONNECTIONS)
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        vec![
            ("CLIENT_TIMEOUT", time(self.timeout)),
            ("MAX_CONNECTIONS", self.max_connections().to_string()),
        ]
    }
}
