//! The keys of one reading of the database, opened.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::key::Key;
use super::life::{KeyPhase, signing, verifies};
use crate::clock::epoch_seconds;
use crate::error::Result;
use crate::metrics::{KeyState, SIGNING_KEY_CREATED, SIGNING_KEYS};
use crate::secrets::Seals;
use crate::store::StoredKey;

/// The id of the shared key in tokens of versions that did not store it.
const OLD_SHARED_KID: &str = "hs256";

/// A stored key, opened.
pub(in crate::tokens) struct KnownKey {
    pub(super) stored: StoredKey,
    pub key: Arc<Key>,
}

impl KnownKey {
    /// The key's id.
    pub fn kid(&self) -> &str {
        &self.stored.kid
    }
}

/// The keys of one reading. What each may do follows from the clock at every use.
#[derive(Default)]
pub(in crate::tokens) struct Keyring {
    /// The first published one first.
    keys: Vec<KnownKey>,
    /// Those that no secret decrypts.
    unreadable: Vec<StoredKey>,
    /// Advances whenever a key is missing in a new reading: tokens that were verified in an earlier epoch
    /// are verified again.
    pub epoch: u64,
}

impl Keyring {
    /// The keyring of these stored keys. Keys that this one knows are not opened again: they stay usable
    /// when another replica has encrypted them with a secret that this one lacks.
    ///
    /// # Errors
    /// When a decrypted key is none.
    pub(super) fn read(&self, stored: Vec<StoredKey>, seals: &Seals) -> Result<Self> {
        let mut read = Self::default();
        for stored in stored {
            let kid = stored.kid.as_bytes();
            let known = self.by_kid(&stored.kid);
            let key = if let Some(known) = known {
                Arc::clone(&known.key)
            } else if let Some(opened) = seals.open(kid, &stored.sealed_private_key) {
                let key = Key::open(&stored.kid, &stored.algorithm, &opened.plain)?;
                Arc::new(key)
            } else {
                read.unreadable.push(stored);
                continue;
            };
            read.keys.push(KnownKey { stored, key });
        }
        let missing = self.missing_in(&read).next().is_some();
        read.epoch = self.epoch + u64::from(missing);
        Ok(read)
    }

    /// The keys that another reading lacks.
    pub(super) fn missing_in(&self, other: &Self) -> impl Iterator<Item = &KnownKey> {
        let missing = |key: &&KnownKey| other.by_kid(key.kid()).is_none();
        self.keys.iter().filter(missing)
    }

    /// The ids of the keys that no secret decrypts.
    pub(super) fn unreadable(&self) -> Vec<&str> {
        let kids = self.unreadable.iter().map(|key| key.kid.as_str());
        kids.collect()
    }

    fn by_kid(&self, kid: &str) -> Option<&KnownKey> {
        self.keys.iter().find(|key| key.kid() == kid)
    }

    /// Whether these are the ids of the keys that verify.
    pub(super) fn consists_of<'a>(
        &self,
        kids: impl Iterator<Item = &'a str>,
        now: DateTime<Utc>,
    ) -> bool {
        let mut kids: Vec<_> = kids.collect();
        let verifying = self.keys.iter().filter(|key| verifies(&key.stored, now));
        let mut own: Vec<_> = verifying.map(KnownKey::kid).collect();
        kids.sort_unstable();
        own.sort_unstable();
        kids == own
    }

    /// The key that signs.
    pub fn signing(&self, now: DateTime<Utc>) -> Option<&KnownKey> {
        signing(&self.keys, |key| &key.stored, now)
    }

    /// The key without a successor.
    pub(super) fn newest(&self, now: DateTime<Utc>) -> Option<&KnownKey> {
        let without =
            |key: &&KnownKey| key.stored.retire_at.is_none() && verifies(&key.stored, now);
        let keys = self.keys.iter().filter(without);
        keys.max_by_key(|key| key.stored.active_at)
    }

    /// The key that verifies a token with this key id.
    pub fn verifying(&self, kid: &str, now: DateTime<Utc>) -> Option<&Key> {
        let found = match self.by_kid(kid) {
            None if kid == OLD_SHARED_KID => {
                let mut newest_first = self.keys.iter().rev();
                newest_first.find(|key| key.key.public.is_none())
            }
            found => found,
        };
        let found = found.filter(|key| verifies(&key.stored, now));
        found.map(|found| &*found.key)
    }

    /// The public keys (RFC 7517), also those that will sign. A shared key is not published.
    pub fn jwks(&self, now: DateTime<Utc>) -> Vec<Value> {
        let verifying = self.keys.iter().filter(|key| verifies(&key.stored, now));
        verifying.filter_map(|key| key.key.public.clone()).collect()
    }

    /// Sets the gauges.
    #[expect(clippy::cast_precision_loss, reason = "there are few keys")]
    pub(super) fn observe(&self, now: DateTime<Utc>) {
        let signing = self.signing(now).map(KnownKey::kid);
        for state in KeyState::ALL {
            let phase = match state {
                KeyState::Published => Some(KeyPhase::Published),
                KeyState::Active => Some(KeyPhase::Active),
                KeyState::Retiring => Some(KeyPhase::Retiring),
                KeyState::Unreadable => None,
            };
            let known = self.keys.iter().map(|key| &key.stored);
            let keys: Vec<_> = match phase {
                Some(phase) => known
                    .filter(|key| KeyPhase::of(key, signing, now) == phase)
                    .collect(),
                None => self.unreadable.iter().collect(),
            };
            SIGNING_KEYS.set(*state, keys.len() as f64);
            let oldest = keys.iter().map(|key| key.published_at).min();
            SIGNING_KEY_CREATED.set(*state, oldest.map_or(0.0, epoch_seconds));
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::config::SigningAlgorithm;
    use crate::secrets::{Purpose, Secrets};
    use crate::tokens::keys::key::NewKey;

    const T: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn seals(secret: &str) -> Seals {
        let secrets = Secrets::of(&[("test", secret)]).expect("one");
        secrets.seals(Purpose::SigningKeys).expect("derives")
    }

    fn stored(seals: &Seals, retire_after: Option<i64>) -> StoredKey {
        let new = NewKey::generate(SigningAlgorithm::EdDsa).expect("generates");
        let sealed = seals.seal(new.kid.as_bytes(), &new.private);
        StoredKey {
            sealed_private_key: sealed.expect("seals"),
            kid: new.kid,
            algorithm: new.algorithm.to_owned(),
            published_at: T,
            active_at: T,
            retire_at: retire_after.map(|seconds| T + TimeDelta::seconds(seconds)),
            revoked_at: None,
        }
    }

    #[test]
    fn missing_key_advances_the_epoch_and_new_ones_do_not() {
        let seals = seals("one");
        let (a, b) = (stored(&seals, None), stored(&seals, None));
        let none = Keyring::default();
        let one = none.read(vec![a.clone()], &seals).expect("reads");
        let two = one.read(vec![a.clone(), b.clone()], &seals).expect("reads");
        assert_eq!((one.epoch, two.epoch), (0, 0));
        let left = two.read(vec![b], &seals).expect("reads");
        assert_eq!(left.epoch, 1);
        let missing: Vec<_> = two.missing_in(&left).map(KnownKey::kid).collect();
        assert_eq!(missing, [a.kid]);
    }

    #[test]
    fn known_key_stays_usable_under_a_secret_that_is_not_known_here() {
        let (old, new) = (seals("old"), seals("new"));
        let key = stored(&old, None);
        let known = Keyring::default()
            .read(vec![key.clone()], &old)
            .expect("reads");
        let (mut resealed, other) = (key.clone(), stored(&new, None));
        resealed.sealed_private_key = b"sealed with another secret".to_vec();
        let read = known
            .read(vec![resealed, other.clone()], &old)
            .expect("reads");
        assert!(read.verifying(&key.kid, T).is_some());
        assert!(read.verifying(&other.kid, T).is_none());
        assert_eq!(read.unreadable(), [other.kid]);
    }

    #[test]
    fn key_set_and_verification_follow_the_clock() {
        let seals = seals("one");
        let (old, new) = (stored(&seals, Some(60)), stored(&seals, None));
        let keys = Keyring::default()
            .read(vec![old.clone(), new], &seals)
            .expect("reads");
        let just_before = T + TimeDelta::microseconds(59_999_999);
        assert_eq!(keys.jwks(just_before).len(), 2);
        assert!(keys.verifying(&old.kid, just_before).is_some());
        let end = T + TimeDelta::seconds(60);
        assert_eq!(keys.jwks(end).len(), 1);
        assert!(keys.verifying(&old.kid, end).is_none());
    }
}
