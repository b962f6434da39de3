//! The caches.

use crate::metrics::label_set::label_set;

label_set! {
    /// Whether a lookup found what it wanted in the cache.
    pub enum CacheResult ["result"] {
        /// Found.
        Hit = ["hit"],
        /// Had to be fetched.
        Miss = ["miss"],
    }
}

label_set! {
    /// Whether the guard found the caller in the cache.
    pub enum PrincipalCache ["cache"] {
        /// It did, in process: no SQL.
        Hit = ["hit"],
        /// In Redis: no SQL.
        Shared = ["shared"],
        /// One SQL statement.
        Miss = ["miss"],
    }
}

label_set! {
    /// The caches in process.
    pub enum CacheName ["cache"] {
        /// Verified access tokens.
        Token = ["token"],
        /// Living sessions.
        Session = ["session"],
        /// Accounts and what they may do.
        Account = ["account"],
    }
}

label_set! {
    /// The caches that are asked: those in process, and what is shared.
    pub enum CacheLookup ["cache"] {
        /// Verified access tokens.
        Token = ["token"],
        /// Living sessions.
        Session = ["session"],
        /// Accounts and what they may do.
        Account = ["account"],
        /// Sessions and their accounts in Redis, asked when they are not in process.
        PrincipalShared = ["principal_shared"],
    }
}

impl From<CacheName> for CacheLookup {
    fn from(name: CacheName) -> Self {
        match name {
            CacheName::Token => Self::Token,
            CacheName::Session => Self::Session,
            CacheName::Account => Self::Account,
        }
    }
}
