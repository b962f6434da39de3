//! Who stands behind a session, cached: a warm request runs no SQL.
//!
//! A change of an account or session removes what is cached before the change is answered, so that
//! the next request sees it. A load that began before the change must not put the old state back
//! afterwards: each account has an epoch which a removal advances, and a load inserts only if the
//! epoch is still the one that it began with.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::cache::Cache;
use crate::error::Result;
use crate::metrics::{CacheName, PrincipalCache};
use crate::rbac::Authority;
use crate::store::{Store, User};

/// How long a cached principal is believed. Changes through this process are seen at once; this
/// bounds how late a change by another one is seen: the command line, or somebody's SQL.
const BELIEVED: TimeDelta = TimeDelta::seconds(5);
const CACHED_SESSIONS: usize = 50_000;
const CACHED_ACCOUNTS: usize = 50_000;
const STRIPES: usize = 64;

/// An account that may act, and what it may do.
#[derive(Clone, Debug)]
pub struct Account {
    /// The account.
    pub user: User,
    /// What its roles amount to.
    pub authority: Authority,
}

#[derive(Clone, Copy)]
struct CachedSession {
    user: Uuid,
    /// When the session ends, or when it is time to look again.
    good_until: DateTime<Utc>,
}

/// The cache of sessions and the accounts behind them.
pub struct Principals {
    sessions: Cache<Uuid, CachedSession>,
    accounts: Cache<Uuid, Arc<Account>>,
    epochs: [Mutex<u64>; STRIPES],
}

impl Default for Principals {
    fn default() -> Self {
        Self {
            sessions: Cache::new(CacheName::Session, CACHED_SESSIONS),
            accounts: Cache::new(CacheName::Account, CACHED_ACCOUNTS),
            epochs: std::array::from_fn(|_| Mutex::new(0)),
        }
    }
}

impl Principals {
    /// The account behind a living session of `user`, and whether it was cached.
    ///
    /// # Errors
    /// When it is not cached and the database does not answer.
    pub async fn find(
        &self,
        store: &Store,
        session: Uuid,
        user: Uuid,
        now: DateTime<Utc>,
    ) -> Result<(Option<Arc<Account>>, PrincipalCache)> {
        if let Some(found) = self.sessions.get(&session)
            && found.user == user
            && found.good_until > now
            && let Some(account) = self.accounts.get(&user)
        {
            return Ok((Some(account), PrincipalCache::Hit));
        }
        let epoch = *self.epoch(user);
        let Some(principal) = store.principal(session, now).await? else {
            return Ok((None, PrincipalCache::Miss));
        };
        // A session belongs to the account that its token names, or the token is not ours.
        if principal.user.id != user {
            return Ok((None, PrincipalCache::Miss));
        }
        let authority = Authority::of(&principal.user.roles);
        let account = Arc::new(Account {
            user: principal.user,
            authority,
        });
        let current = self.epoch(user);
        if *current == epoch {
            let good_until = principal.session_expires_at.min(now + BELIEVED);
            let cached = CachedSession { user, good_until };
            self.sessions.insert(session, cached);
            self.accounts.insert(user, Arc::clone(&account));
        }
        drop(current);
        Ok((Some(account), PrincipalCache::Miss))
    }

    /// Forgets an account, because it changed.
    pub fn forget_account(&self, user: Uuid) {
        let mut epoch = self.epoch(user);
        *epoch += 1;
        self.accounts.remove(&user);
    }

    /// Forgets sessions of an account, because they ended.
    pub fn forget_sessions(&self, user: Uuid, sessions: &[Uuid]) {
        let mut epoch = self.epoch(user);
        *epoch += 1;
        for session in sessions {
            self.sessions.remove(session);
        }
    }

    /// Sets the gauges of entries. Called before each scrape.
    pub fn observe(&self) {
        self.sessions.observe();
        self.accounts.observe();
    }

    fn epoch(&self, user: Uuid) -> MutexGuard<'_, u64> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(user);
        let stripe = usize::try_from(hash % STRIPES as u64).unwrap_or_default();
        // A number cannot be left half-written by a panic.
        self.epochs[stripe]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
