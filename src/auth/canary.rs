//! The canary's account: what the service logs in to itself with, to see that users can.
//!
//! It can do nothing else. Nobody can register its name or address, for both break the rules; it has
//! no role; and it is there for requests alone that the canary of this very process makes. Anybody
//! else who knows its password is told what is said of accounts that do not exist.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Auth;
use super::password::Password;
use crate::error::Result;
use crate::request_context::is_synthetic;
use crate::store::NewUser;

/// The account's id, on every installation.
pub const ID: Uuid = Uuid::from_u128(0x6361_6e61_7279_7000_8000_0000_0000_0000);
/// A username that cannot be registered, because of its first character.
pub const USERNAME: &str = "_canary";
/// An address that cannot be registered, because of its quotes, and that gets no mail (RFC 2606).
const EMAIL: &str = "\"canary\"@rbac-sentinel.invalid";

/// Whether an account may act in the request that is being answered: the canary's in its own alone.
pub(super) fn may_act(user: Uuid) -> bool {
    user != ID || is_synthetic()
}

/// The account's password: the same on every replica, since it comes from their common secret.
#[must_use]
pub fn password(secret: &[u8]) -> Zeroizing<String> {
    let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let derived = hmac::sign(&secret, b"rbac-sentinel password of the canary");
    Zeroizing::new(URL_SAFE_NO_PAD.encode(derived))
}

impl Auth {
    /// The password of the canary's account.
    #[must_use]
    pub fn canary_password(&self) -> &str {
        &self.canary_password
    }

    /// Makes the canary's account if there is none.
    ///
    /// # Errors
    /// [`crate::error::Error::Overloaded`], and when the database does not answer.
    pub async fn ensure_canary(&self) -> Result<()> {
        if self.store.credentials_of(ID).await?.is_some() {
            return Ok(());
        }
        let account = NewUser {
            id: ID,
            username: USERNAME.to_owned(),
            email: EMAIL.to_owned(),
            password_hash: self
                .hash_new(&Password::new(self.canary_password()))
                .await?,
            roles: Vec::new(),
            by: None,
            at: self.clock.now(),
        };
        match self.store.insert_user(&account).await {
            Ok(_) => Ok(()),
            // Another replica was faster.
            Err(_) if self.store.credentials_of(ID).await?.is_some() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Gives the canary's account its password anew: the secret that it comes from may have changed.
    ///
    /// # Errors
    /// As [`Auth::ensure_canary`].
    pub async fn renew_canary(&self) -> Result<()> {
        let Some(stored) = self.store.credentials_of(ID).await? else {
            return self.ensure_canary().await;
        };
        let (old, at) = (stored.password_hash, self.clock.now());
        let new = self
            .hash_new(&Password::new(self.canary_password()))
            .await?;
        // Whose hash was faster does not matter: it is of the same password.
        self.store
            .change_password(ID, &old, &new, Uuid::nil(), at)
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::identity::{check_email, check_username};

    #[test]
    fn nobody_can_register_its_name_or_address() {
        assert!(check_username(USERNAME).is_err());
        assert!(check_email(EMAIL).is_err());
    }

    #[test]
    fn its_password_follows_from_the_secret_alone_and_does_not_show_it() {
        let secret = b"a-secret-for-tests-of-32-characters";
        assert_eq!(password(secret), password(secret));
        assert_ne!(password(secret), password(b"another"));
        // 256 bits, and not a prefix of anything that is stored.
        assert_eq!(password(secret).len(), 43);
    }
}
