//! The local cache of principals, in process.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Account, CachedPrincipal, Change};
use crate::cache::LocalMap;
use crate::metrics::CacheName;
use crate::policies::Live;
use crate::rbac::Scope;

const CACHED_SESSIONS: usize = 50_000;
const CACHED_ACCOUNTS: usize = 50_000;
const STRIPES: usize = 64;

#[derive(Clone, Copy)]
struct CachedSession {
    user: Uuid,
    scope: Scope,
    until: DateTime<Utc>,
}

#[derive(Clone)]
struct CachedAccount {
    account: Arc<Account>,
    until: DateTime<Utc>,
}

/// The state of an account at the start of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epoch(u64);

/// Local sessions and accounts, and the epochs that guard them.
pub(super) struct LocalCache {
    sessions: LocalMap<Uuid, CachedSession>,
    accounts: LocalMap<Uuid, CachedAccount>,
    epochs: [Mutex<u64>; STRIPES],
}

impl Default for LocalCache {
    fn default() -> Self {
        Self {
            sessions: LocalMap::new(CacheName::Session, CACHED_SESSIONS),
            accounts: LocalMap::new(CacheName::Account, CACHED_ACCOUNTS),
            epochs: std::array::from_fn(|_| Mutex::new(0)),
        }
    }
}

impl LocalCache {
    /// The account of a session by this policy, if both are cached and have not expired.
    pub(super) fn find(
        &self,
        session: Uuid,
        user: Uuid,
        now: DateTime<Utc>,
        live: &Live,
    ) -> Option<Arc<Account>> {
        let session = self.sessions.get(&session)?;
        if session.user != user || session.until <= now {
            return None;
        }
        Some(self.account(user, now, live)?.within(session.scope))
    }

    /// An account by this policy, if it is cached and has not expired.
    pub(super) fn account(
        &self,
        user: Uuid,
        now: DateTime<Utc>,
        live: &Live,
    ) -> Option<Arc<Account>> {
        let cached = self.accounts.get(&user)?;
        if cached.until <= now {
            return None;
        }
        let micros = now.timestamp_micros();
        if cached.account.held.is_current(&live.snapshot, micros) {
            return Some(cached.account);
        }
        // The policy changed, or an assignment ended. The account itself is as it was.
        let account = Account::of(cached.account.user.clone(), live, micros);
        let _current = self.lock(user);
        if let Some(now_cached) = self.accounts.get(&user)
            && Arc::ptr_eq(&now_cached.account, &cached.account)
        {
            let renewed = CachedAccount {
                account: Arc::clone(&account),
                until: cached.until,
            };
            self.accounts.insert(user, renewed);
        }
        Some(account)
    }

    /// The epoch of an account. Read it before a load begins.
    pub(super) fn epoch(&self, user: Uuid) -> Epoch {
        Epoch(*self.lock(user))
    }

    /// Inserts a loaded principal unless the account changed since the epoch. Returns whether it did.
    pub(super) fn insert(
        &self,
        session: Uuid,
        user: Uuid,
        epoch: Epoch,
        found: &CachedPrincipal,
    ) -> bool {
        let current = self.lock(user);
        if Epoch(*current) != epoch {
            return false;
        }
        let cached = CachedSession {
            user,
            scope: found.scope,
            until: found.session_until,
        };
        self.sessions.insert(session, cached);
        let account = CachedAccount {
            account: Arc::clone(&found.account),
            until: found.account_until,
        };
        self.accounts.insert(user, account);
        true
    }

    /// Inserts a loaded account unless it changed since the epoch.
    pub(super) fn insert_account(
        &self,
        account: &Arc<Account>,
        until: DateTime<Utc>,
        epoch: Epoch,
    ) {
        let user = account.user.id;
        let current = self.lock(user);
        if Epoch(*current) == epoch {
            let account = Arc::clone(account);
            self.accounts.insert(user, CachedAccount { account, until });
        }
    }

    /// Removes what changed, and discards the results of loads in flight.
    pub(super) fn invalidate(&self, user: Uuid, change: Change<'_>) {
        let mut epoch = self.lock(user);
        *epoch += 1;
        match change {
            Change::Account => self.accounts.remove(&user),
            Change::Sessions(sessions) => {
                for session in sessions {
                    self.sessions.remove(session);
                }
            }
        }
    }

    /// Removes everything, and discards the results of loads in flight.
    pub(super) fn invalidate_all(&self) {
        for epoch in &self.epochs {
            *lock(epoch) += 1;
        }
        self.sessions.clear();
        self.accounts.clear();
    }

    /// Sets the gauges of entries.
    pub(super) fn observe(&self) {
        self.sessions.observe();
        self.accounts.observe();
    }

    fn lock(&self, user: Uuid) -> MutexGuard<'_, u64> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(user);
        let stripe = usize::try_from(hash % STRIPES as u64).unwrap_or_default();
        lock(&self.epochs[stripe])
    }
}

fn lock(epoch: &Mutex<u64>) -> MutexGuard<'_, u64> {
    // A number cannot be left half-written by a panic.
    epoch.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::store::{StoredPolicy, User};

    fn live() -> Live {
        Live::of(StoredPolicy::default()).expect("the built-in policy")
    }

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn found(user: Uuid, session_seconds: i64, account_seconds: i64) -> CachedPrincipal {
        let user = User {
            id: user,
            username: "alice".to_owned(),
            email: "alice@example.com".to_owned(),
            disabled: false,
            roles: vec!["user".to_owned()],
            limited_roles: Vec::new(),
            created_at: NOW,
            updated_at: NOW,
            last_login_at: None,
            initial_password_until: None,
        };
        CachedPrincipal {
            account: Account::of(user, &live(), 0),
            scope: Scope::EVERYTHING,
            session_until: NOW + TimeDelta::seconds(session_seconds),
            account_until: NOW + TimeDelta::seconds(account_seconds),
        }
    }

    #[test]
    fn both_session_and_account_are_believed_for_their_time_only() {
        for (session_seconds, account_seconds) in [(3, 5), (5, 3)] {
            let local = LocalCache::default();
            let (session, user) = (Uuid::now_v7(), Uuid::now_v7());
            let epoch = local.epoch(user);
            let found = found(user, session_seconds, account_seconds);
            assert!(local.insert(session, user, epoch, &found));
            let is_there = |seconds| {
                let now = NOW + TimeDelta::seconds(seconds);
                local.find(session, user, now, &live()).is_some()
            };
            assert!(is_there(0) && is_there(2));
            assert!(!is_there(3));
        }
    }

    #[test]
    fn a_load_that_began_before_a_change_is_not_kept() {
        let local = LocalCache::default();
        let (session, user) = (Uuid::now_v7(), Uuid::now_v7());
        let changes: [&dyn Fn(); 3] = [
            &|| local.invalidate(user, Change::Account),
            &|| local.invalidate(user, Change::Sessions(&[session])),
            &|| local.invalidate_all(),
        ];
        for change in changes {
            let epoch = local.epoch(user);
            assert!(local.insert(session, user, epoch, &found(user, 5, 5)));
            change();
            assert!(local.find(session, user, NOW, &live()).is_none());
            assert!(!local.insert(session, user, epoch, &found(user, 5, 5)));
            assert!(local.find(session, user, NOW, &live()).is_none());
        }
    }

    #[test]
    fn a_session_of_somebody_else_is_not_found() {
        let local = LocalCache::default();
        let (session, user, other) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
        for user in [user, other] {
            let (own, epoch) = (Uuid::now_v7(), local.epoch(user));
            local.insert(own, user, epoch, &found(user, 5, 5));
        }
        local.insert(session, user, local.epoch(user), &found(user, 5, 5));
        assert!(local.find(session, user, NOW, &live()).is_some());
        assert!(local.find(session, other, NOW, &live()).is_none());
    }
}
