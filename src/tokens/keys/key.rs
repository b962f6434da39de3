//! One signing key: generated, opened, published.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use aws_lc_rs::{error::Unspecified, rsa};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::config::{Secret, SigningAlgorithm};
use crate::error::{Error, Result};
use crate::secrets::{Purpose, derive};

/// A new key, before it is encrypted and stored.
pub(super) struct NewKey {
    /// Its id.
    pub kid: String,
    /// The algorithm's JOSE name.
    pub algorithm: &'static str,
    /// PKCS #8, or the bytes of a shared key.
    pub private: Zeroizing<Vec<u8>>,
}

impl NewKey {
    /// Generates a key; its id is its thumbprint (RFC 7638).
    pub(super) fn generate(algorithm: SigningAlgorithm) -> Result<Self> {
        let algorithm = jose(algorithm);
        let private =
            generate_pkcs8(algorithm).map_err(|_| Error::internal("key generation failed"))?;
        let encoding = encoding_key(algorithm, &private)?;
        let kid = Jwk::from_encoding_key(&encoding, algorithm)
            .and_then(|jwk| jwk.thumbprint(ThumbprintHash::SHA256))
            .map_err(Error::internal)?;
        Ok(Self {
            kid,
            algorithm: name(algorithm),
            private,
        })
    }

    /// The key of `HS256_KEY`. A thumbprint would be a hash of it, so its id is derived from it.
    pub(super) fn shared(secret: &Secret) -> Result<Self> {
        let bytes = secret.expose().as_bytes();
        let id = derive(bytes, Purpose::SharedKeyId)?;
        Ok(Self {
            kid: format!("hs256-{}", URL_SAFE_NO_PAD.encode(&id[..9])),
            algorithm: name(Algorithm::HS256),
            private: Zeroizing::new(bytes.to_vec()),
        })
    }
}

/// An opened key: signs and verifies with its only algorithm (RFC 8725 section 3.1).
pub(in crate::tokens) struct Key {
    pub algorithm: Algorithm,
    pub signing: EncodingKey,
    pub verifying: DecodingKey,
    /// The public part (RFC 7517); `None` for a shared key.
    pub public: Option<Value>,
}

impl Key {
    /// Opens a key from its decrypted private part.
    ///
    /// # Errors
    /// When it is not a key of this algorithm.
    pub(super) fn open(kid: &str, algorithm: &str, private: &[u8]) -> Result<Self> {
        let algorithm: Algorithm = algorithm.parse().map_err(Error::internal)?;
        if algorithm == Algorithm::HS256 {
            return Ok(Self {
                algorithm,
                signing: EncodingKey::from_secret(private),
                verifying: DecodingKey::from_secret(private),
                public: None,
            });
        }
        let signing = encoding_key(algorithm, private)?;
        let jwk = public_jwk(&signing, algorithm, kid)?;
        Ok(Self {
            algorithm,
            signing,
            verifying: DecodingKey::from_jwk(&jwk).map_err(Error::internal)?,
            public: Some(serde_json::to_value(jwk).map_err(Error::internal)?),
        })
    }
}

impl Key {
    /// The algorithm's JOSE name.
    pub(super) fn algorithm_name(&self) -> &'static str {
        name(self.algorithm)
    }
}

/// The JOSE name of an algorithm of the configuration.
pub(super) fn jose_name(algorithm: SigningAlgorithm) -> &'static str {
    name(jose(algorithm))
}

fn jose(algorithm: SigningAlgorithm) -> Algorithm {
    match algorithm {
        SigningAlgorithm::EdDsa => Algorithm::EdDSA,
        SigningAlgorithm::Es256 => Algorithm::ES256,
        SigningAlgorithm::Rs256 => Algorithm::RS256,
        SigningAlgorithm::Hs256 => Algorithm::HS256,
    }
}

fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::ES256 => "ES256",
        Algorithm::RS256 => "RS256",
        Algorithm::HS256 => "HS256",
        _ => "EdDSA",
    }
}

fn generate_pkcs8(algorithm: Algorithm) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let rng = SystemRandom::new();
    let bytes = match algorithm {
        Algorithm::ES256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng)?
            .as_ref()
            .to_vec(),
        Algorithm::RS256 => rsa::KeyPair::generate(KeySize::Rsa3072)?
            .as_der()?
            .as_ref()
            .to_vec(),
        _ => Ed25519KeyPair::generate_pkcs8v1(&rng)?.as_ref().to_vec(),
    };
    Ok(Zeroizing::new(bytes))
}

/// Through PEM, because the DER constructors take another encoding for each algorithm.
fn encoding_key(algorithm: Algorithm, pkcs8: &[u8]) -> Result<EncodingKey> {
    let pem = Zeroizing::new(format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(pkcs8)
    ));
    match algorithm {
        Algorithm::ES256 => EncodingKey::from_ec_pem(pem.as_bytes()),
        Algorithm::RS256 => EncodingKey::from_rsa_pem(pem.as_bytes()),
        _ => EncodingKey::from_ed_pem(pem.as_bytes()),
    }
    .map_err(Error::internal)
}

fn public_jwk(key: &EncodingKey, algorithm: Algorithm, kid: &str) -> Result<Jwk> {
    let mut jwk = Jwk::from_encoding_key(key, algorithm).map_err(Error::internal)?;
    jwk.common.key_id = Some(kid.to_owned());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok(jwk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_each_algorithm_open_again_and_publish_no_private_part() {
        for algorithm in [
            SigningAlgorithm::EdDsa,
            SigningAlgorithm::Es256,
            SigningAlgorithm::Rs256,
        ] {
            let made = NewKey::generate(algorithm).expect("generates");
            let key = Key::open(&made.kid, made.algorithm, &made.private).expect("opens");
            let published = key.public.expect("published");
            assert_eq!(published["kid"], made.kid);
            assert_eq!(published["use"], "sig");
            assert_eq!(published["alg"], jose_name(algorithm));
            for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
                assert!(
                    published.get(private).is_none(),
                    "{algorithm:?} publishes {private}"
                );
            }
        }
    }

    #[test]
    fn shared_key_is_not_published_and_its_id_does_not_change() {
        let secret = Secret::from("a-shared-key-of-more-than-thirty-two-bytes");
        let one = NewKey::shared(&secret).expect("derives");
        let again = NewKey::shared(&secret).expect("derives");
        assert_eq!(one.kid, again.kid);
        let other = NewKey::shared(&Secret::from("another")).expect("derives");
        assert_ne!(one.kid, other.kid);
        let key = Key::open(&one.kid, one.algorithm, &one.private).expect("opens");
        assert!(key.public.is_none());
        assert_eq!(key.algorithm, Algorithm::HS256);
    }
}
