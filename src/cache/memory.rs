//! Counters of rate limits in process: what Redis does for many replicas, done for one.

use std::hash::{BuildHasher as _, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};

use quick_cache::{DefaultHashBuilder, unsync};

use super::{Counted, Permit};
use crate::clock::Clock;
use crate::rate::Rate;

const SHARDS: usize = 64;

/// Counters, bounded: the least used are evicted first, so a flood of new keys does not drive out
/// those in use.
pub struct Memory {
    clock: Clock,
    counters: Shards<Counted, i64>,
}

impl Memory {
    /// No counters yet; at most `capacity` of them.
    #[must_use]
    pub fn new(clock: Clock, capacity: usize) -> Self {
        Self {
            clock,
            counters: Shards::new(capacity),
        }
    }

    /// How many counters are held.
    #[must_use]
    pub fn counters(&self) -> usize {
        self.counters.len()
    }

    /// Takes a permit from each counter, or from none if one of them refuses. Results are in the
    /// order of `wanted`.
    #[must_use]
    pub fn try_acquire(&self, wanted: &[(Counted, Rate)]) -> Vec<Permit> {
        if let [(counted, limit)] = wanted {
            return vec![self.try_acquire_one(counted, *limit)];
        }
        let homes: Vec<usize> = wanted
            .iter()
            .map(|(counted, _)| self.counters.index(counted))
            .collect();
        // Every caller locks shards in the same order, each once: no deadlock.
        let mut order = homes.clone();
        order.sort_unstable();
        order.dedup();
        let mut locked: Vec<_> = order.iter().map(|home| self.counters.lock(*home)).collect();
        let at = |home: usize| order.partition_point(|known| *known < home);
        // Read under the locks, so that no counter sees time go backwards.
        let now = self.clock.micros();

        let mut full_at: Vec<i64> = Vec::with_capacity(wanted.len());
        let mut after: Vec<Option<i64>> = Vec::with_capacity(wanted.len());
        for (index, (counted, limit)) in wanted.iter().enumerate() {
            // A counter that is listed twice is charged twice.
            let before = (0..index)
                .rev()
                .find(|earlier| wanted[*earlier].0 == *counted);
            let stored = match before {
                Some(earlier) => after[earlier].or(Some(full_at[earlier])),
                None => locked[at(homes[index])].get(counted).copied(),
            };
            full_at.push(limit.full_at(stored, now));
            after.push(limit.take(full_at[index], now));
        }
        let all = after.iter().all(Option::is_some);
        if all {
            for (index, (counted, _)) in wanted.iter().enumerate() {
                if let Some(after) = after[index] {
                    put(&mut locked[at(homes[index])], counted, after);
                }
            }
        }
        let permits = wanted.iter().zip(full_at);
        permits
            .map(|((_, limit), full_at)| limit.permit(full_at, now, all))
            .collect()
    }

    /// [`Memory::try_acquire`] for one counter, as every request needs it: without allocating.
    #[must_use]
    pub fn try_acquire_one(&self, counted: &Counted, limit: Rate) -> Permit {
        let mut shard = self.counters.of(counted);
        let now = self.clock.micros();
        let full_at = limit.full_at(shard.get(counted).copied(), now);
        let after = limit.take(full_at, now);
        if let Some(after) = after {
            put(&mut shard, counted, after);
        }
        limit.permit(full_at, now, after.is_some())
    }
}

fn put(shard: &mut Shard<Counted, i64>, counted: &Counted, full_at: i64) {
    match shard.get_mut(counted) {
        Some(mut known) => *known = full_at,
        None => shard.insert(counted.clone(), full_at),
    }
}

type Shard<K, V> = unsync::Cache<K, V>;

/// A bounded map in shards, each with its own lock.
struct Shards<K, V> {
    shards: Vec<Mutex<Shard<K, V>>>,
    /// Randomly seeded, so that clients cannot choose keys that collide in one shard.
    hasher: DefaultHashBuilder,
}

impl<K: Eq + Hash, V> Shards<K, V> {
    fn new(capacity: usize) -> Self {
        let shards = SHARDS.min(capacity.max(1));
        let shard = || Mutex::new(unsync::Cache::new((capacity / shards).max(1)));
        Self {
            shards: std::iter::repeat_with(shard).take(shards).collect(),
            hasher: DefaultHashBuilder::default(),
        }
    }

    fn index(&self, key: &K) -> usize {
        let hash = self.hasher.hash_one(key) % self.shards.len() as u64;
        usize::try_from(hash).unwrap_or_default()
    }

    fn of(&self, key: &K) -> MutexGuard<'_, Shard<K, V>> {
        self.lock(self.index(key))
    }

    fn lock(&self, index: usize) -> MutexGuard<'_, Shard<K, V>> {
        // Only an allocation failure could panic under the lock, and that aborts the process.
        self.shards[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn len(&self) -> usize {
        let lengths = (0..self.shards.len()).map(|index| self.lock(index).len());
        lengths.sum()
    }
}
