//! The caches.

use crate::metrics::label_set::label_set;

label_set! {
    /// The result of a cache lookup.
    pub enum CacheResult ["result"] {
        /// Found.
        Hit = ["hit"],
        /// Not found.
        Miss = ["miss"],
    }
}

label_set! {
    /// Where the guard found the caller.
    pub enum PrincipalCache ["cache"] {
        /// In the local cache: no SQL.
        Hit = ["hit"],
        /// In the shared cache: no SQL.
        Shared = ["shared"],
        /// One SQL statement.
        Miss = ["miss"],
    }
}

label_set! {
    /// The local caches.
    pub enum CacheName ["cache"] {
        /// Verified access tokens.
        Token = ["token"],
        /// Active sessions.
        Session = ["session"],
        /// Accounts and their permissions.
        Account = ["account"],
        /// Generations of sessions whose first use was noted.
        Generation = ["generation"],
        /// Registered subjects and resources.
        Entity = ["entity"],
    }
}

label_set! {
    /// The caches that are looked up: local and shared.
    pub enum CacheLookup ["cache"] {
        /// Verified access tokens.
        Token = ["token"],
        /// Active sessions.
        Session = ["session"],
        /// Accounts and their permissions.
        Account = ["account"],
        /// Generations of sessions whose first use was noted.
        Generation = ["generation"],
        /// Registered subjects and resources.
        Entity = ["entity"],
        /// Sessions and their accounts in Redis, looked up after a miss in the local caches.
        PrincipalShared = ["principal_shared"],
    }
}

impl From<CacheName> for CacheLookup {
    fn from(name: CacheName) -> Self {
        match name {
            CacheName::Token => Self::Token,
            CacheName::Session => Self::Session,
            CacheName::Account => Self::Account,
            CacheName::Generation => Self::Generation,
            CacheName::Entity => Self::Entity,
        }
    }
}

label_set! {
    /// The kind of value from Redis that was rejected, and the reason.
    pub enum Rejection ["item", "reason"] {
        /// An entry of an unknown format.
        EntryFormat = ["entry", "format"],
        /// An entry that no replica wrote under this name.
        EntryMac = ["entry", "mac"],
        /// An entry from before an invalidation that removed it.
        EntryReplayed = ["entry", "replayed"],
        /// An entry that expired more than a second ago, or was made more than a second from now.
        EntryClock = ["entry", "clock"],
        /// An epoch of an unknown format.
        EpochFormat = ["epoch", "format"],
        /// An epoch that no replica wrote under this name.
        EpochMac = ["epoch", "mac"],
        /// An epoch from before one that this replica knows.
        EpochReplayed = ["epoch", "replayed"],
        /// A message of an unknown format.
        MessageFormat = ["message", "format"],
        /// A message that no replica published.
        MessageMac = ["message", "mac"],
        /// A message that was received before.
        MessageReplayed = ["message", "replayed"],
    }
}
