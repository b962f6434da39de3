//! Options of the synthetic probe, whose names say `CANARY`.

use std::time::Duration;

use clap::Args;

use super::Switch;
use super::masked::{Line, time, word};

/// Whether the service logs itself in, and how often.
#[derive(Clone, Debug, Args)]
pub struct Probe {
    /// Synthetic probe: log in, read the account, refresh and log out at an interval, with an account
    /// of its own, and count the results. Switch it on where Prometheus scrapes the metrics.
    #[arg(
        long,
        env = "CANARY",
        value_enum,
        default_value = "off",
        help_heading = "Synthetic login probe"
    )]
    pub canary: Switch,

    /// Interval between the starts of two probe runs: 1s to 5m.
    #[arg(long, env = "CANARY_INTERVAL", default_value = "15s", value_parser = humantime::parse_duration, help_heading = "Synthetic login probe")]
    pub canary_interval: Duration,
}

impl Probe {
    /// Whether the probe is on.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.canary == Switch::On
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        vec![
            ("CANARY", word(self.canary)),
            ("CANARY_INTERVAL", time(self.canary_interval)),
        ]
    }
}
