//! Refusals in the log: whoever floods the service must not flood the log as well. A limiter writes
//! one line a second at most, which says for how many refusals it stands.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chrono::{DateTime, Utc};

use crate::metrics::{LabelSet as _, Limiter};

/// Which refusals have not been in the log yet.
#[derive(Default)]
pub(super) struct Quiet([Unsaid; Limiter::ALL.len()]);

#[derive(Default)]
struct Unsaid {
    /// The second of the last line.
    last: AtomicI64,
    refusals: AtomicU64,
}

impl Quiet {
    /// Notes a refusal; for how many a line must be written, if one must be.
    pub(super) fn line(&self, limiter: Limiter, now: DateTime<Utc>) -> Option<u64> {
        let Unsaid { last, refusals } = &self.0[limiter.index()];
        refusals.fetch_add(1, Ordering::Relaxed);
        let now = now.timestamp();
        // Of many that meet in one second, the first one writes.
        (last.swap(now, Ordering::Relaxed) != now).then(|| refusals.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_limiter_writes_a_line_a_second_and_every_refusal_is_in_one() {
        let quiet = Quiet::default();
        let mut now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        assert_eq!(quiet.line(Limiter::Login, now), Some(1));
        for _ in 0..9 {
            assert_eq!(quiet.line(Limiter::Login, now), None);
        }
        assert_eq!(quiet.line(Limiter::Refresh, now), Some(1));
        now += TimeDelta::seconds(1);
        assert_eq!(quiet.line(Limiter::Login, now), Some(10));
        assert_eq!(quiet.line(Limiter::Login, now), None);
        assert_eq!(quiet.line(Limiter::Refresh, now), Some(1));
    }
}
