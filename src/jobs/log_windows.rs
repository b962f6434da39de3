//! Writes the folded log lines that no later refusal has written.

use std::time::Duration;

use super::Job;
use crate::events;

/// Ends the windows of folded log lines.
pub struct LogWindows;

impl Job for LogWindows {
    async fn tick(&mut self) -> Duration {
        events::end_windows();
        Duration::from_secs(1)
    }
}
