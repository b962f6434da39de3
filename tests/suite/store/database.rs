//! A database for one contract, and helpers that fill it.

use std::path::Path;
use std::pin::Pin;
use std::sync::OnceLock;

use chrono::{DateTime, TimeDelta, Utc};
use rbac_sentinel::testing::metrics::MetricsHandle;
use rbac_sentinel::testing::rbac::Scope;
use rbac_sentinel::testing::store::{NewSession, NewUser, Rotation, RotationRequest, Store, User};
use tempfile::TempDir;
use uuid::Uuid;

use super::one_change::OneChange;

/// A stand-in for a password hash: the store never parses it.
pub const HASH: &str = "$argon2id$a-hash";

/// The recorder of this process. Statements keep the handles of their first use, so the recorder must
/// be set before a database is opened.
pub fn recorder() -> &'static MetricsHandle {
    static RECORDER: OnceLock<MetricsHandle> = OnceLock::new();
    RECORDER.get_or_init(|| {
        rbac_sentinel::testing::telemetry::install_recorder().expect("this is the only recorder")
    })
}

type Opened<'a> = Pin<Box<dyn Future<Output = Store> + 'a>>;
/// Opens the database that belongs to a folder.
pub type Open = for<'a> fn(&'a Path) -> Opened<'a>;

/// An empty database, which is removed after the contract.
pub struct Database {
    pub store: Store,
    folder: TempDir,
    open: Open,
}

impl Database {
    pub async fn new(open: Open) -> Self {
        recorder();
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(folder.path()).await;
        Self {
            store,
            folder,
            open,
        }
    }

    /// Closes the database and opens it again.
    pub async fn reopen(&self) -> Store {
        self.store.close().await;
        (self.open)(self.folder.path()).await
    }

    /// The database as two processes have it open, such as the service and its command line.
    pub async fn shared(&self) -> [Store; 2] {
        let other = (self.open)(self.folder.path()).await;
        [self.store.clone(), other]
    }

    /// A new account that holds the role `user`.
    pub async fn user(&self, name: &str) -> User {
        let new = new_user(name);
        self.store.insert_user(&new).await.expect("made")
    }

    /// A new account that holds the role `admin`.
    pub async fn admin(&self, name: &str) -> User {
        let mut new = new_user(name);
        new.roles = vec!["admin".to_owned()];
        self.store.insert_user(&new).await.expect("made")
    }

    /// A session of the account that started at `at`, and the hash of its token.
    pub async fn session(&self, user: &User, at: DateTime<Utc>) -> NewSession {
        self.session_within(user, at, Scope::EVERYTHING).await
    }

    /// The same with a scope.
    pub async fn session_within(&self, user: &User, at: DateTime<Utc>, scope: Scope) -> NewSession {
        let new = NewSession {
            scope,
            ..new_session(user, at)
        };
        let started = self.store.start_session(&new, HASH, None).await;
        assert!(started.expect("asked"), "not started");
        new
    }

    /// A new signing key.
    pub async fn signing_key(&self, kid: &str, at: DateTime<Utc>) {
        let mut tx = self.store.transaction().await.expect("begun");
        tx.lock_signing_keys().await.expect("locked");
        let key = super::keys::key(kid, at);
        tx.insert_signing_key(&key).await.expect("added");
        tx.commit().await.expect("stored");
    }

    /// Retires a signing key. Returns whether that changed it.
    pub async fn retire_signing_key(&self, kid: &str, at: DateTime<Utc>) -> bool {
        let mut tx = self.store.transaction().await.expect("begun");
        let retired = tx.retire_signing_key(kid, at).await.expect("asked");
        tx.commit().await.expect("stored");
        retired
    }

    pub async fn rotate(&self, request: &RotationRequest) -> Rotation {
        self.store.rotate(request).await.expect("asked")
    }

    /// Notes a use of the generation's access token.
    pub async fn use_generation(&self, session: &NewSession, generation: i64, at: DateTime<Utc>) {
        let noted = self.store.mark_used(session.id, generation, at).await;
        noted.expect("noted");
    }

    /// Whether the session is active.
    pub async fn lives(&self, session: &NewSession, at: DateTime<Utc>) -> bool {
        let principal = self.store.principal(session.id, at).await.expect("asked");
        let listed = self.store.sessions(session.user, at).await.expect("asked");
        let listed = listed.iter().any(|listed| listed.id == session.id);
        assert_eq!(principal.is_some(), listed, "the two must agree");
        listed
    }
}

/// Seconds after the start of every contract.
pub fn at(seconds: i64) -> DateTime<Utc> {
    moment(seconds * 1_000_000)
}

/// Microseconds after the start of every contract.
pub fn moment(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_767_225_600_000_000 + micros).expect("a time")
}

/// An account to be created, with the address `NAME@example.com`.
pub fn new_user(name: &str) -> NewUser {
    NewUser {
        id: Uuid::now_v7(),
        username: name.to_owned(),
        email: format!("{name}@example.com"),
        password_hash: HASH.to_owned(),
        roles: vec!["user".to_owned()],
        by: None,
        at: at(0),
        initial_password_until: None,
    }
}

/// A session of 100 seconds that expires after 10 without a refresh.
pub fn new_session(user: &User, at: DateTime<Utc>) -> NewSession {
    NewSession {
        id: Uuid::now_v7(),
        user: user.id,
        token_hash: token(),
        user_agent: "a browser".to_owned(),
        at,
        idle_expires_at: at + TimeDelta::seconds(10),
        expires_at: at + TimeDelta::seconds(100),
        scope: Scope::EVERYTHING,
    }
}

/// The hash of a new token.
pub fn token() -> [u8; 32] {
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(Uuid::now_v7().as_bytes());
    hash
}

/// A rotation with 10 idle seconds and 5 of grace; the sealed successor is the next hash itself.
pub fn rotation(presented: [u8; 32], at: DateTime<Utc>) -> RotationRequest {
    let next = token();
    RotationRequest {
        presented,
        next,
        sealed_next: next.to_vec(),
        at,
        idle_ttl: TimeDelta::seconds(10),
        grace: TimeDelta::seconds(5),
        client: [1; 16],
        scope: Scope::EVERYTHING,
    }
}
