//! Caches and the counters of rate limits. Only this module uses Redis.
//!
//! Everything cached can be loaded again: a lost entry costs time, never correctness. [`Cache`] is
//! in process, or in Redis for all replicas, with the same behaviour. A typed [`LocalMap`] serves
//! hot reads without a round trip.

mod gcra;
mod local_map;
mod login;
mod memory;
pub mod redis;
mod remembered;

use std::time::Duration;

pub use self::gcra::{Counted, Permit};
pub use self::local_map::LocalMap;
pub use self::login::{Group, LoginCounters, LoginDecision, Way};
pub use self::memory::Memory;
pub use self::redis::{Redis, RedisOptions};
pub use self::remembered::Remembered;
use crate::metrics::{Backend, DEPENDENCY_FALLBACKS, Fallback};
use crate::rate::Rate;

/// The kind of an entry. Entries of different kinds may have the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An active session.
    Session,
    /// An account and its permissions. Every invalidation of its guard removes it.
    Account,
    /// The epoch of an account: the time of its last invalidation.
    Epoch,
}

impl Kind {
    /// The word in the names of keys; no word is a prefix of another.
    const fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Account => "account",
            Self::Epoch => "epoch",
        }
    }
}

/// The name of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    kind: Kind,
    id: Vec<u8>,
}

impl Key {
    /// The key of this kind and id. The id may be any bytes.
    #[must_use]
    pub fn new(kind: Kind, id: impl AsRef<[u8]>) -> Self {
        let id = id.as_ref().to_vec();
        Self { kind, id }
    }
}

/// Counters in process, or in Redis for all replicas.
pub enum Cache {
    /// In process.
    Memory(Memory),
    /// In Redis.
    Redis(Redis),
}

impl Cache {
    /// Takes a permit from each counter, or from none if one of them refuses; in one round trip.
    /// Results are in the order of `wanted`. While Redis is down, this replica counts on its own.
    pub async fn try_acquire(&self, wanted: &[(Counted, Rate)]) -> (Vec<Permit>, Backend) {
        let redis = match self {
            Self::Memory(memory) => return (memory.try_acquire(wanted), Backend::Memory),
            Self::Redis(redis) => redis,
        };
        if let Ok(permits) = redis.try_acquire(wanted).await {
            return (redis.confirmed(wanted, permits), Backend::Redis);
        }
        DEPENDENCY_FALLBACKS.inc(Fallback::LocalLimits);
        (redis.local().try_acquire(wanted), Backend::Local)
    }

    /// Decides about a login attempt, in one round trip.
    pub async fn try_login(&self, wanted: &LoginCounters) -> (LoginDecision, Backend) {
        let redis = match self {
            Self::Memory(memory) => return (memory.try_login(wanted), Backend::Memory),
            Self::Redis(redis) => redis,
        };
        if let Ok(decision) = redis.try_login(wanted).await {
            return (redis.confirmed_login(wanted, decision), Backend::Redis);
        }
        DEPENDENCY_FALLBACKS.inc(Fallback::LocalLimits);
        (redis.local().try_login(wanted), Backend::Local)
    }

    /// Records that a login admitted on this way succeeded.
    pub async fn login_succeeded(&self, wanted: &LoginCounters, way: Way, time: Duration) {
        match self {
            Self::Memory(memory) => memory.login_succeeded(wanted, way, time),
            Self::Redis(redis) => {
                // This replica counts along, and knows the source also while Redis is gone.
                redis.local().login_succeeded(wanted, way, time);
                // A lost success costs a permit, and other replicas treat the source as unknown.
                let _ = redis.login_succeeded(wanted, way, time).await;
            }
        }
    }

    /// Closes the connections to Redis.
    pub fn close(&self) {
        if let Self::Redis(redis) = self {
            redis.close();
        }
    }
}
