//! The clock as an input, so that expiry can be tested without waiting; and whole seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// The source of the time. Times have PostgreSQL's resolution of microseconds: a value read back equals
/// the value written.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Microseconds since the epoch of a manual clock; `None` for the system's clock.
    manual: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it; clones share the time.
    #[must_use]
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self {
            manual: Some(Arc::new(AtomicI64::new(start.timestamp_micros()))),
        }
    }

    /// The time now, truncated to microseconds.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.micros()).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// The time now, in microseconds since the epoch.
    #[must_use]
    pub fn micros(&self) -> i64 {
        match &self.manual {
            Some(micros) => micros.load(Ordering::SeqCst),
            None => system_time().timestamp_micros(),
        }
    }

    /// Moves a manual clock; the system's clock stays as it is.
    pub fn advance(&self, by: TimeDelta) {
        if let (Some(micros), Some(by)) = (&self.manual, by.num_microseconds()) {
            micros.fetch_add(by, Ordering::SeqCst);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that asks the system for the time"
)]
fn system_time() -> DateTime<Utc> {
    Utc::now()
}

/// Seconds since the epoch, as gauges of points in time have them.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "seconds since the epoch fit in 53 bits"
)]
pub const fn epoch_seconds(at: DateTime<Utc>) -> f64 {
    at.timestamp() as f64
}

/// Whole seconds to wait, as in `Retry-After` (RFC 9110 §10.2.3): rounded up, so that clients do not
/// retry too early, and never 0.
#[must_use]
pub fn whole_seconds(wait: Duration) -> u64 {
    let begun = u64::from(wait.subsec_nanos() > 0);
    (wait.as_secs() + begun).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told_and_clones_share_it() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let other = clock.clone();
        assert_eq!(other.now(), DateTime::UNIX_EPOCH);
        clock.advance(TimeDelta::microseconds(1500));
        assert_eq!(other.now().timestamp_micros(), 1500);
    }

    #[test]
    fn the_system_clock_has_microsecond_resolution() {
        assert_eq!(Clock::system().now().timestamp_subsec_nanos() % 1000, 0);
    }

    #[test]
    fn points_in_time_are_seconds_since_the_epoch() {
        let at = DateTime::UNIX_EPOCH + TimeDelta::milliseconds(1_767_225_600_999);
        assert_eq!(epoch_seconds(at).to_string(), "1767225600");
    }

    #[test]
    fn whole_seconds_are_rounded_up_and_never_zero() {
        for (millis, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (2999, 3)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds);
        }
    }
}
