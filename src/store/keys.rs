//! Signing keys, sealed.

use chrono::{DateTime, Utc};

use super::{Store, execute, fetch_all, sql};
use crate::error::Result;

/// A signing key as the database holds it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct StoredKey {
    /// The key's id.
    pub kid: String,
    /// The algorithm's JOSE name.
    pub algorithm: String,
    /// The private key, encrypted.
    pub sealed_private_key: Vec<u8>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when it still verifies, if it no longer signs.
    pub retired_at: Option<DateTime<Utc>>,
}

impl Store {
    /// The keys that sign or still verify, the oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn signing_keys(&self, now: DateTime<Utc>) -> Result<Vec<StoredKey>> {
        let mut conn = self.reader().await?;
        fetch_all!(conn, sql::SIGNING_KEYS => StoredKey, now)
    }

    /// Adds a key that signs from now on; the others verify until `others_until`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn add_signing_key(
        &self,
        key: &StoredKey,
        others_until: DateTime<Utc>,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(
            tx,
            sql::INSERT_SIGNING_KEY,
            &key.kid,
            &key.algorithm,
            &key.sealed_private_key,
            key.created_at,
        )?;
        execute!(tx, sql::RETIRE_SIGNING_KEYS, &key.kid, others_until)?;
        tx.commit().await
    }
}
