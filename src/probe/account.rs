//! The account of the synthetic probe.
//!
//! It can only do the journey. Its name and address cannot be registered, because both break the rules;
//! it has no role; and only requests with this process's probe mark may use it: all others get the
//! response for unknown accounts.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::error::Result;
use crate::hashing::{HashGate, Password};
use crate::sessions::PROBE_ACCOUNT;
use crate::store::{NewUser, Store};

/// A username that cannot be registered, because of its first character.
pub const USERNAME: &str = "_canary";
/// An address that cannot be registered, because of its quotes, and that gets no mail (RFC 2606).
const EMAIL: &str = "\"canary\"@rbac-sentinel.invalid";

/// The probe's account.
pub struct ProbeAccount {
    store: Store,
    hashing: HashGate,
    clock: Clock,
    password: Zeroizing<String>,
}

impl ProbeAccount {
    /// The account in this store. Its password comes from the service's secret, so it is the same on
    /// every replica.
    #[must_use]
    pub fn new(store: Store, hashing: HashGate, clock: Clock, key: &[u8; 32]) -> Self {
        Self {
            store,
            hashing,
            clock,
            password: password(key),
        }
    }

    /// Its password.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Creates the account if there is none.
    ///
    /// # Errors
    /// [`crate::error::Error::Overloaded`], and when the database does not answer.
    pub async fn ensure(&self) -> Result<()> {
        if self.store.credentials_of(PROBE_ACCOUNT).await?.is_some() {
            return Ok(());
        }
        let account = NewUser {
            id: PROBE_ACCOUNT,
            username: USERNAME.to_owned(),
            email: EMAIL.to_owned(),
            password_hash: self.hash().await?,
            roles: Vec::new(),
            by: None,
            at: self.clock.now(),
            initial_password_until: None,
        };
        let mut tx = self.store.transaction().await?;
        let made = tx.insert_user(&account).await;
        match tx.finish(made).await {
            Ok(_) => Ok(()),
            // Another replica created it first.
            Err(_) if self.store.credentials_of(PROBE_ACCOUNT).await?.is_some() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Sets the account's password again: the secret that it comes from may have changed.
    ///
    /// # Errors
    /// As [`ProbeAccount::ensure`].
    pub async fn renew(&self) -> Result<()> {
        let Some(stored) = self.store.credentials_of(PROBE_ACCOUNT).await? else {
            return self.ensure().await;
        };
        let (old, at) = (stored.password_hash, self.clock.now());
        let new = self.hash().await?;
        // Another replica has stored a hash of the same password first.
        let mut tx = self.store.transaction().await?;
        let changed = tx.change_password(PROBE_ACCOUNT, &old, &new, at).await;
        tx.finish(changed).await?;
        Ok(())
    }

    async fn hash(&self) -> Result<String> {
        let password = Password::new(self.password());
        Ok(self.hashing.hash(password).await?)
    }
}

/// The account's password with this key, which is derived from the service's secret for it.
#[must_use]
pub fn password(key: &[u8; 32]) -> Zeroizing<String> {
    Zeroizing::new(URL_SAFE_NO_PAD.encode(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::validation::{check_username, stored_form};

    #[test]
    fn probe_name_and_address_cannot_be_registered() {
        assert!(check_username(USERNAME).is_err());
        assert!(stored_form(EMAIL).is_err());
    }

    #[test]
    fn probe_password_follows_from_its_key_alone() {
        assert_eq!(password(&[1; 32]), password(&[1; 32]));
        assert_ne!(password(&[1; 32]), password(&[2; 32]));
        // 256 bits, and not a prefix of anything that is stored.
        assert_eq!(password(&[1; 32]).len(), 43);
    }
}
