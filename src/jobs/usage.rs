//! Stores which grants and roles were used.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Job;
use crate::clock::Clock;
use crate::policies::Policies;
use crate::rbac::Usage;
use crate::store::Store;

/// How often it is stored. What was used within the last interval is lost when the process dies.
const INTERVAL: Duration = Duration::from_secs(10);

/// Stores what was used, in batches and away from every decision.
pub struct UsageNotes {
    policies: Arc<Policies>,
    store: Store,
    clock: Clock,
    /// What is stored for this hour already.
    noted: (DateTime<Utc>, Usage),
}

impl UsageNotes {
    /// Stores the use of these policies.
    #[must_use]
    pub fn new(policies: Arc<Policies>, store: Store, clock: Clock) -> Self {
        Self {
            policies,
            store,
            clock,
            noted: (DateTime::UNIX_EPOCH, Usage::default()),
        }
    }

    /// Stores what was used since the last time, unless it is noted for this hour. What cannot be stored is
    /// kept for the next time.
    async fn store(&mut self) {
        let at = hour(self.clock.now());
        if self.noted.0 != at {
            self.noted = (at, Usage::default());
        }
        let noted = &mut self.noted.1;
        let mut usage = self.policies.take_usage();
        usage.grants.retain(|grant| !noted.grants.contains(grant));
        usage.roles.retain(|role| !noted.roles.contains(role));
        if usage.is_empty() {
            return;
        }
        match self.store.note_usage(&usage, at).await {
            Ok(()) => noted.extend(usage),
            Err(_) => self.policies.add_usage(usage),
        }
    }
}

impl Job for UsageNotes {
    fn first_delay(&self) -> Duration {
        INTERVAL
    }

    async fn tick(&mut self) -> Duration {
        self.store().await;
        INTERVAL
    }
}

/// The hour that a time is in: nobody needs to know more, and it is one row an hour at most.
fn hour(time: DateTime<Utc>) -> DateTime<Utc> {
    let into = time.timestamp_micros().rem_euclid(3_600_000_000);
    time - TimeDelta::microseconds(into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_cut_to_its_hour() {
        let at = |micros| DateTime::from_timestamp_micros(micros).expect("a time");
        let begin = 1_767_268_800_000_000;
        for into in [0, 1, 3_599_999_999] {
            assert_eq!(hour(at(begin + into)), at(begin), "{into}");
        }
        assert_eq!(hour(at(-1)), at(-3_600_000_000));
    }
}
