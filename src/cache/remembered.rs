//! A local cache with a TTL, with keyed hashes as keys.

use std::time::Duration;

use quick_cache::sync;

use super::gcra::{micros, whole_micros};
use crate::clock::Clock;

/// A bounded map whose entries expire; the least used are evicted first.
pub struct Remembered<V> {
    clock: Clock,
    entries: sync::Cache<[u8; 16], (i64, V)>,
}

impl<V: Clone> Remembered<V> {
    /// Nothing yet; at most `capacity` entries.
    #[must_use]
    pub fn new(clock: Clock, capacity: usize) -> Self {
        Self {
            clock,
            entries: sync::Cache::new(capacity),
        }
    }

    /// The value, while it is valid.
    #[must_use]
    pub fn get(&self, digest: &[u8; 16]) -> Option<V> {
        self.left(digest).map(|(_, value)| value)
    }

    /// The value and the time that it is still valid for.
    #[must_use]
    pub fn left(&self, digest: &[u8; 16]) -> Option<(Duration, V)> {
        let (until, value) = self.entries.get(digest)?;
        let left = micros(until - self.clock.micros());
        (!left.is_zero()).then_some((left, value))
    }

    /// Remembers a value for a time.
    pub fn insert(&self, digest: [u8; 16], value: V, time: Duration) {
        let until = self.clock.micros() + whole_micros(time);
        self.entries.insert(digest, (until, value));
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    #[test]
    fn a_value_is_valid_for_its_time() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
        let remembered = Remembered::new(clock.clone(), 10);
        assert_eq!(remembered.left(&[1; 16]), None);
        remembered.insert([1; 16], "value", Duration::from_secs(5));
        clock.advance(TimeDelta::seconds(2));
        let left = Some((Duration::from_secs(3), "value"));
        assert_eq!(remembered.left(&[1; 16]), left);
        assert_eq!(remembered.left(&[2; 16]), None);
        clock.advance(TimeDelta::microseconds(2_999_999));
        assert_eq!(remembered.get(&[1; 16]), Some("value"));
        clock.advance(TimeDelta::microseconds(1));
        assert_eq!(remembered.get(&[1; 16]), None);
    }
}
