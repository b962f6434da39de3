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
