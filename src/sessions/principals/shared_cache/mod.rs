//! The shared cache of principals in Redis, and the invalidations that replicas publish.
//!
//! Redis is not trusted: a restored old entry is valid no longer than the TTL from its load, and not at
//! all on a replica that knows of the change.
//!
//! Entries hold personal data: an account's name, address and roles. They expire after the TTL and
//! are never logged.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use uuid::Uuid;

use super::local_cache::LocalCache;
use super::{Account, CachedPrincipal, Change, TTL};
use crate::cache::redis::{Notification, Snapshot};
use crate::cache::{Key, Kind, Redis};
use crate::clock::Clock;
use crate::metrics::{
    CACHE_REQUESTS, CacheLookup, CacheResult, DEPENDENCY_FALLBACKS, Fallback, INVALIDATIONS,
    Invalidation, REVOCATION_PROPAGATION,
};
use crate::policies::Live;
use crate::rbac::{Assignment, Reach, Scope};
use crate::store::User;

/// The scope of a session that is not narrowed. No permission has this name.
const EVERYTHING: &str = "*";

/// An active session. Times are microseconds since 1970 here and below.
#[derive(Serialize, Deserialize)]
struct SessionEntry {
    user: Uuid,
    /// `*` for everything. An entry of a version that knows no scopes lacks it and counts as missing:
    /// it would widen a narrowed session.
    scope: String,
    until: i64,
}

/// An enabled account.
#[derive(Serialize, Deserialize)]
struct AccountEntry {
    until: i64,
    id: Uuid,
    username: String,
    email: String,
    roles: Vec<String>,
    #[serde(default)]
    limited_roles: Vec<LimitedRole>,
    created_at: i64,
    updated_at: i64,
    last_login_at: Option<i64>,
    #[serde(default)]
    initial_password_until: Option<i64>,
}

/// An assignment that ends or does not reach everywhere.
#[derive(Serialize, Deserialize)]
struct LimitedRole {
    role: String,
    kind: String,
    id: String,
    until: Option<i64>,
}

/// An invalidation, as published to the other replicas.
#[derive(Serialize, Deserialize)]
struct Message {
    /// The sender.
    from: Uuid,
    /// The time of the change, by the sender's clock.
    at: i64,
    /// The account.
    user: Uuid,
    /// The sessions that ended; `None` if the account itself changed.
    sessions: Option<Vec<Uuid>>,
}

impl LimitedRole {
    fn of(given: &Assignment) -> Self {
        let (kind, id) = given.reach.parts();
        Self {
            role: given.role.clone(),
            kind: kind.to_owned(),
            id: id.to_owned(),
            until: given.expires_at,
        }
    }

    fn read(&self) -> Assignment {
        Assignment {
            role: self.role.clone(),
            reach: Reach::of(&self.kind, &self.id),
            expires_at: self.until,
        }
    }
}

/// The result of a lookup.
pub(super) enum Lookup {
    /// The principal.
    Found(CachedPrincipal),
    /// A miss, with the snapshot that guards the fill.
    Missed(Snapshot),
    /// Redis is down or distrusted.
    Unavailable,
}

/// Principals in Redis, shared by all replicas.
pub(super) struct SharedCache {
    redis: Redis,
    clock: Clock,
    /// This replica's id: its own messages are ignored.
    replica: Uuid,
    /// Set after a failed invalidation: until then Redis may hold stale entries.
    distrusted_until: Mutex<Option<Instant>>,
}

impl SharedCache {
    pub(super) fn new(redis: Redis, clock: Clock) -> Self {
        Self {
            redis,
            clock,
            replica: Uuid::now_v7(),
            distrusted_until: Mutex::default(),
        }
    }

    /// The account of an active session of `user`.
    pub(super) async fn find(
        &self,
        session: Uuid,
        user: Uuid,
        now: DateTime<Utc>,
        live: &Live,
    ) -> Lookup {
        let keys = [session_key(session), account_key(user)];
        let snapshot = if self.is_distrusted() {
            None
        } else {
            self.redis.read(&epoch_key(user), &keys).await.ok()
        };
        let Some(snapshot) = snapshot else {
            DEPENDENCY_FALLBACKS.inc(Fallback::PrincipalFromDatabase);
            return Lookup::Unavailable;
        };
        let found = decode(&snapshot.values, user, now, live);
        let result = if found.is_some() {
            CacheResult::Hit
        } else {
            CacheResult::Miss
        };
        CACHE_REQUESTS.inc((CacheLookup::PrincipalShared, result));
        found.map_or(Lookup::Missed(snapshot), Lookup::Found)
    }

    /// Fills in the background, unless the account changed since the snapshot.
    pub(super) fn fill(
        self: &Arc<Self>,
        session: Uuid,
        found: &CachedPrincipal,
        snapshot: Snapshot,
    ) {
        let Some(entries) = encode(session, found) else {
            return;
        };
        let guard = epoch_key(found.account.user.id);
        let shared = Arc::clone(self);
        let until = found.account_until;
        tokio::spawn(async move {
            if let Ok(ttl) = (until - shared.clock.now()).to_std() {
                // If it fails, the next replica loads from the database.
                let _ = shared.redis.fill(&guard, &snapshot, &entries, ttl).await;
            }
        });
    }

    /// Removes what changed from Redis and publishes the invalidation. The future borrows nothing, so
    /// that it can run in a task of its own.
    pub(super) fn publish(
        self: &Arc<Self>,
        user: Uuid,
        change: Change<'_>,
    ) -> impl Future<Output = ()> + Send + 'static {
        let shared = Arc::clone(self);
        let sessions = match change {
            Change::Account => None,
            Change::Sessions(sessions) => Some(sessions.to_vec()),
        };
        // The account in any case: one from before a change is recognised if it is put back.
        let mut keys = vec![account_key(user)];
        keys.extend(sessions.iter().flatten().copied().map(session_key));
        let message = Message {
            from: self.replica,
            at: self.clock.micros(),
            user,
            sessions,
        };
        async move {
            let message = serde_json::to_vec(&message).unwrap_or_default();
            let guard = epoch_key(user);
            let published = shared.redis.invalidate(&guard, &keys, &message).await;
            if published.is_err() {
                DEPENDENCY_FALLBACKS.inc(Fallback::InvalidationLost);
                shared.distrust_until_expired();
            }
        }
    }

    /// Applies the invalidations of other replicas.
    pub(super) async fn listen(&self, local: &LocalCache, key_change: &Notify) {
        self.redis
            .listen(|notification| match notification {
                Notification::Subscribed => {
                    local.invalidate_all();
                    INVALIDATIONS.inc(Invalidation::Everything);
                }
                Notification::KeyChange => key_change.notify_one(),
                Notification::Message(message) => self.apply(message, local),
            })
            .await;
    }

    fn apply(&self, message: &[u8], local: &LocalCache) {
        let Ok(message) = serde_json::from_slice::<Message>(message) else {
            // From another version of the service: invalidate everything, to be safe.
            local.invalidate_all();
            INVALIDATIONS.inc(Invalidation::Everything);
            return;
        };
        if message.from == self.replica {
            return;
        }
        let (change, kind) = match &message.sessions {
            None => (Change::Account, Invalidation::Account),
            Some(sessions) => (Change::Sessions(sessions), Invalidation::Sessions),
        };
        local.invalidate(message.user, change);
        INVALIDATIONS.inc(kind);
        REVOCATION_PROPAGATION.observe((), passed(message.at, self.clock.micros()));
    }

    /// Ignores Redis for one TTL; by then every entry that exists now has expired.
    fn distrust_until_expired(&self) {
        let until = Instant::now() + TTL.to_std().unwrap_or_default();
        *self.distrusted() = Some(until);
    }

    fn is_distrusted(&self) -> bool {
        self.distrusted()
            .is_some_and(|until| Instant::now() < until)
    }

    fn distrusted(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.distrusted_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time between two points in time in microseconds; none if the clocks disagree so far.
fn passed(from: i64, to: i64) -> Duration {
    Duration::from_micros(u64::try_from(to - from).unwrap_or_default())
}

fn session_key(session: Uuid) -> Key {
    Key::new(Kind::Session, session.to_string())
}

fn account_key(user: Uuid) -> Key {
    Key::new(Kind::Account, user.to_string())
}

fn epoch_key(user: Uuid) -> Key {
    Key::new(Kind::Epoch, user.to_string())
}

fn encode(session: Uuid, found: &CachedPrincipal) -> Option<[(Key, Vec<u8>); 2]> {
    let user = &found.account.user;
    let session_entry = SessionEntry {
        user: user.id,
        scope: found.scope.text().unwrap_or_else(|| EVERYTHING.to_owned()),
        until: found.session_until.timestamp_micros(),
    };
    let account_entry = AccountEntry {
        until: found.account_until.timestamp_micros(),
        id: user.id,
        username: user.username.clone(),
        email: user.email.clone(),
        roles: user.roles.clone(),
        limited_roles: user.limited_roles.iter().map(LimitedRole::of).collect(),
        created_at: user.created_at.timestamp_micros(),
        updated_at: user.updated_at.timestamp_micros(),
        last_login_at: user.last_login_at.map(|at| at.timestamp_micros()),
        initial_password_until: user.initial_password_until.map(|at| at.timestamp_micros()),
    };
    Some([
        (
            session_key(session),
            serde_json::to_vec(&session_entry).ok()?,
        ),
        (
            account_key(user.id),
            serde_json::to_vec(&account_entry).ok()?,
        ),
    ])
}

/// The principal in a session's and an account's entry, if both are there, belong together and have not
/// expired. Entries of other versions that cannot be parsed count as missing.
fn decode(
    entries: &[Option<Vec<u8>>],
    user: Uuid,
    now: DateTime<Utc>,
    live: &Live,
) -> Option<CachedPrincipal> {
    let [Some(session), Some(account)] = entries else {
        return None;
    };
    let session: SessionEntry = serde_json::from_slice(session).ok()?;
    let account: AccountEntry = serde_json::from_slice(account).ok()?;
    if session.user != user || account.id != user {
        return None;
    }
    // Another replica's clock may be ahead: never cache for longer than our own TTL.
    let until = |micros| Some(DateTime::from_timestamp_micros(micros)?.min(now + TTL));
    let (session_until, account_until) = (until(session.until)?, until(account.until)?);
    if session_until <= now || account_until <= now {
        return None;
    }
    let moment = |micros| DateTime::from_timestamp_micros(micros).ok_or(());
    let last_login_at = account.last_login_at.map(moment).transpose().ok()?;
    let initial_password_until = account.initial_password_until.map(moment);
    let initial_password_until = initial_password_until.transpose().ok()?;
    let user = User {
        id: account.id,
        username: account.username,
        email: account.email,
        // Only enabled accounts are cached.
        disabled: false,
        roles: account.roles,
        limited_roles: account
            .limited_roles
            .iter()
            .map(LimitedRole::read)
            .collect(),
        created_at: DateTime::from_timestamp_micros(account.created_at)?,
        updated_at: DateTime::from_timestamp_micros(account.updated_at)?,
        last_login_at,
        initial_password_until,
    };
    Some(CachedPrincipal {
        account: Account::of(user, live, now.timestamp_micros()),
        scope: Scope::stored((session.scope != EVERYTHING).then_some(&*session.scope)),
        session_until,
        account_until,
    })
}

#[cfg(test)]
mod tests;
