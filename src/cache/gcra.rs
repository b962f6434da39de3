//! Rate limits by the generic cell rate algorithm (GCRA), in whole microseconds.
//!
//! A counter is a single time: when its burst will be full again. Each permit moves that time on by
//! the interval in which one permit is refilled. A permit that would move it further ahead than the
//! whole burst is denied.

use std::time::Duration;

use crate::rate::Rate;

/// The longest period. It keeps times exact in the doubles of Redis' scripts.
const LONGEST_MICROS: i64 = 366 * 24 * 3600 * 1_000_000;
/// A stored time further ahead than twice the burst plus this, in microseconds, is ignored. Only a
/// clock that was set back causes it: the counter starts anew instead of denying until the clock
/// has caught up.
const TOLERANCE_MICROS: i64 = 1_000_000;

/// The name of a counter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Counted {
    /// The name of the limit, such as `login`.
    pub limiter: &'static str,
    /// The dimension, `source` or `account`.
    pub dimension: &'static str,
    /// A digest of the value; the value itself is never stored.
    pub digest: [u8; 16],
}

/// The decision of one limit for one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    /// Whether this limit allows it. A permit was taken only if all limits of the call allowed it.
    pub allowed: bool,
    /// The number of further permits available now.
    pub remaining: u32,
    /// The wait until the next permit; zero if this request was allowed.
    pub retry_after: Duration,
    /// The wait until the burst is full again.
    pub reset_after: Duration,
}

impl Rate {
    /// The microseconds in which one permit is refilled, rounded up so that rounding never allows more
    /// than the rate.
    pub(super) fn interval(self) -> i64 {
        let period = i64::try_from(self.period.as_micros()).unwrap_or(LONGEST_MICROS);
        let period = period.clamp(1, LONGEST_MICROS);
        let count = i64::from(self.count.max(1));
        (period + count - 1) / count
    }

    /// The microseconds in which the whole burst is refilled.
    pub(super) fn burst(self) -> i64 {
        self.interval() * i64::from(self.count)
    }

    /// The same rate with twice the burst.
    pub(super) fn with_double_burst(self) -> Self {
        Self {
            count: self.count.saturating_mul(2),
            period: self.period.saturating_mul(2),
        }
    }

    /// When the burst is full again, by the stored time of a counter.
    pub(super) fn full_at(self, stored: Option<i64>, now: i64) -> i64 {
        let latest = now + 2 * self.burst() + TOLERANCE_MICROS;
        stored
            .filter(|full_at| (now..=latest).contains(full_at))
            .unwrap_or(now)
    }

    /// When the burst is full again after one more permit; `None` if there is none left.
    pub(super) fn take(self, full_at: i64, now: i64) -> Option<i64> {
        let after = full_at + self.interval();
        (after - self.burst() <= now).then_some(after)
    }

    /// The decision for a counter that was at `full_at`, and from which a permit was `taken` or not.
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

/// A time between two of the clock's; none when it is over.
pub(super) fn micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// A time as whole microseconds, at most so many that they can be added to the clock's.
pub(super) fn whole_micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 4)
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
    fn double_burst_is_refilled_as_evenly() {
        for (count, period) in [(3, 30), (7, 60_000_000), (10, 86_400_000_000)] {
            let (limit, double) = (
                limit(count, period),
                limit(count, period).with_double_burst(),
            );
            assert!((0..=1).contains(&(limit.interval() - double.interval())));
            assert_eq!(double.burst(), double.interval() * 2 * i64::from(count));
        }
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

    #[test]
    fn a_permit_is_refilled_in_its_part_of_the_period_rounded_up() {
        let year = 366 * 86_400 * 1_000_000;
        for (count, period, interval) in [
            (1, 60_000_000, 60_000_000),
            (60, 60_000_000, 1_000_000),
            (7, 60_000_000, 8_571_429),
            (7, 0, 1),
            (0, 60, 60),
            (2, 400 * 86_400 * 1_000_000, year / 2),
            (1, u64::MAX, year),
        ] {
            let limit = limit(count, period);
            assert_eq!(limit.interval(), interval, "{count}/{period}");
            assert_eq!(limit.burst(), interval * i64::from(count));
        }
    }

    #[test]
    fn a_stored_time_counts_up_to_a_second_beyond_twice_the_burst() {
        let limit = limit(3, 30);
        for (ahead, counts) in [
            (-1, false),
            (0, true),
            (30, true),
            (60, true),
            (1_000_060, true),
            (1_000_061, false),
        ] {
            let found = limit.full_at(Some(NOW + ahead), NOW);
            assert_eq!(found, if counts { NOW + ahead } else { NOW }, "{ahead}");
        }
    }

    #[test]
    fn double_burst_has_twice_the_count_in_twice_the_time() {
        let double = limit(3, 30).with_double_burst();
        assert_eq!(double, limit(6, 60));
        assert_eq!(limit(u32::MAX, 1).with_double_burst().count, u32::MAX);
    }

    #[test]
    fn times_that_are_over_are_none_and_those_without_end_can_be_added() {
        assert_eq!(micros(7), Duration::from_micros(7));
        assert_eq!((micros(0), micros(-7)), (Duration::ZERO, Duration::ZERO));
        assert_eq!(whole_micros(Duration::from_millis(7)), 7_000);
        assert_eq!(whole_micros(Duration::MAX), i64::MAX / 4);
        assert!(NOW.checked_add(2 * whole_micros(Duration::MAX)).is_some());
    }
}
