//! Options of the housekeeping.

use std::time::Duration;

use clap::Args;

use super::masked::{Line, time};

/// When what is over is removed from the database.
#[derive(Clone, Debug, Args)]
pub struct Housekeeping {
    /// How often ended and expired sessions, used refresh tokens and retired keys are removed, by one
    /// replica for all; 0s: not by this one.
    #[arg(long = "housekeeping-interval", env = "HOUSEKEEPING_INTERVAL", default_value = "5m", value_parser = humantime::parse_duration, help_heading = "Storage")]
    pub interval: Duration,

    /// For how long they are remembered before: a used refresh token that comes again ends its
    /// session only as long as it is remembered.
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
