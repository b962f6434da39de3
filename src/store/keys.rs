//! Signing keys. Their private parts arrive encrypted.

use super::rows::from_row;
use chrono::{DateTime, Utc};

use super::{Store, execute, fetch_all, sql};
use crate::error::Result;

/// A signing key as the database holds it.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// The key's id.
    pub kid: String,
    /// The algorithm's JOSE name.
    pub algorithm: String,
    /// The private key, encrypted.
    pub sealed_private_key: Vec<u8>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it stops verifying; `None` while it signs.
    pub retired_at: Option<DateTime<Utc>>,
}

from_row!(StoredKey {
    kid,
    algorithm,
    sealed_private_key,
    created_at,
    retired_at
});

impl Store {
    /// The keys that sign or still verify, the oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn signing_keys(&self, now: DateTime<Utc>) -> Result<Vec<StoredKey>> {
        let mut conn = self.reader().await?;
        fetch_all!(conn, sql::SIGNING_KEYS => StoredKey, now)
    }

    /// Adds a key unless one of its algorithm signs already: of several replicas that start at the
    /// same time one adds its key, and all use that. From then on the other keys do not sign, and
    /// verify until `others_until`. Returns whether the key was added.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ensure_signing_key(
        &self,
        key: &StoredKey,
        others_until: DateTime<Utc>,
    ) -> Result<bool> {
        let mut tx = self.transaction().await?;
        execute!(tx.conn, sql::LOCK_SIGNING_KEYS)?;
        let stored = fetch_all!(tx.conn, sql::SIGNING_KEYS => StoredKey, key.created_at)?;
        let signs =
            |stored: &StoredKey| stored.retired_at.is_none() && stored.algorithm == key.algorithm;
        if stored.iter().any(signs) {
            tx.rollback().await;
            return Ok(false);
        }
        execute!(
            tx.conn,
            sql::INSERT_SIGNING_KEY,
            &key.kid,
            &key.algorithm,
            &key.sealed_private_key,
            key.created_at,
        )?;
        execute!(tx.conn, sql::RETIRE_SIGNING_KEYS, &key.kid, others_until)?;
        tx.commit().await?;
        Ok(true)
    }
}
