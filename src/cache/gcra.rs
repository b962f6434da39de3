//! Rate limits by the generic cell rate algorithm (GCRA), in whole microseconds.
//!
//! A counter is a single time: when all of its burst will be there again. Each permit moves that
//! time on by the interval in which one is refilled; a permit that would move it further than the
//! whole burst from now is denied.

use std::time::Duration;

use crate::rate::Rate;

/// Beyond this a period makes no sense; keeps times exact in the doubles of Redis' scripts.
const LONGEST_MICROS: i64 = 366 * 24 * 3600 * 1_000_000;
/// How much further ahead than twice the burst a counter's time is believed, in microseconds. Only
/// a clock that was set back makes it so: the counter starts anew then, rather than deny for as
/// long as the clock was wrong.
const BELIEVED_AHEAD_MICROS: i64 = 1_000_000;

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Counted {
    /// The limiter's word, such as `login`.
    pub limiter: &'static str,
    /// The dimension's word, such as `source` or `account`.
    pub dimension: &'static str,
    /// The beginning of the value's SHA-256: the value itself is never kept.
    pub digest: [u8; 16],
}

/// What a limit says to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    /// Whether this limit lets it through. Nothing was taken unless all limits asked together did.
    pub allowed: bool,
    /// How many more would be let through now.
    pub remaining: u32,
    /// When one would be let through again; zero when this one was.
    pub retry_after: Duration,
    /// When all of the burst will be there again.
    pub reset_after: Duration,
}

impl Rate {
    /// In how many microseconds one is refilled. Rounded up, so that never more than the limit is
    /// let through.
    pub(super) fn interval(self) -> i64 {
        let period = i64::try_from(self.period.as_micros()).unwrap_or(LONGEST_MICROS);
        let period = period.clamp(1, LONGEST_MICROS);
        let count = i64::from(self.count.max(1));
        (period + count - 1) / count
    }

    /// In how many microseconds all are refilled.
    pub(super) fn burst(self) -> i64 {
        self.interval() * i64::from(self.count)
    }

    /// When the burst is whole again, by what is stored of a counter.
    pub(super) fn full_at(self, stored: Option<i64>, now: i64) -> i64 {
        let latest = now + 2 * self.burst() + BELIEVED_AHEAD_MICROS;
        stored
            .filter(|full_at| (now..=latest).contains(full_at))
            .unwrap_or(now)
    }

    /// When the burst is whole again after one more; `None` when there is no more.
    pub(super) fn take(self, full_at: i64, now: i64) -> Option<i64> {
        let after = full_at + self.interval();
        (after - self.burst() <= now).then_some(after)
    }

    /// What to say of a counter that was at `full_at`, and whether one was `taken` from it.
    pub(super) fn permit(self, full_at: i64, now: i64, taken: bool) -> Permit {
        let interval = self.interval();
        let available_at = full_at + interval - self.burst();
        let after = if taken { full_at + interval } else { full_at };
        let remaining = (now + self.burst() - after).max(0) / interval;
        Permit {
            allowed: available_at <= now,
            remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
            retry_after: micros(available_at - now),
            reset_after: micros(after - now),
        }
    }
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_767_225_600_000_000;

    fn limit(count: u32, period_micros: u64) -> Rate {
        let period = Duration::from_micros(period_micros);
        Rate { count, period }
    }

    #[test]
    fn a_burst_is_let_through_at_once_and_refilled_evenly() {
        let limit = limit(3, 30);
        let mut full_at = limit.full_at(None, NOW);
        for remaining in [2, 1, 0] {
            let permit = limit.permit(full_at, NOW, true);
            assert!(permit.allowed);
            assert_eq!(permit.remaining, remaining);
            assert_eq!(permit.retry_after, Duration::ZERO);
            full_at = limit.take(full_at, NOW).expect("allowed");
        }
        assert_eq!(full_at, NOW + 30);
        for (later, allowed) in [(0, false), (9, false), (10, true)] {
            assert_eq!(limit.take(full_at, NOW + later).is_some(), allowed);
            let permit = limit.permit(full_at, NOW + later, allowed);
            assert_eq!(permit.allowed, allowed, "{later}");
        }
        let denied = limit.permit(full_at, NOW + 4, false);
        assert_eq!(denied.retry_after, Duration::from_micros(6));
        assert_eq!(denied.reset_after, Duration::from_micros(26));
        assert_eq!(limit.permit(full_at, NOW + 25, false).remaining, 2);
    }

    #[test]
    fn rounding_never_lets_more_through() {
        for (count, period) in [(7, 60_000_000), (3, 1), (1_000_000, 10), (u32::MAX, 1)] {
            let limit = limit(count, period);
            assert!(limit.interval() >= 1);
            assert!(limit.burst() >= i64::try_from(period).expect("small"));
        }
        let longest = Rate {
            count: u32::MAX,
            period: Duration::MAX,
        };
        assert!(NOW + 2 * longest.burst() < 1 << 53, "exact as a double");
    }

    #[test]
    fn a_limit_of_none_lets_none_through() {
        let limit = limit(0, 60);
        assert_eq!(limit.take(limit.full_at(None, NOW), NOW), None);
        let permit = limit.permit(NOW, NOW, false);
        assert!(!permit.allowed);
        assert_eq!(permit.remaining, 0);
        assert!(permit.retry_after > Duration::ZERO);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_deny_for_as_long() {
        let limit = limit(1, 60_000_000);
        let hour = 3_600_000_000;
        assert_eq!(limit.full_at(Some(NOW + hour), NOW), NOW);
        let soon = NOW + limit.burst();
        assert_eq!(limit.full_at(Some(soon), NOW), soon);
        assert_eq!(limit.full_at(Some(NOW - hour), NOW), NOW);
    }
}
