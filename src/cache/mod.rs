//! Caches and counters. Redis lives here, nowhere else.
//!
//! What caches hold can always be found again: losing an entry costs time, never an answer. The
//! [`Cache`] is in process, or in Redis for all replicas, with the same meaning; a typed [`Near`]
//! map stands in front of it where a hot read shall make no round trip.

mod limit;
mod memory;
mod near;
pub mod redis;

use std::time::Duration;

pub use self::limit::{Counted, Limit, Permit};
pub use self::memory::Memory;
pub use self::near::Near;
pub use self::redis::{Redis, RedisOptions};
use crate::error::Result;
use crate::metrics::{Backend, DEPENDENCY_FALLBACKS, Fallback};

/// What an entry is: keeps it apart from entries of other kinds with the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A living session.
    Session,
    /// An account and what it may do.
    Account,
    /// How often what is cached of an account became invalid.
    Epoch,
}

impl Kind {
    /// The word in the names of keys; no word is the beginning of another.
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
    /// The entry of this kind for this id, whatever its bytes.
    #[must_use]
    pub fn new(kind: Kind, id: impl AsRef<[u8]>) -> Self {
        let id = id.as_ref().to_vec();
        Self { kind, id }
    }
}

/// A cache in process, or in Redis for all replicas.
pub enum Cache {
    /// In process.
    Memory(Memory),
    /// In Redis.
    Redis(Redis),
}

impl Cache {
    /// An entry that has not expired.
    ///
    /// # Errors
    /// When Redis does not answer; so with every method but [`Cache::permits`].
    pub async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Memory(memory) => Ok(memory.get(key)),
            Self::Redis(redis) => redis.get(key).await,
        }
    }

    /// Puts an entry, in the place of an older one. It expires after `ttl`, to the millisecond.
    ///
    /// # Errors
    /// When Redis does not answer: then it is not known whether the entry is there.
    pub async fn set(&self, key: &Key, value: &[u8], ttl: Duration) -> Result<()> {
        match self {
            Self::Memory(memory) => {
                memory.set(key.clone(), value.to_vec(), ttl);
                Ok(())
            }
            Self::Redis(redis) => redis.set(key, value, ttl).await,
        }
    }

    /// Puts an entry where there is none. Returns whether it did: of any number of callers, one.
    ///
    /// # Errors
    /// When Redis does not answer: then it is not known whether the entry is there.
    pub async fn set_if_absent(&self, key: &Key, value: &[u8], ttl: Duration) -> Result<bool> {
        match self {
            Self::Memory(memory) => Ok(memory.set_if_absent(key.clone(), value.to_vec(), ttl)),
            Self::Redis(redis) => redis.set_if_absent(key, value, ttl).await,
        }
    }

    /// Takes an entry out: of any number of callers, one gets it.
    ///
    /// # Errors
    /// When Redis does not answer: then it is not known whether the entry is still there.
    pub async fn take(&self, key: &Key) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Memory(memory) => Ok(memory.take(key)),
            Self::Redis(redis) => redis.take(key).await,
        }
    }

    /// Removes an entry.
    ///
    /// # Errors
    /// When Redis does not answer: then it is not known whether the entry is still there.
    pub async fn remove(&self, key: &Key) -> Result<()> {
        match self {
            Self::Memory(memory) => {
                memory.remove(key);
                Ok(())
            }
            Self::Redis(redis) => redis.remove(key).await,
        }
    }

    /// Asks each limit for a permit, in the order asked, in one round trip. All or nothing: when
    /// one is denied, none is taken. While Redis does not answer, this replica counts for itself.
    pub async fn permits(&self, wanted: &[(Counted, Limit)]) -> (Vec<Permit>, Backend) {
        let redis = match self {
            Self::Memory(memory) => return (memory.permits(wanted), Backend::Memory),
            Self::Redis(redis) => redis,
        };
        if let Ok(permits) = redis.permits(wanted).await {
            return (permits, Backend::Redis);
        }
        DEPENDENCY_FALLBACKS.inc(Fallback::LocalLimits);
        (redis.local().permits(wanted), Backend::Local)
    }

    /// Closes connections, if there are any.
    pub fn close(&self) {
        if let Self::Redis(redis) = self {
            redis.close();
        }
    }
}
