//! The stored keys as they are, for commands: these work although a key cannot be decrypted.

use chrono::{DateTime, Utc};

use super::life::{KeyPhase, signing, verifies};
use crate::error::Result;
use crate::secrets::Seals;
use crate::store::{Store, StoredKey};

/// A stored key, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyListing {
    /// Its id.
    pub kid: String,
    /// The algorithm's JOSE name.
    pub algorithm: String,
    /// Where in its life it is.
    pub phase: KeyPhase,
    /// Since when it is published.
    pub published_at: DateTime<Utc>,
    /// Since when it signs, or did.
    pub active_at: DateTime<Utc>,
    /// From when it verifies nothing.
    pub retire_at: Option<DateTime<Utc>>,
    /// The id of the secret that decrypts it; `None` if no configured one does.
    pub secret: Option<String>,
}

/// Every stored key, the first published one first. Without secrets none can be decrypted.
///
/// # Errors
/// When the database does not answer.
pub async fn list_keys(
    store: &Store,
    seals: Option<&Seals>,
    now: DateTime<Utc>,
) -> Result<Vec<KeyListing>> {
    let stored = store.stored_signing_keys().await?;
    let signs = signing(&stored, |key| key, now).map(|key| key.kid.clone());
    let listing = |key: StoredKey| KeyListing {
        phase: KeyPhase::of(&key, signs.as_deref(), now),
        secret: secret_of(&key, seals),
        kid: key.kid,
        algorithm: key.algorithm,
        published_at: key.published_at,
        active_at: key.active_at,
        retire_at: key.retire_at,
    };
    Ok(stored.into_iter().map(listing).collect())
}

fn secret_of(key: &StoredKey, seals: Option<&Seals>) -> Option<String> {
    let opened = seals?.open(key.kid.as_bytes(), &key.sealed_private_key)?;
    Some(opened.secret.to_owned())
}

/// Encrypts every stored key with the first secret. Returns the ids of those that changed, and of those that
/// still verify and that no secret decrypts.
///
/// # Errors
/// When the database does not answer.
pub async fn reseal_keys(
    store: &Store,
    seals: &Seals,
    now: DateTime<Utc>,
) -> Result<(Vec<String>, Vec<String>)> {
    let mut tx = store.transaction().await?;
    let resealed = async {
        let (mut changed, mut unreadable) = (Vec::new(), Vec::new());
        for key in tx.lock_signing_keys().await? {
            let kid = key.kid.as_bytes();
            match seals.open(kid, &key.sealed_private_key) {
                Some(opened) if opened.secret != seals.secret() => {
                    let sealed = seals.seal(kid, &opened.plain)?;
                    tx.reseal_signing_key(&key.kid, &sealed).await?;
                    changed.push(key.kid);
                }
                None if verifies(&key, now) => unreadable.push(key.kid),
                _ => {}
            }
        }
        Ok((changed, unreadable))
    };
    let resealed = resealed.await;
    tx.finish(resealed).await
}

/// Deletes the keys that no secret decrypts: the last resort when a secret is lost. Returns their ids.
///
/// # Errors
/// When the database does not answer.
pub async fn discard_unreadable_keys(store: &Store, seals: Option<&Seals>) -> Result<Vec<String>> {
    let mut tx = store.transaction().await?;
    let discarded = async {
        let mut discarded = Vec::new();
        for key in tx.lock_signing_keys().await? {
            if secret_of(&key, seals).is_none() {
                tx.delete_signing_key(&key.kid).await?;
                discarded.push(key.kid);
            }
        }
        Ok(discarded)
    };
    let discarded = discarded.await;
    tx.finish(discarded).await
}
