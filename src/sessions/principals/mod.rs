//! The principal of a session, its account and permissions, cached: a warm request runs no SQL and
//! makes no round trip.
//!
//! Lookups try the local cache, then Redis if configured, then the database. A change of an account
//! or session invalidates the local and the shared entries before the change is acknowledged, so
//! that the next request sees it, and publishes the invalidation to the other replicas. A load that
//! began before a change must not restore the old state: invalidation advances the account's epoch,
//! and a load inserts only if the epoch has not moved since it began.

mod local_cache;
mod shared_cache;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;
use uuid::Uuid;

use self::local_cache::LocalCache;
use self::shared_cache::{Lookup, SharedCache};
use crate::cache::Cache;
use crate::clock::Clock;
use crate::error::Result;
use crate::metrics::PrincipalCache;
use crate::policies::{Live, Policies, Power};
use crate::rbac::{Authority, Held, Scope};
use crate::store::{Store, User};

/// TTL of cached principals, from the start of their load. Invalidation shows changes at once; the
/// TTL bounds staleness for changes that are not published: by the command line, by manual SQL, or
/// while Redis is down.
const TTL: TimeDelta = TimeDelta::seconds(5);

/// An account that may act, and its permissions.
#[derive(Clone, Debug)]
pub struct Account {
    /// The account.
    pub user: User,
    /// What it may do at this service.
    pub authority: Authority,
    /// What it may do everywhere. Nothing in a session of a narrow scope, which names permissions of this
    /// service only.
    pub held: Arc<Held>,
    /// The scope of its session.
    pub scope: Scope,
}

impl Account {
    /// The account by this policy, at a time in microseconds since 1970.
    #[must_use]
    pub fn of(user: User, live: &Live, now: i64) -> Arc<Self> {
        let Power { authority, held } = live.power(&user.assignments(), now);
        Arc::new(Self {
            user,
            authority,
            held,
            scope: Scope::EVERYTHING,
        })
    }

    /// The account in a session of this scope.
    fn within(self: &Arc<Self>, scope: Scope) -> Arc<Self> {
        if scope == Scope::EVERYTHING {
            return Arc::clone(self);
        }
        Arc::new(Self {
            user: self.user.clone(),
            authority: self.authority.within(scope),
            held: Arc::new(self.held.emptied()),
            scope,
        })
    }
}

/// What there is of an account's id.
#[derive(Clone, Debug)]
pub enum KnownAccount {
    /// An account that may act.
    Enabled(Arc<Account>),
    /// One that may not.
    Disabled,
    /// No account.
    None,
}

/// An active session and its account, with their expiry in the cache.
struct CachedPrincipal {
    account: Arc<Account>,
    /// The session's share of the account's permissions.
    scope: Scope,
    /// The end of the session or of the TTL, the earlier of the two.
    session_until: DateTime<Utc>,
    account_until: DateTime<Utc>,
}

/// The part of an account that a change invalidates.
#[derive(Clone, Copy, Debug)]
enum Change<'a> {
    /// The account itself.
    Account,
    /// Some of its sessions.
    Sessions(&'a [Uuid]),
}

/// The cache of sessions and the accounts behind them.
pub struct Principals {
    policies: Arc<Policies>,
    local: Arc<LocalCache>,
    shared: Option<Arc<SharedCache>>,
}

impl Principals {
    /// An empty cache; shared with the other replicas if `cache` is in Redis.
    #[must_use]
    pub fn new(cache: &Cache, policies: Arc<Policies>, clock: Clock) -> Self {
        let shared = match cache {
            Cache::Memory(_) => None,
            Cache::Redis(redis) => Some(Arc::new(SharedCache::new(redis.clone(), clock))),
        };
        Self {
            policies,
            local: Arc::default(),
            shared,
        }
    }

    /// The account of an active session of `user`, with the authority that the session's scope leaves,
    /// and the cache that had it.
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
        if let Some(account) = self
            .local
            .find(session, user, now, &self.policies.current())
        {
            return Ok((Some(account), PrincipalCache::Hit));
        }
        // Read before anything is loaded, so that a change meanwhile discards the load.
        let epoch = self.local.epoch(user);
        let mut missed = None;
        if let Some(shared) = &self.shared {
            let live = self.policies.kept();
            match shared.find(session, user, now, &live).await {
                Lookup::Found(found) => {
                    self.local.insert(session, user, epoch, &found);
                    let account = found.account.within(found.scope);
                    return Ok((Some(account), PrincipalCache::Shared));
                }
                Lookup::Missed(snapshot) => missed = Some((shared, snapshot)),
                Lookup::Unavailable => {}
            }
        }
        let Some(principal) = store.principal(session, now).await? else {
            return Ok((None, PrincipalCache::Miss));
        };
        // The token names another account than its session: it was not issued here.
        if principal.user.id != user {
            return Ok((None, PrincipalCache::Miss));
        }
        let expiry = now + TTL;
        // A policy that is older than the account's roles would decide by what they were.
        let live = self.policies.at_least(principal.policy_version).await?;
        let found = CachedPrincipal {
            account: Account::of(principal.user, &live, now.timestamp_micros()),
            scope: principal.scope,
            session_until: principal.session_expires_at.min(expiry),
            account_until: expiry,
        };
        if self.local.insert(session, user, epoch, &found)
            && let Some((shared, snapshot)) = missed
        {
            shared.fill(session, &found, snapshot);
        }
        Ok((
            Some(found.account.within(found.scope)),
            PrincipalCache::Miss,
        ))
    }

    /// An account, without a session. Those that are disabled or do not exist are not cached.
    ///
    /// # Errors
    /// When it is not cached and the database does not answer.
    pub async fn account(
        &self,
        store: &Store,
        user: Uuid,
        now: DateTime<Utc>,
    ) -> Result<KnownAccount> {
        let live = self.policies.kept();
        if let Some(account) = self.local.account(user, now, &live) {
            return Ok(KnownAccount::Enabled(account));
        }
        let epoch = self.local.epoch(user);
        let user = match store.user(user).await? {
            None => return Ok(KnownAccount::None),
            Some(user) if user.disabled => return Ok(KnownAccount::Disabled),
            Some(user) => user,
        };
        let account = Account::of(user, &live, now.timestamp_micros());
        self.local.insert_account(&account, now + TTL, epoch);
        Ok(KnownAccount::Enabled(account))
    }

    /// Invalidates an account that changed: locally, in Redis, and on all subscribed replicas.
    pub async fn invalidate_account(&self, user: Uuid) {
        self.invalidate(user, Change::Account).await;
    }

    /// Invalidates sessions that ended, as [`Principals::invalidate_account`] does.
    pub async fn invalidate_sessions(&self, user: Uuid, sessions: &[Uuid]) {
        self.invalidate(user, Change::Sessions(sessions)).await;
    }

    async fn invalidate(&self, user: Uuid, change: Change<'_>) {
        self.local.invalidate(user, change);
        let Some(shared) = &self.shared else {
            return;
        };
        let publishing = shared.publish(user, change);
        let local = Arc::clone(&self.local);
        let sessions = match change {
            Change::Account => None,
            Change::Sessions(sessions) => Some(sessions.to_vec()),
        };
        // A task of its own continues when the client disconnects.
        let published = tokio::spawn(async move {
            publishing.await;
            // A lookup may have copied the old state from Redis meanwhile.
            let change = sessions
                .as_deref()
                .map_or(Change::Account, Change::Sessions);
            local.invalidate(user, change);
        });
        // Fails only when the runtime shuts down.
        let _ = published.await;
    }

    /// Applies the invalidations of other replicas, until the future is dropped. Notifies when signing keys
    /// have changed.
    pub async fn listen(&self, key_change: &Notify) {
        if let Some(shared) = &self.shared {
            shared.listen(&self.local, key_change).await;
        }
    }

    /// Sets the gauges of entries. Called before each scrape.
    pub fn observe(&self) {
        self.local.observe();
    }
}
