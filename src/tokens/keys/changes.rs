//! Changes of the stored keys: each locks them, decides, and writes in one transaction.

use chrono::{DateTime, Utc};

use super::key::{NewKey, jose_name};
use super::keyring::Keyring;
use super::life::{KeyPhase, signing, verifies};
use super::{Keys, LONGEST_TOKEN};
use crate::config::SigningAlgorithm;
use crate::error::{Error, Result};
use crate::events::names;
use crate::store::{StoredKey, Tx};

/// How often a change is tried again because another replica changed the keys first.
const ATTEMPTS: u32 = 3;

/// When keys are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// At the start: another configured algorithm replaces the key.
    Start,
    /// While the service runs. Replicas may differ in their configuration for a while: only the age of the
    /// key counts.
    Reload,
}

/// What became of a change that an operator asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// A key was published.
    Published {
        /// Its id.
        kid: String,
        /// When it signs.
        active_at: DateTime<Utc>,
    },
    /// The key ends at this time, because it has a successor or never signed.
    Ends(DateTime<Utc>),
    /// The key was revoked. If it signed, this new one does.
    Revoked(Option<String>),
    /// No stored key has this id.
    Unknown,
    /// The key has ended before.
    Ended,
    /// With HS256 the key is the one of `HS256_KEY`.
    SharedKey,
}

/// When a new key begins to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    /// At once, because no other does.
    Now,
    /// When everybody has seen it.
    WhenSeen,
}

impl Keys {
    /// Adds a key if none will sign, if the newest is due for replacement, or, at the start, if another
    /// algorithm is configured.
    pub(super) async fn ensure(&self, occasion: Occasion) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let now = self.clock.now();
            let known = self.current.load_full();
            let Some((new, begin)) = self.wanted(&known, occasion, now)? else {
                return Ok(());
            };
            let mut tx = self.store.transaction().await?;
            let added = self.add_to_known(&mut tx, &known, new, begin, now).await;
            tx.finish(added).await?;
            self.read().await?;
            // Another replica may have been first, with another secret.
            self.refuse_unreadable()?;
        }
        Err(Error::internal(
            "other replicas change the signing keys at the same time",
        ))
    }

    /// The key to add, and when it begins to sign.
    fn wanted(
        &self,
        known: &Keyring,
        occasion: Occasion,
        now: DateTime<Utc>,
    ) -> Result<Option<(NewKey, Begin)>> {
        let newest = known.newest(now);
        let begin = match known.signing(now) {
            None => Begin::Now,
            Some(_) => Begin::WhenSeen,
        };
        let starts = occasion == Occasion::Start;
        let algorithm = self.options.new_algorithm();
        if let Some(secret) = self.options.shared_key() {
            let key = NewKey::shared(secret)?;
            let wanted = newest.is_none_or(|newest| starts && newest.kid() != key.kid);
            return Ok(wanted.then_some((key, begin)));
        }
        let wanted = newest.is_none_or(|newest| {
            let shared = newest.key.public.is_none();
            let other = newest.key.algorithm_name() != jose_name(algorithm);
            let replaced = shared || (other && self.options.algorithm.is_some());
            (starts && replaced) || self.is_due(newest, now)
        });
        let new = wanted.then(|| NewKey::generate(algorithm)).transpose()?;
        Ok(new.map(|new| (new, begin)))
    }

    /// Adds a key, unless the stored keys are others than those known.
    async fn add_to_known(
        &self,
        tx: &mut Tx,
        known: &Keyring,
        new: NewKey,
        begin: Begin,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let stored = tx.lock_signing_keys().await?;
        let verifying = stored.iter().filter(|key| verifies(key, now));
        if known.consists_of(verifying.map(|key| key.kid.as_str()), now) {
            self.publish(tx, &stored, new, begin, now).await?;
        }
        Ok(())
    }

    /// Adds a key. The others retire when the tokens that they sign until then have expired.
    async fn publish(
        &self,
        tx: &mut Tx,
        stored: &[StoredKey],
        new: NewKey,
        begin: Begin,
        now: DateTime<Utc>,
    ) -> Result<(String, DateTime<Utc>)> {
        let active_at = match begin {
            Begin::Now => now,
            Begin::WhenSeen => now + self.options.lead(),
        };
        // Only a shared key can be there already.
        if let Some(same) = stored.iter().find(|key| key.kid == new.kid) {
            if same.revoked_at.is_some() {
                return Err(Error::internal(
                    "HS256_KEY is a key that was revoked: generate another one",
                ));
            }
            tx.delete_signing_key(&same.kid).await?;
        }
        let key = StoredKey {
            sealed_private_key: self.seals.seal(new.kid.as_bytes(), &new.private)?,
            kid: new.kid,
            algorithm: new.algorithm.to_owned(),
            published_at: now,
            active_at,
            retire_at: None,
            revoked_at: None,
        };
        tx.insert_signing_key(&key).await?;
        for other in stored.iter().filter(|other| other.kid != key.kid) {
            if verifies(other, now) {
                let until = active_at.max(other.active_at) + LONGEST_TOKEN;
                tx.retire_signing_key(&other.kid, until).await?;
            }
        }
        tracing::info!(
            event = names::KEY_CREATED,
            kid = key.kid,
            algorithm = key.algorithm,
            active_at = active_at.to_rfc3339(),
            "signing key created"
        );
        Ok((key.kid, active_at))
    }

    /// Publishes a new key, which signs when everybody has seen it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn rotate(&self) -> Result<KeyChange> {
        self.change(async |tx, stored, now| self.replace(tx, stored, now).await)
            .await
    }

    async fn replace(
        &self,
        tx: &mut Tx,
        stored: &[StoredKey],
        now: DateTime<Utc>,
    ) -> Result<KeyChange> {
        if self.options.shared_key().is_some() {
            return Ok(KeyChange::SharedKey);
        }
        let new = NewKey::generate(self.options.new_algorithm())?;
        let (kid, active_at) = self.publish(tx, stored, new, Begin::WhenSeen, now).await?;
        Ok(KeyChange::Published { kid, active_at })
    }

    /// Ends a key in good order: the one that signs gets a successor, one that has a successor already keeps
    /// its end, and one that has not signed yet ends at once.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn retire(&self, kid: &str) -> Result<KeyChange> {
        self.change(async |tx, stored, now| {
            let Some(key) = stored.iter().find(|key| key.kid == kid) else {
                return Ok(KeyChange::Unknown);
            };
            match phase(key, stored, now) {
                KeyPhase::Revoked | KeyPhase::Retired => Ok(KeyChange::Ended),
                KeyPhase::Published => {
                    tx.retire_signing_key(kid, now).await?;
                    Ok(KeyChange::Ends(now))
                }
                KeyPhase::Active | KeyPhase::Retiring => match key.retire_at {
                    Some(at) => Ok(KeyChange::Ends(at)),
                    None => self.replace(tx, stored, now).await,
                },
            }
        })
        .await
    }

    /// Revokes a key: it verifies nothing from now on, on every replica within seconds. If it signed, a new
    /// one does at once.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn revoke(&self, kid: &str) -> Result<KeyChange> {
        self.change(async |tx, stored, now| {
            let Some(key) = stored.iter().find(|key| key.kid == kid) else {
                return Ok(KeyChange::Unknown);
            };
            if !tx.revoke_signing_key(kid, now).await? {
                return Ok(KeyChange::Ended);
            }
            if phase(key, stored, now) != KeyPhase::Active {
                return Ok(KeyChange::Revoked(None));
            }
            let algorithm = match self.options.new_algorithm() {
                // HS256_KEY is the revoked key.
                SigningAlgorithm::Hs256 => SigningAlgorithm::Es256,
                other => other,
            };
            let new = NewKey::generate(algorithm)?;
            let others: Vec<_> = stored
                .iter()
                .filter(|key| key.kid != kid)
                .cloned()
                .collect();
            let (instead, _) = self.publish(tx, &others, new, Begin::Now, now).await?;
            Ok(KeyChange::Revoked(Some(instead)))
        })
        .await
    }

    async fn change(
        &self,
        change: impl AsyncFnOnce(&mut Tx, &[StoredKey], DateTime<Utc>) -> Result<KeyChange>,
    ) -> Result<KeyChange> {
        let now = self.clock.now();
        let mut tx = self.store.transaction().await?;
        let changed = match tx.lock_signing_keys().await {
            Ok(stored) => change(&mut tx, &stored, now).await,
            Err(error) => Err(error),
        };
        tx.finish(changed).await
    }
}

fn phase(key: &StoredKey, all: &[StoredKey], now: DateTime<Utc>) -> KeyPhase {
    let signs = signing(all, |key| key, now).map(|key| key.kid.as_str());
    KeyPhase::of(key, signs, now)
}
