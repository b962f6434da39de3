//! A bounded map of typed values in process, without serialisation.
//!
//! Values do not expire by themselves: callers check the lifetime at every use and remove values
//! that changed.

use std::hash::Hash;

use quick_cache::sync;

use crate::metrics::{CACHE_ENTRIES, CACHE_REQUESTS, CacheName, CacheResult};

/// A bounded map that evicts the least used entries.
pub struct LocalMap<K, V> {
    name: CacheName,
    entries: sync::Cache<K, V>,
}

impl<K: Eq + Hash + Clone, V: Clone> LocalMap<K, V> {
    /// An empty map of at most `capacity` entries.
    #[must_use]
    pub fn new(name: CacheName, capacity: usize) -> Self {
        Self {
            name,
            entries: sync::Cache::new(capacity),
        }
    }

    /// Looks an entry up, and counts the hit or miss.
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

    /// Inserts or replaces an entry.
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
        let cache = LocalMap::new(CacheName::Token, 10);
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
        let cache = LocalMap::new(CacheName::Token, 100);
        (0..10_000).for_each(|key| cache.insert(key, ()));
        assert!(cache.entries.len() <= 100, "{}", cache.entries.len());
    }
}
