//! Options of housekeeping.

use std::time::Duration;

use clap::Args;

use super::masked::{Line, time};

/// When ended and expired rows are removed from the database.
#[derive(Clone, Debug, Args)]
pub struct Housekeeping {
    /// Interval in which one replica removes ended and expired sessions, used refresh tokens and
    /// retired keys; 0s: this replica never does.
    #[arg(long = "housekeeping-interval", env = "HOUSEKEEPING_INTERVAL", default_value = "5m", value_parser = humantime::parse_duration, help_heading = "Storage")]
    pub interval: Duration,

    /// How long they are kept before removal. Reuse of a refresh token is detected only while the token
    /// is kept.
    #[arg(long = "housekeeping-retention", env = "HOUSEKEEPING_RETENTION", default_value = "7d", value_parser = humantime::parse_duration, help_heading = "Storage")]
    pub retention: Duration,
}

impl Housekeeping {
    pub(super) fn lines(&self) -> Vec<Line> {
        vec![
            ("HOUSEKEEPING_INTERVAL", time(self.interval)),
            ("HOUSEKEEPING_RETENTION", time(self.retention)),
        ]
    }
}
