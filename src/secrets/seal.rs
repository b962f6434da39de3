//! Encryption at rest: AES-256-GCM under a derived key.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use super::derive::{Purpose, derive};
use crate::error::{Error, Result};

const NONCE_LENGTH: usize = 12;

/// A key that encrypts stored data, for one purpose.
pub struct SealingKey(RandomizedNonceKey);

impl SealingKey {
    /// Derives the key.
    ///
    /// # Errors
    /// Never in practice; the library's signature allows for it.
    pub fn derive(secret: &[u8], purpose: Purpose) -> Result<Self> {
        let key = derive(secret, purpose)?;
        RandomizedNonceKey::new(&AES_256_GCM, &*key)
            .map(Self)
            .map_err(|_| Error::internal("key derivation failed"))
    }

    /// Encrypts, bound to a context that decryption must repeat.
    ///
    /// # Errors
    /// When the library fails: a defect.
    pub fn seal(&self, context: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        let mut sealed = plain.to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(context), &mut sealed)
            .map_err(|_| Error::internal("sealing failed"))?;
        Ok([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// Decrypts; `None` if the key, the context or any byte differs.
    #[must_use]
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, cipher) = sealed.split_at_checked(NONCE_LENGTH)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut buffer = Zeroizing::new(cipher.to_vec());
        let length = self
            .0
            .open_in_place(nonce, Aad::from(context), &mut buffer)
            .ok()?
            .len();
        buffer.truncate(length);
        Some(buffer)
    }
}

/// The keys of several secrets for one purpose.
pub struct Seals {
    first: NamedKey,
    others: Vec<NamedKey>,
}

/// The id of a secret, and its key.
type NamedKey = (String, SealingKey);

/// What was decrypted, and the id of the secret that did.
pub struct Opened<'a> {
    /// The plain bytes.
    pub plain: Zeroizing<Vec<u8>>,
    /// The secret's id.
    pub secret: &'a str,
}

impl Seals {
    pub(super) const fn new(first: NamedKey, others: Vec<NamedKey>) -> Self {
        Self { first, others }
    }

    /// The id of the secret that encrypts.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.first.0
    }

    /// Encrypts with the first secret's key.
    ///
    /// # Errors
    /// As [`SealingKey::seal`].
    pub fn seal(&self, context: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        self.first.1.seal(context, plain)
    }

    /// Decrypts with the key of any secret; `None` if none of them fits.
    #[must_use]
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Option<Opened<'_>> {
        let mut keys = std::iter::once(&self.first).chain(&self.others);
        keys.find_map(|(secret, key)| {
            let plain = key.open(context, sealed)?;
            Some(Opened { plain, secret })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(secret: &str) -> SealingKey {
        SealingKey::derive(secret.as_bytes(), Purpose::SigningKeys).expect("derives")
    }

    #[test]
    fn sealed_value_opens_with_its_key_and_context_only() {
        let right = key("right");
        let sealed = right.seal(b"context", b"private").expect("seals");
        assert_eq!(
            right.open(b"context", &sealed).expect("opens").as_slice(),
            b"private"
        );
        assert!(right.open(b"other", &sealed).is_none());
        assert!(key("wrong").open(b"context", &sealed).is_none());
        assert!(right.open(b"context", b"short").is_none());
        let mut changed = sealed.clone();
        changed[20] ^= 1;
        assert!(right.open(b"context", &changed).is_none());
        assert!(!sealed.windows(7).any(|window| window == b"private"));
    }
}
