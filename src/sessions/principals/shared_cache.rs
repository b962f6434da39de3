//! Principals in Redis, shared by the replicas, and what they tell each other.
//!
//! Entries hold personal data: an account's name, address and roles. They live as long as they are
//! believed, and are never logged.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::local_cache::Nearby;
use super::{Account, BELIEVED, Change, Found};
use crate::cache::redis::{Heard, Snapshot};
use crate::cache::{Key, Kind, Redis};
use crate::clock::Clock;
use crate::metrics::{
    CACHE_REQUESTS, CacheLookup, CacheResult, DEPENDENCY_FALLBACKS, Fallback, INVALIDATIONS,
    Invalidation, REVOCATION_PROPAGATION,
};
use crate::store::User;

/// A living session. Times are microseconds since the epoch here and below.
#[derive(Serialize, Deserialize)]
struct SessionEntry {
    user: Uuid,
    until: i64,
}

/// An account that may act.
#[derive(Serialize, Deserialize)]
struct AccountEntry {
    until: i64,
    id: Uuid,
    username: String,
    email: String,
    roles: Vec<String>,
    created_at: i64,
    updated_at: i64,
    last_login_at: Option<i64>,
}

/// What a replica tells the others.
#[derive(Serialize, Deserialize)]
struct Message {
    /// The replica that tells.
    from: Uuid,
    /// When it changed, by the sender's clock.
    at: i64,
    /// The account that it belongs to.
    user: Uuid,
    /// The sessions that ended; none, when it is the account itself that changed.
    sessions: Option<Vec<Uuid>>,
}

/// What came of a lookup.
pub(super) enum Sought {
    /// It is there.
    Found(Found),
    /// It is not there; what is loaded now may be put.
    Missed(Snapshot),
    /// Redis does not answer, or is not to be believed.
    Unknown,
}

/// The shared level.
pub(super) struct Shared {
    redis: Redis,
    clock: Clock,
    /// Tells this replica's messages from those of others.
    replica: Uuid,
    /// Until when Redis is not believed, because it may hold what this replica could not remove.
    doubted_until: Mutex<Option<Instant>>,
}

impl Shared {
    pub(super) fn new(redis: Redis, clock: Clock) -> Self {
        Self {
            redis,
            clock,
            replica: Uuid::now_v7(),
            doubted_until: Mutex::default(),
        }
    }

    /// The account behind a living session of `user`.
    pub(super) async fn find(&self, session: Uuid, user: Uuid, now: DateTime<Utc>) -> Sought {
        let keys = [session_key(session), account_key(user)];
        let snapshot = if self.is_doubted() {
            None
        } else {
            self.redis.read(&epoch_key(user), &keys).await.ok()
        };
        let Some(snapshot) = snapshot else {
            DEPENDENCY_FALLBACKS.inc(Fallback::PrincipalFromDatabase);
            return Sought::Unknown;
        };
        let found = decode(&snapshot, user, now);
        let result = if found.is_some() {
            CacheResult::Hit
        } else {
            CacheResult::Miss
        };
        CACHE_REQUESTS.inc((CacheLookup::PrincipalShared, result));
        found.map_or(Sought::Missed(snapshot), Sought::Found)
    }

    /// Puts what was loaded, in the background, unless the account changed since the snapshot.
    pub(super) fn fill(self: &Arc<Self>, session: Uuid, found: &Found, snapshot: Snapshot) {
        let Some(entries) = encode(session, found) else {
            return;
        };
        let guard = epoch_key(found.account.user.id);
        let shared = Arc::clone(self);
        let until = found.account_until;
        tokio::spawn(async move {
            if let Ok(ttl) = (until - shared.clock.now()).to_std() {
                // Without it the next replica asks the database.
                let _ = shared.redis.fill(&guard, &snapshot, &entries, ttl).await;
            }
        });
    }

    /// Removes what changed, and tells the other replicas. The future borrows nothing.
    pub(super) fn tell(
        self: &Arc<Self>,
        user: Uuid,
        change: Change<'_>,
    ) -> impl Future<Output = ()> + Send + 'static {
        let shared = Arc::clone(self);
        let sessions = match change {
            Change::Account => None,
            Change::Sessions(sessions) => Some(sessions.to_vec()),
        };
        let keys: Vec<Key> = match &sessions {
            None => vec![account_key(user)],
            Some(sessions) => sessions.iter().copied().map(session_key).collect(),
        };
        let message = Message {
            from: self.replica,
            at: self.clock.micros(),
            user,
            sessions,
        };
        async move {
            let message = serde_json::to_vec(&message).unwrap_or_default();
            let guard = epoch_key(user);
            let told = shared.redis.invalidate(&guard, &keys, &message).await;
            if told.is_err() {
                DEPENDENCY_FALLBACKS.inc(Fallback::InvalidationLost);
                shared.doubt();
            }
        }
    }

    /// Applies what other replicas tell.
    pub(super) async fn listen(&self, nearby: &Nearby) {
        self.redis
            .listen(|heard| match heard {
                Heard::Anew => {
                    nearby.forget_all();
                    INVALIDATIONS.inc(Invalidation::Everything);
                }
                Heard::Message(message) => self.apply(message, nearby),
            })
            .await;
    }

    fn apply(&self, message: &[u8], nearby: &Nearby) {
        let Ok(message) = serde_json::from_slice::<Message>(message) else {
            // Of a version that says more than this one understands: better to ask again.
            nearby.forget_all();
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
        nearby.forget(message.user, change);
        INVALIDATIONS.inc(kind);
        let passed = self.clock.micros() - message.at;
        let passed = u64::try_from(passed).unwrap_or_default();
        REVOCATION_PROPAGATION.observe((), std::time::Duration::from_micros(passed));
    }

    /// What was put into Redis before now is believed no more; it is gone when this has passed.
    fn doubt(&self) {
        let until = Instant::now() + BELIEVED.to_std().unwrap_or_default();
        *self.doubted() = Some(until);
    }

    fn is_doubted(&self) -> bool {
        self.doubted().is_some_and(|until| Instant::now() < until)
    }

    fn doubted(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.doubted_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
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

fn encode(session: Uuid, found: &Found) -> Option<[(Key, Vec<u8>); 2]> {
    let user = &found.account.user;
    let session_entry = SessionEntry {
        user: user.id,
        until: found.session_until.timestamp_micros(),
    };
    let account_entry = AccountEntry {
        until: found.account_until.timestamp_micros(),
        id: user.id,
        username: user.username.clone(),
        email: user.email.clone(),
        roles: user.roles.clone(),
        created_at: user.created_at.timestamp_micros(),
        updated_at: user.updated_at.timestamp_micros(),
        last_login_at: user.last_login_at.map(|at| at.timestamp_micros()),
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

/// What the snapshot says, if all of it is there, belongs together and is still believed. An entry
/// of another version of the service that does not read as one of this is as good as none.
fn decode(snapshot: &Snapshot, user: Uuid, now: DateTime<Utc>) -> Option<Found> {
    let [Some(session), Some(account)] = snapshot.values.as_slice() else {
        return None;
    };
    let session: SessionEntry = serde_json::from_slice(session).ok()?;
    let account: AccountEntry = serde_json::from_slice(account).ok()?;
    if session.user != user || account.id != user {
        return None;
    }
    // However another machine's clock goes, nothing is believed for longer than by our own.
    let until = |micros| Some(DateTime::from_timestamp_micros(micros)?.min(now + BELIEVED));
    let (session_until, account_until) = (until(session.until)?, until(account.until)?);
    if session_until <= now || account_until <= now {
        return None;
    }
    let last_login_at = match account.last_login_at {
        Some(at) => Some(DateTime::from_timestamp_micros(at)?),
        None => None,
    };
    let user = User {
        id: account.id,
        username: account.username,
        email: account.email,
        // None but those that may act are cached.
        disabled: false,
        roles: account.roles,
        created_at: DateTime::from_timestamp_micros(account.created_at)?,
        updated_at: DateTime::from_timestamp_micros(account.updated_at)?,
        last_login_at,
    };
    Some(Found {
        account: Account::of(user),
        session_until,
        account_until,
    })
}
