//! Signing keys: created at the first start, stored encrypted in the database, published as a JWK set
//! (RFC 7517).

use std::collections::HashMap;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use aws_lc_rs::{error::Unspecified, rsa};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use zeroize::Zeroizing;

use crate::clock::epoch_seconds;
use crate::config::{Secret, SigningAlgorithm};
use crate::error::{Error, Result};
use crate::events::names;
use crate::metrics::SIGNING_KEY_CREATED;
use crate::secrets::SealingKey;
use crate::store::{Store, StoredKey};

/// The id of the one key in HS256 mode. A thumbprint would be a hash of the secret.
const HS256_KID: &str = "hs256";

/// The key that signs.
pub(super) struct SigningKey {
    pub kid: String,
    pub algorithm: Algorithm,
    pub key: EncodingKey,
}

/// A verification key and its only algorithm (RFC 8725 section 3.1).
pub(super) struct VerifyingKey {
    pub algorithm: Algorithm,
    pub key: DecodingKey,
}

/// Every key in use.
pub struct Keyring {
    pub(super) signing: SigningKey,
    pub(super) verifying: HashMap<String, VerifyingKey>,
    jwks: JwkSet,
}

impl Keyring {
    /// Loads the keys from the database; creates one if there is none for the algorithm.
    ///
    /// # Errors
    /// When the database does not answer, or a key cannot be decrypted because it was encrypted with
    /// another secret.
    pub async fn load(
        store: &Store,
        sealing: &SealingKey,
        algorithm: SigningAlgorithm,
        hs256_key: Option<&Secret>,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        if let (SigningAlgorithm::Hs256, Some(key)) = (algorithm, hs256_key) {
            return Ok(Self::shared_secret(key));
        }
        let wanted = jose(algorithm);
        let mut stored = store.signing_keys(now).await?;
        let signs = |key: &StoredKey| key.retired_at.is_none() && key.algorithm == name(wanted);
        if !stored.iter().any(signs) {
            let made = generate(wanted, sealing, now)?;
            // Tokens signed so far stay valid until they expire.
            let others_until = now + chrono::TimeDelta::minutes(30);
            if store.ensure_signing_key(&made, others_until).await? {
                tracing::info!(
                    event = names::KEY_CREATED,
                    kid = made.kid,
                    algorithm = made.algorithm,
                    "signing key created"
                );
            }
            stored = store.signing_keys(now).await?;
        }
        Self::from_stored(&stored, sealing, wanted)
    }

    fn from_stored(stored: &[StoredKey], sealing: &SealingKey, wanted: Algorithm) -> Result<Self> {
        let mut signing = None;
        let mut verifying = HashMap::new();
        let mut jwks = JwkSet { keys: Vec::new() };
        for key in stored {
            let algorithm: Algorithm = key.algorithm.parse().map_err(Error::internal)?;
            let kid = &key.kid;
            let opened = sealing.open(kid.as_bytes(), &key.sealed_private_key);
            let pkcs8 = opened.ok_or_else(|| {
                Error::internal(format!(
                    "signing key {kid} cannot be decrypted: SECRET_KEY (or DATA_DIR/secret.key) is \
                     not the one that it was encrypted with"
                ))
            })?;
            let encoding = encoding_key(algorithm, &pkcs8)?;
            let jwk = public_jwk(&encoding, algorithm, &key.kid)?;
            let decoding = DecodingKey::from_jwk(&jwk).map_err(Error::internal)?;
            verifying.insert(
                key.kid.clone(),
                VerifyingKey {
                    algorithm,
                    key: decoding,
                },
            );
            jwks.keys.push(jwk);
            let signs = key.retired_at.is_none() && algorithm == wanted;
            let state = if signs { "active" } else { "retiring" };
            SIGNING_KEY_CREATED
                .series(&[&key.kid, state])
                .set(epoch_seconds(key.created_at));
            if signs {
                signing = Some(SigningKey {
                    kid: key.kid.clone(),
                    algorithm,
                    key: encoding,
                });
            }
        }
        let signing = signing.ok_or_else(|| Error::internal("no signing key"))?;
        Ok(Self {
            signing,
            verifying,
            jwks,
        })
    }

    fn shared_secret(secret: &Secret) -> Self {
        let bytes = secret.expose().as_bytes();
        let algorithm = Algorithm::HS256;
        let verifying = VerifyingKey {
            algorithm,
            key: DecodingKey::from_secret(bytes),
        };
        Self {
            signing: SigningKey {
                kid: HS256_KID.to_owned(),
                algorithm,
                key: EncodingKey::from_secret(bytes),
            },
            verifying: HashMap::from([(HS256_KID.to_owned(), verifying)]),
            jwks: JwkSet { keys: Vec::new() },
        }
    }

    /// The public keys (RFC 7517). Empty in HS256 mode: a shared key is not published.
    #[must_use]
    pub const fn jwks(&self) -> &JwkSet {
        &self.jwks
    }
}

fn jose(algorithm: SigningAlgorithm) -> Algorithm {
    match algorithm {
        SigningAlgorithm::EdDsa => Algorithm::EdDSA,
        SigningAlgorithm::Es256 => Algorithm::ES256,
        SigningAlgorithm::Rs256 => Algorithm::RS256,
        SigningAlgorithm::Hs256 => Algorithm::HS256,
    }
}

/// The algorithm's JOSE name.
fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::ES256 => "ES256",
        Algorithm::RS256 => "RS256",
        Algorithm::HS256 => "HS256",
        _ => "EdDSA",
    }
}

fn generate(algorithm: Algorithm, sealing: &SealingKey, now: DateTime<Utc>) -> Result<StoredKey> {
    let pkcs8 = generate_pkcs8(algorithm).map_err(|_| Error::internal("key generation failed"))?;
    let encoding = encoding_key(algorithm, &pkcs8)?;
    let kid = Jwk::from_encoding_key(&encoding, algorithm)
        .and_then(|jwk| jwk.thumbprint(ThumbprintHash::SHA256))
        .map_err(Error::internal)?;
    let sealed_private_key = sealing.seal(kid.as_bytes(), &pkcs8)?;
    Ok(StoredKey {
        kid,
        algorithm: name(algorithm).to_owned(),
        sealed_private_key,
        created_at: now,
        retired_at: None,
    })
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
    use crate::secrets::Purpose;

    fn sealing(secret: &str) -> SealingKey {
        SealingKey::derive(secret.as_bytes(), Purpose::SigningKeys).expect("derives")
    }

    #[test]
    fn keys_of_each_algorithm_load_again_and_publish_no_private_part() {
        let sealing = sealing("secret");
        for algorithm in [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256] {
            let stored = generate(algorithm, &sealing, DateTime::UNIX_EPOCH).expect("generates");
            let keyring = Keyring::from_stored(&[stored], &sealing, algorithm).expect("loads");
            let published = serde_json::to_value(keyring.jwks()).expect("serializes");
            let key = &published["keys"][0];
            assert_eq!(key["kid"], keyring.signing.kid);
            assert_eq!(key["use"], "sig");
            assert_eq!(key["alg"], name(algorithm));
            for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
                assert!(
                    key.get(private).is_none(),
                    "{algorithm:?} publishes {private}"
                );
            }
        }
    }
}
