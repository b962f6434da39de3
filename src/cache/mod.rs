//! Caches and counters. Redis lives here, nowhere else.
//!
//! What caches hold can always be found again: losing an entry costs time, never an answer. The
//! [`Cache`] is in process, or in Redis for all replicas, with the same meaning; a typed [`Near`]
//! map stands in front of it where a hot read shall make no round trip.

mod gcra;
mod local_map;
mod memory;
pub mod redis;

pub use self::gcra::{Counted, Permit};
pub use self::local_map::Near;
pub use self::memory::Memory;
pub use self::redis::{Redis, RedisOptions};
use crate::metrics::{Backend, DEPENDENCY_FALLBACKS, Fallback};
use crate::rate::Rate;

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

/// Counters in process, or in Redis for all replicas.
pub enum Cache {
    /// In process.
    Memory(Memory),
    /// In Redis.
    Redis(Redis),
}

impl Cache {
    /// Asks each limit for a permit, in the order asked, in one round trip. All or nothing: when
    /// one is denied, none is taken. While Redis does not answer, this replica counts for itself.
    pub async fn permits(&self, wanted: &[(Counted, Rate)]) -> (Vec<Permit>, Backend) {
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
