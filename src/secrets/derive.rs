//! Keys from a secret: HKDF (RFC 5869) with a purpose each, so that no two uses share a key.

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// The purpose of a derived key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Encrypts signing keys in the database; from the service's secret.
    SigningKeys,
    /// Hashes the names of rate limit counters; from the service's secret.
    RateLimitNames,
    /// Authenticates what is stored and published in Redis; from the service's secret.
    SharedCache,
    /// Signs device cookies; from the service's secret.
    DeviceCookies,
    /// Makes the password of the synthetic probe's account; from the service's secret.
    ProbePassword,
    /// Hashes the kind and network of clients that refresh; from the service's secret.
    ClientMarks,
    /// Encrypts the successor of a refresh token; from that token.
    RefreshSuccessor,
    /// Encrypts the tokens of pages of searches; from the service's secret.
    SearchPages,
    /// Makes the id of the key for HS256; from that key.
    SharedKeyId,
}

impl Purpose {
    #[cfg(test)]
    const ALL: [Self; 9] = [
        Self::SigningKeys,
        Self::RateLimitNames,
        Self::SharedCache,
        Self::DeviceCookies,
        Self::ProbePassword,
        Self::ClientMarks,
        Self::RefreshSuccessor,
        Self::SearchPages,
        Self::SharedKeyId,
    ];

    /// HKDF's `info`. Never change one: existing ciphertexts depend on it.
    const fn info(self) -> &'static [u8] {
        match self {
            Self::SigningKeys => b"signing keys at rest",
            Self::RateLimitNames => b"names of rate limits",
            Self::SharedCache => b"entries and messages in redis",
            Self::DeviceCookies => b"device cookies",
            Self::ProbePassword => b"password of the synthetic probe",
            Self::ClientMarks => b"marks of refreshing clients",
            Self::RefreshSuccessor => b"successor of a refresh token",
            Self::SearchPages => b"pages of searches",
            Self::SharedKeyId => b"id of a shared key",
        }
    }
}

/// A 256-bit key for this purpose.
///
/// # Errors
/// Never in practice; the library's signature allows for it.
pub fn derive(secret: &[u8], purpose: Purpose) -> Result<Zeroizing<[u8; 32]>> {
    struct Length;
    impl KeyType for Length {
        fn len(&self) -> usize {
            32
        }
    }
    let mut key = Zeroizing::new([0; 32]);
    Salt::new(HKDF_SHA256, b"rbac-sentinel")
        .extract(secret)
        .expand(&[purpose.info()], Length)
        .and_then(|okm| okm.fill(&mut *key))
        .map_err(|_| Error::internal("key derivation failed"))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_purpose_and_each_secret_has_a_key_of_its_own() {
        let mut keys: Vec<_> = Purpose::ALL
            .into_iter()
            .flat_map(|purpose| [&b"one"[..], b"two"].map(|secret| (secret, purpose)))
            .map(|(secret, purpose)| *derive(secret, purpose).expect("derives"))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 2 * Purpose::ALL.len());
    }
}
