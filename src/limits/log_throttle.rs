//! Refusals in the log: a flood of requests must not flood the log as well. A limiter writes one line
//! a second at most, which says for how many refusals it stands.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chrono::{DateTime, Utc};

use crate::metrics::{LabelSet as _, Limiter};

/// Counts the refusals that are not in the log yet, for each limiter.
#[derive(Default)]
pub(super) struct LogThrottle([Suppressed; Limiter::ALL.len()]);

#[derive(Default)]
struct Suppressed {
    /// The second of the last line.
    last: AtomicI64,
    refusals: AtomicU64,
}

impl LogThrottle {
    /// Counts a refusal. Returns for how many a line is due, if one is.
    pub(super) fn line(&self, limiter: Limiter, now: DateTime<Utc>) -> Option<u64> {
        let Suppressed { last, refusals } = &self.0[limiter.index()];
        refusals.fetch_add(1, Ordering::Relaxed);
        let now = now.timestamp();
        // The first refusal of a second writes.
        (last.swap(now, Ordering::Relaxed) != now).then(|| refusals.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn limiter_logs_one_line_a_second_that_counts_every_refusal() {
        let log = LogThrottle::default();
        let mut now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        assert_eq!(log.line(Limiter::Login, now), Some(1));
        for _ in 0..9 {
            assert_eq!(log.line(Limiter::Login, now), None);
        }
        assert_eq!(log.line(Limiter::Refresh, now), Some(1));
        now += TimeDelta::seconds(1);
        assert_eq!(log.line(Limiter::Login, now), Some(10));
        assert_eq!(log.line(Limiter::Login, now), None);
        assert_eq!(log.line(Limiter::Refresh, now), Some(1));
    }
}
