//! Who stands behind a session, cached: a warm request runs no SQL and asks nobody.
//!
//! Looked up in process, then in Redis if there is one, then in the database. A change of an
//! account or session removes what is cached, here and in Redis, before the change is answered, so
//! that the next request sees it; the other replicas are told. A load that began before the change
//! must not put the old state back afterwards: each account has an epoch which a removal advances,
//! and a load inserts only if the epoch is still the one that it began with.

mod local_cache;
mod shared_cache;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use self::local_cache::Nearby;
use self::shared_cache::{Shared, Sought};
use crate::cache::Cache;
use crate::clock::Clock;
use crate::error::Result;
use crate::metrics::PrincipalCache;
use crate::rbac::Authority;
use crate::store::{Store, User};

/// How long a cached principal is believed, from when its load began. Changes through this process
/// are seen at once, through other replicas as soon as they say so; this bounds how late a change
/// is seen that nobody tells of: by the command line, by somebody's SQL, or while Redis is gone.
const BELIEVED: TimeDelta = TimeDelta::seconds(5);

/// An account that may act, and what it may do.
#[derive(Clone, Debug)]
pub struct Account {
    /// The account.
    pub user: User,
    /// What its roles amount to.
    pub authority: Authority,
}

impl Account {
    fn of(user: User) -> Arc<Self> {
        let authority = Authority::of(&user.roles);
        Arc::new(Self { user, authority })
    }
}

/// A living session and the account behind it, and until when that is believed.
struct Found {
    account: Arc<Account>,
    /// When the session ends, or when it is time to look again.
    session_until: DateTime<Utc>,
    account_until: DateTime<Utc>,
}

/// What a change makes invalid of an account.
#[derive(Clone, Copy, Debug)]
enum Change<'a> {
    /// The account itself.
    Account,
    /// These sessions of it.
    Sessions(&'a [Uuid]),
}

/// The cache of sessions and the accounts behind them.
pub struct Principals {
    nearby: Arc<Nearby>,
    shared: Option<Arc<Shared>>,
}

impl Principals {
    /// Nothing yet. Shared with the other replicas when the cache is.
    #[must_use]
    pub fn new(cache: &Cache, clock: Clock) -> Self {
        let shared = match cache {
            Cache::Memory(_) => None,
            Cache::Redis(redis) => Some(Arc::new(Shared::new(redis.clone(), clock))),
        };
        Self {
            nearby: Arc::default(),
            shared,
        }
    }

    /// The account behind a living session of `user`, and where it was found.
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
        if let Some(account) = self.nearby.find(session, user, now) {
            return Ok((Some(account), PrincipalCache::Hit));
        }
        // Before anything else is asked: what was read before a change is not kept after it.
        let epoch = self.nearby.epoch(user);
        let mut missed = None;
        if let Some(shared) = &self.shared {
            match shared.find(session, user, now).await {
                Sought::Found(found) => {
                    self.nearby.insert(session, user, epoch, &found);
                    return Ok((Some(found.account), PrincipalCache::Shared));
                }
                Sought::Missed(snapshot) => missed = Some((shared, snapshot)),
                Sought::Unknown => {}
            }
        }
        let Some(principal) = store.principal(session, now).await? else {
            return Ok((None, PrincipalCache::Miss));
        };
        // A session belongs to the account that its token names, or the token is not ours.
        if principal.user.id != user {
            return Ok((None, PrincipalCache::Miss));
        }
        let believed = now + BELIEVED;
        let found = Found {
            account: Account::of(principal.user),
            session_until: principal.session_expires_at.min(believed),
            account_until: believed,
        };
        if self.nearby.insert(session, user, epoch, &found)
            && let Some((shared, snapshot)) = missed
        {
            shared.fill(session, &found, snapshot);
        }
        Ok((Some(found.account), PrincipalCache::Miss))
    }

    /// Forgets an account, because it changed: here, in Redis, and on every replica that hears it.
    pub async fn forget_account(&self, user: Uuid) {
        self.forget(user, Change::Account).await;
    }

    /// Forgets sessions of an account, because they ended: as [`Principals::forget_account`].
    pub async fn forget_sessions(&self, user: Uuid, sessions: &[Uuid]) {
        self.forget(user, Change::Sessions(sessions)).await;
    }

    async fn forget(&self, user: Uuid, change: Change<'_>) {
        self.nearby.forget(user, change);
        let Some(shared) = &self.shared else {
            return;
        };
        let telling = shared.tell(user, change);
        let nearby = Arc::clone(&self.nearby);
        let sessions = match change {
            Change::Account => None,
            Change::Sessions(sessions) => Some(sessions.to_vec()),
        };
        // A task of its own goes on when the client leaves.
        let told = tokio::spawn(async move {
            telling.await;
            // Meanwhile somebody may have found the old state in Redis.
            let change = sessions
                .as_deref()
                .map_or(Change::Account, Change::Sessions);
            nearby.forget(user, change);
        });
        // It ends early with the runtime alone.
        let _ = told.await;
    }

    /// Applies what other replicas say has changed, for as long as the future lives.
    pub async fn listen(&self) {
        if let Some(shared) = &self.shared {
            shared.listen(&self.nearby).await;
        }
    }

    /// Sets the gauges of entries. Called before each scrape.
    pub fn observe(&self) {
        self.nearby.observe();
    }
}
