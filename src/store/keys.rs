//! Signing keys. Their private parts arrive encrypted.

use super::rows::from_row;
use chrono::{DateTime, Utc};

use super::{Store, Tx, execute, fetch_all, sql};
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
    /// Since when it verifies and is published.
    pub published_at: DateTime<Utc>,
    /// Since when it signs, unless a later key does.
    pub active_at: DateTime<Utc>,
    /// From when it verifies nothing; `None` if it has no successor yet.
    pub retire_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

from_row!(StoredKey {
    kid,
    algorithm,
    sealed_private_key,
    published_at,
    active_at,
    retire_at,
    revoked_at
});

impl Store {
    /// The keys that will sign, sign or still verify, the first published one first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn signing_keys(&self, now: DateTime<Utc>) -> Result<Vec<StoredKey>> {
        let mut conn = self.reader().await?;
        fetch_all!(conn, sql::SIGNING_KEYS => StoredKey, now)
    }

    /// Every stored key, the first published one first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn stored_signing_keys(&self) -> Result<Vec<StoredKey>> {
        let mut conn = self.reader().await?;
        fetch_all!(conn, sql::STORED_SIGNING_KEYS => StoredKey)
    }
}

impl Tx {
    /// Every stored key. No other transaction that asks for this changes them until this one ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lock_signing_keys(&mut self) -> Result<Vec<StoredKey>> {
        execute!(self.conn, sql::LOCK_SIGNING_KEYS)?;
        fetch_all!(self.conn, sql::STORED_SIGNING_KEYS => StoredKey)
    }

    /// Adds a key, which is not retired or revoked.
    ///
    /// # Errors
    /// When the database does not answer or has a key with this id.
    pub async fn insert_signing_key(&mut self, key: &StoredKey) -> Result<()> {
        execute!(
            self.conn,
            sql::INSERT_SIGNING_KEY,
            &key.kid,
            &key.algorithm,
            &key.sealed_private_key,
            key.published_at,
            key.active_at,
        )?;
        Ok(())
    }

    /// Retires a key at this time, unless it retires earlier. Returns whether this changed it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn retire_signing_key(&mut self, kid: &str, at: DateTime<Utc>) -> Result<bool> {
        Ok(execute!(self.conn, sql::RETIRE_SIGNING_KEY, kid, at)? > 0)
    }

    /// Revokes a key. Returns whether this changed it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn revoke_signing_key(&mut self, kid: &str, at: DateTime<Utc>) -> Result<bool> {
        Ok(execute!(self.conn, sql::REVOKE_SIGNING_KEY, kid, at)? > 0)
    }

    /// Replaces the encrypted form of a private key.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn reseal_signing_key(&mut self, kid: &str, sealed: &[u8]) -> Result<()> {
        execute!(self.conn, sql::RESEAL_SIGNING_KEY, kid, sealed)?;
        Ok(())
    }

    /// Deletes a key for good.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn delete_signing_key(&mut self, kid: &str) -> Result<()> {
        execute!(self.conn, sql::DELETE_SIGNING_KEY, kid)?;
        Ok(())
    }
}
