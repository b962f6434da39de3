//! Counters of rate limits in process, for one replica.

use std::hash::{BuildHasher as _, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};

use quick_cache::{DefaultHashBuilder, unsync};

use super::gcra::whole_micros;
use super::login::{LoginCounters, LoginDecision, LoginState, Way};
use super::remembered::Remembered;
use super::{Counted, Permit};
use crate::clock::Clock;
use crate::rate::Rate;

const SHARDS: usize = 64;

/// Counters, bounded: the least used are evicted first, so a flood of new keys does not drive out
/// those in use.
pub struct Memory {
    clock: Clock,
    counters: Shards<Counted, i64>,
    /// Sources that logged in to an account. Only successful logins add to it, so that attackers cannot
    /// evict owners.
    known: Remembered<()>,
}

impl Memory {
    /// No counters yet; at most `capacity` of them.
    #[must_use]
    pub fn new(clock: Clock, capacity: usize) -> Self {
        Self {
            counters: Shards::new(capacity),
            known: Remembered::new(clock.clone(), capacity),
            clock,
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
        let mut locked = Locked::new(&self.counters, wanted.iter().map(|(counted, _)| counted));
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
                None => locked.get(counted),
            };
            full_at.push(limit.full_at(stored, now));
            after.push(limit.take(full_at[index], now));
        }
        let all = after.iter().all(Option::is_some);
        if all {
            for (index, (counted, _)) in wanted.iter().enumerate() {
                if let Some(after) = after[index] {
                    locked.put(counted, after);
                }
            }
        }
        let permits = wanted.iter().zip(full_at);
        permits
            .map(|((_, limit), full_at)| limit.permit(full_at, now, all))
            .collect()
    }

    /// Decides about a login attempt.
    #[must_use]
    pub fn try_login(&self, wanted: &LoginCounters) -> LoginDecision {
        let known = self.known.get(&wanted.known.digest).is_some();
        let counters = || wanted.counters.iter().map(|(_, counted, _)| counted);
        let mut locked = Locked::new(&self.counters, counters().chain([&wanted.waits]));
        let now = self.clock.micros();
        let latest = now + whole_micros(wanted.wait_after_guess.max(wanted.wait_after_denial));
        let waits_until = locked.get(&wanted.waits);
        let state = LoginState {
            now,
            known,
            waits_until: waits_until
                .filter(|until| (now..=latest).contains(until))
                .unwrap_or(now),
            full_at: wanted
                .counters
                .iter()
                .map(|(_, counted, rate)| rate.full_at(locked.get(counted), now))
                .collect(),
        };
        let way = wanted.way(&state);
        if let Some(way) = way {
            for ((group, counted, rate), full_at) in wanted.counters.iter().zip(&state.full_at) {
                if way.takes(*group) {
                    locked.put(counted, full_at + rate.interval());
                }
            }
        }
        if let Some(until) = wanted.next_wait(&state, way) {
            locked.put(&wanted.waits, until);
        }
        wanted.decision(&state, way)
    }

    /// Records a successful login: returns the permits of the account's counters, and makes the source
    /// known for `time`.
    pub fn login_succeeded(&self, wanted: &LoginCounters, way: Way, time: std::time::Duration) {
        self.known.insert(wanted.known.digest, (), time);
        let counters = || wanted.given_back(way).map(|(counted, _)| counted);
        let mut locked = Locked::new(&self.counters, counters().chain([&wanted.waits]));
        let now = self.clock.micros();
        for (counted, rate) in wanted.given_back(way) {
            let full_at = rate.full_at(locked.get(counted), now);
            locked.put(counted, full_at - rate.interval());
        }
        locked.put(&wanted.waits, now);
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

    /// What [`Memory::try_acquire_one`] would answer, without taking a permit.
    #[must_use]
    pub fn peek(&self, counted: &Counted, limit: Rate) -> Permit {
        let shard = self.counters.of(counted);
        let now = self.clock.micros();
        let full_at = limit.full_at(shard.get(counted).copied(), now);
        limit.permit(full_at, now, false)
    }
}

/// The shards of several counters, locked together.
struct Locked<'a> {
    counters: &'a Shards<Counted, i64>,
    order: Vec<usize>,
    shards: Vec<MutexGuard<'a, Shard<Counted, i64>>>,
}

impl<'a> Locked<'a> {
    fn new<'b>(
        counters: &'a Shards<Counted, i64>,
        wanted: impl Iterator<Item = &'b Counted>,
    ) -> Self {
        // Every caller locks shards in the same order, each once: no deadlock.
        let mut order: Vec<usize> = wanted.map(|counted| counters.index(counted)).collect();
        order.sort_unstable();
        order.dedup();
        let shards = order.iter().map(|home| counters.lock(*home)).collect();
        Self {
            counters,
            order,
            shards,
        }
    }

    fn get(&mut self, counted: &Counted) -> Option<i64> {
        self.shard(counted).get(counted).copied()
    }

    fn put(&mut self, counted: &Counted, full_at: i64) {
        put(self.shard(counted), counted, full_at);
    }

    fn shard(&mut self, counted: &Counted) -> &mut Shard<Counted, i64> {
        let home = self.counters.index(counted);
        let at = self.order.partition_point(|other| *other < home);
        &mut self.shards[at]
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
