//! Typed values near at hand: a map in process, nothing is serialised.
//!
//! Values do not expire by themselves: who inserts them checks their lifetime at every use and
//! removes them when they change.

use std::hash::Hash;

use quick_cache::sync;

use crate::metrics::{CACHE_ENTRIES, CACHE_REQUESTS, CacheName, CacheResult};

/// A bounded map that forgets what was not used for longest.
pub struct Near<K, V> {
    name: CacheName,
    entries: sync::Cache<K, V>,
}

impl<K: Eq + Hash + Clone, V: Clone> Near<K, V> {
    /// An empty cache for at most `capacity` entries.
    #[must_use]
    pub fn new(name: CacheName, capacity: usize) -> Self {
        Self {
            name,
            entries: sync::Cache::new(capacity),
        }
    }

    /// Looks an entry up, and counts whether it was there.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<V> {
        let found = self.entries.get(key);
        let result = if found.is_some() {
            CacheResult::Hit
        } else {
            CacheResult::Miss
        };
        CACHE_REQUESTS.inc((self.name.into(), result));
        found
    }

    /// Puts an entry in, in the place of an older one.
    pub fn insert(&self, key: K, value: V) {
        self.entries.insert(key, value);
    }

    /// Removes an entry.
    pub fn remove(&self, key: &K) {
        self.entries.remove(key);
    }

    /// Removes every entry.
    pub fn clear(&self) {
        self.entries.clear();
    }

    /// Sets the gauge of entries. Called before each scrape.
    pub fn observe(&self) {
        let entries = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        CACHE_ENTRIES.set(self.name, f64::from(entries));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_replaced_and_removed() {
        let cache = Near::new(CacheName::Token, 10);
        assert_eq!(cache.get(&1), None);
        cache.insert(1, "a");
        cache.insert(1, "b");
        assert_eq!(cache.get(&1), Some("b"));
        cache.remove(&1);
        assert_eq!(cache.get(&1), None);
        cache.insert(1, "c");
        cache.clear();
        assert_eq!(cache.get(&1), None);
    }

    #[test]
    fn capacity_is_a_bound() {
        let cache = Near::new(CacheName::Token, 100);
        (0..10_000).for_each(|key| cache.insert(key, ()));
        assert!(cache.entries.len() <= 100, "{}", cache.entries.len());
    }
}
