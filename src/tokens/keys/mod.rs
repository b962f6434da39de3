//! Signing keys. A key is published, signs from when every cached key set and every replica has seen it,
//! and verifies until the tokens that it signed have expired. Every replica reads the keys anew every few
//! seconds, so they change while it runs.

mod changes;
mod key;
mod keyring;
mod life;
mod stored;
#[cfg(test)]
pub(super) mod tests;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

pub use self::changes::KeyChange;
use self::changes::Occasion;
pub(super) use self::keyring::Keyring;
use self::keyring::KnownKey;
pub use self::life::KeyPhase;
use self::life::verifies;
pub use self::stored::{discard_unreadable_keys, list_keys, reseal_keys};
use crate::clock::{Clock, epoch_seconds};
use crate::config::{Secret, SigningAlgorithm};
use crate::error::{Error, Result};
use crate::events::names;
use crate::metrics::{KeyReload, SIGNING_KEY_RELOADS, SIGNING_KEYS_LAST_RELOAD};
use crate::secrets::Seals;
use crate::store::Store;

/// How often every replica reads the keys.
pub const RELOAD_INTERVAL: Duration = Duration::from_secs(2);
/// How long after its publication every replica has read a key.
const SEEN_BY_REPLICAS: TimeDelta = TimeDelta::seconds(6);
/// How long a key verifies after its successor signs: longer than any access token lives, and their clocks
/// may differ.
const LONGEST_TOKEN: TimeDelta = TimeDelta::minutes(31);
/// The least interval between readings because of unknown key ids, which strangers can send.
const UNKNOWN_INTERVAL: Duration = Duration::from_secs(1);
/// How long a request waits for such a reading.
const UNKNOWN_WAIT: Duration = Duration::from_secs(1);

/// How keys are made and changed.
#[derive(Clone, Debug)]
pub struct KeyOptions {
    /// The algorithm of new keys; `None` keeps that of the key that signs.
    pub algorithm: Option<SigningAlgorithm>,
    /// The key for HS256.
    pub hs256_key: Option<Secret>,
    /// How long others may cache the published keys.
    pub max_age: TimeDelta,
    /// The age at which a key is replaced; `None` for never.
    pub rotation: Option<TimeDelta>,
}

impl KeyOptions {
    /// The algorithm of a key that replaces another, or of the first.
    fn new_algorithm(&self) -> SigningAlgorithm {
        self.algorithm.unwrap_or(SigningAlgorithm::Es256)
    }

    /// The key of HS256, if that is the algorithm of new keys.
    fn shared_key(&self) -> Option<&Secret> {
        let shared = self.algorithm == Some(SigningAlgorithm::Hs256);
        self.hs256_key.as_ref().filter(|_| shared)
    }

    /// How long a key is published before it signs.
    fn lead(&self) -> TimeDelta {
        self.max_age + SEEN_BY_REPLICAS
    }
}

/// The signing keys of the service.
pub struct Keys {
    store: Store,
    seals: Seals,
    options: KeyOptions,
    clock: Clock,
    current: ArcSwap<Keyring>,
    /// Locked while they are read, so that an older reading never replaces a newer one.
    reading: Mutex<Readings>,
}

/// When keys were last read.
#[derive(Default)]
struct Readings {
    began: Option<Instant>,
    for_unknown: Option<Instant>,
}

impl Keys {
    /// Opens every stored key that still verifies, and only then adds one if there is none or another
    /// algorithm is configured.
    ///
    /// # Errors
    /// When the database does not answer, or a key cannot be decrypted: the text says what to do.
    pub async fn open(
        store: Store,
        seals: Seals,
        options: KeyOptions,
        clock: Clock,
    ) -> Result<Self> {
        let keys = Self {
            store,
            seals,
            options,
            clock,
            current: ArcSwap::from_pointee(Keyring::default()),
            reading: Mutex::default(),
        };
        keys.read().await?;
        keys.refuse_unreadable()?;
        keys.ensure(Occasion::Start).await?;
        Ok(keys)
    }

    /// # Errors
    /// When a stored key cannot be decrypted.
    fn refuse_unreadable(&self) -> Result<()> {
        let current = self.current();
        let kids = current.unreadable();
        if kids.is_empty() {
            return Ok(());
        }
        Err(Error::internal(format!(
            "signing key {} cannot be decrypted: SECRET_KEY (or SECRET_KEYS, or DATA_DIR/secret.key) is not \
             the one that encrypted it. Set that one again, or add it behind the new one in SECRET_KEYS. \
             Nothing was changed. If it is lost, `rbac-sentinel keys discard-unreadable` deletes the keys \
             that cannot be decrypted; access tokens signed with them are then refused",
            kids.join(", ")
        )))
    }

    /// The keys as last read.
    pub(super) fn current(&self) -> Guard<Arc<Keyring>> {
        self.current.load()
    }

    /// How long others may cache the published keys, in seconds.
    #[must_use]
    pub const fn max_age_seconds(&self) -> i64 {
        self.options.max_age.num_seconds()
    }

    /// The clock.
    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Reads the keys anew, and adds one if none is left or the newest has reached the age for its
    /// replacement. On an error the keys of the last reading stay in use.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn reload(&self) -> Result<()> {
        let reloaded = self.reload_and_ensure().await;
        SIGNING_KEY_RELOADS.inc(match &reloaded {
            Ok(()) => KeyReload::Done,
            Err(_) => KeyReload::Failed,
        });
        reloaded
    }

    async fn reload_and_ensure(&self) -> Result<()> {
        self.read().await?;
        let now = self.clock.now();
        SIGNING_KEYS_LAST_RELOAD.set((), epoch_seconds(now));
        // A key that this replica cannot decrypt is somebody's newest.
        if self.current().unreadable().is_empty() {
            self.ensure(Occasion::Reload).await?;
        }
        Ok(())
    }

    /// Reads the keys because a token names one that is unknown: another replica may have added it just
    /// now. At most once a second. Returns whether they were read since the call.
    pub(super) async fn reload_for_unknown(&self) -> bool {
        let called = Instant::now();
        let reading = async {
            let mut readings = self.reading.lock().await;
            if readings.began.is_some_and(|began| began >= called) {
                return true;
            }
            let last = readings.for_unknown;
            if last.is_some_and(|last| last.elapsed() < UNKNOWN_INTERVAL) {
                return false;
            }
            readings.for_unknown = Some(called);
            self.read_locked(&mut readings).await.is_ok()
        };
        tokio::time::timeout(UNKNOWN_WAIT, reading).await == Ok(true)
    }

    async fn read(&self) -> Result<()> {
        self.read_locked(&mut *self.reading.lock().await).await
    }

    /// Reads the stored keys, uses them, and logs what changed.
    async fn read_locked(&self, readings: &mut Readings) -> Result<()> {
        readings.began = Some(Instant::now());
        let now = self.clock.now();
        let stored = self.store.signing_keys(now).await?;
        let before = self.current.load_full();
        let read = Arc::new(before.read(stored, &self.seals)?);
        self.current.store(Arc::clone(&read));
        for kid in read.unreadable() {
            if !before.unreadable().contains(&kid) {
                tracing::error!(
                    event = names::KEY_UNREADABLE,
                    kid,
                    "no secret of this replica decrypts a stored signing key: tokens signed with it will be \
                     refused"
                );
            }
        }
        for key in read.missing_in(&before) {
            tracing::info!(
                event = names::KEY_PUBLISHED,
                kid = key.kid(),
                "signing key in use"
            );
        }
        for key in before.missing_in(&read) {
            if verifies(&key.stored, now) {
                tracing::warn!(
                    event = names::KEY_REVOKED,
                    kid = key.kid(),
                    "signing key revoked"
                );
            }
        }
        Ok(())
    }

    /// The public keys (RFC 7517), also those that will sign. Empty with HS256: a shared key is not
    /// published.
    #[must_use]
    pub fn jwks(&self) -> Vec<Value> {
        self.current().jwks(self.clock.now())
    }

    /// Sets the gauges. Called before each scrape.
    pub fn observe(&self) {
        self.current().observe(self.clock.now());
    }

    /// Whether this key without a successor reaches the age for its replacement before a new one could sign.
    fn is_due(&self, newest: &KnownKey, now: DateTime<Utc>) -> bool {
        self.options.rotation.is_some_and(|age| {
            let ahead = age - self.options.lead();
            let due = newest.stored.active_at.checked_add_signed(ahead);
            due.is_some_and(|due| due <= now)
        })
    }
}
