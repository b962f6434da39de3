//! The service's secrets. The first one seals and signs; all of them open and verify, so that one can
//! replace another while replicas run.

use zeroize::Zeroizing;

use super::derive::{Purpose, derive};
use super::seal::{SealingKey, Seals};
use crate::config::NamedSecret;
use crate::error::Result;

/// One or more secrets, the one that seals first.
pub struct Secrets {
    first: Secret,
    others: Vec<Secret>,
}

struct Secret {
    id: String,
    bytes: Zeroizing<Vec<u8>>,
}

impl Secrets {
    /// A single secret.
    #[must_use]
    pub fn one(id: &str, bytes: Zeroizing<Vec<u8>>) -> Self {
        let id = id.to_owned();
        Self {
            first: Secret { id, bytes },
            others: Vec::new(),
        }
    }

    /// Adds a secret that opens and does not seal.
    #[must_use]
    pub fn and(mut self, id: &str, bytes: Zeroizing<Vec<u8>>) -> Self {
        let id = id.to_owned();
        self.others.push(Secret { id, bytes });
        self
    }

    /// The secrets of `SECRET_KEYS`; `None` if there are none.
    #[must_use]
    pub fn of(configured: &[NamedSecret<'_>]) -> Option<Self> {
        let bytes = |secret: &str| Zeroizing::new(secret.as_bytes().to_vec());
        let ((id, first), others) = configured.split_first()?;
        let ring = Self::one(id, bytes(first));
        Some(
            others
                .iter()
                .fold(ring, |ring, (id, secret)| ring.and(id, bytes(secret))),
        )
    }

    fn all(&self) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The first secret's key for this purpose: for what is compared only with itself.
    ///
    /// # Errors
    /// As [`derive`].
    pub fn derive(&self, purpose: Purpose) -> Result<Zeroizing<[u8; 32]>> {
        derive(&self.first.bytes, purpose)
    }

    /// The keys of all secrets for this purpose: the first signs, all verify.
    ///
    /// # Errors
    /// As [`derive`].
    pub fn derive_all(&self, purpose: Purpose) -> Result<Vec<Zeroizing<[u8; 32]>>> {
        let keys = self.all().map(|secret| derive(&secret.bytes, purpose));
        keys.collect()
    }

    /// Encrypts with the first secret and decrypts with any, for this purpose.
    ///
    /// # Errors
    /// As [`derive`].
    pub fn seals(&self, purpose: Purpose) -> Result<Seals> {
        let key = |secret: &Secret| {
            let key = SealingKey::derive(&secret.bytes, purpose)?;
            Ok((secret.id.clone(), key))
        };
        let others = self.others.iter().map(key).collect::<Result<_>>()?;
        Ok(Seals::new(key(&self.first)?, others))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_secret_seals_and_all_of_them_open() {
        let secrets = |named: &[NamedSecret<'_>]| Secrets::of(named).expect("some");
        let seals = |named: &[NamedSecret<'_>]| {
            secrets(named).seals(Purpose::SigningKeys).expect("derives")
        };
        let old = seals(&[("a", "one")]);
        let both = seals(&[("b", "two"), ("a", "one")]);
        let new = seals(&[("b", "two")]);
        let by = |seals: &Seals, sealed: &[u8]| {
            let opened = seals.open(b"context", sealed);
            opened.map(|opened| (opened.plain.to_vec(), opened.secret.to_owned()))
        };
        let plain = |id: &str| Some((b"private".to_vec(), id.to_owned()));
        let from_old = old.seal(b"context", b"private").expect("seals");
        let from_both = both.seal(b"context", b"private").expect("seals");
        assert_eq!(by(&old, &from_old), plain("a"));
        assert_eq!(by(&both, &from_old), plain("a"));
        assert_eq!(by(&both, &from_both), plain("b"));
        assert_eq!(by(&new, &from_both), plain("b"));
        assert_eq!(by(&new, &from_old), None);
        assert_eq!(by(&old, &from_both), None);
        // The order of keys is that of the secrets.
        let keys = secrets(&[("b", "two"), ("a", "one")]);
        let keys = keys.derive_all(Purpose::SharedCache).expect("derives");
        for (key, secret) in keys.iter().zip(["two", "one"]) {
            let alone = derive(secret.as_bytes(), Purpose::SharedCache);
            assert_eq!(**key, *alone.expect("derives"));
        }
    }
}
