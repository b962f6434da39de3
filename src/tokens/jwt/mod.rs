//! Access tokens: JWTs of type `at+jwt` (RFC 9068), verified as RFC 8725 requires.

use std::sync::Arc;
use std::time::Instant;

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::keys::{Keyring, Keys};
use crate::cache::LocalMap;
use crate::error::{Error, Result};
use crate::metrics::{
    CacheName, TOKEN_VERIFICATION_DURATION, TOKEN_VERIFICATIONS, VerificationResult,
};
use crate::request_context::is_synthetic;

/// The media type that distinguishes access tokens from other JWTs (RFC 9068 section 2.1).
const TYPE: &str = "at+jwt";
/// The allowed difference between the clocks of machines.
const LEEWAY: TimeDelta = TimeDelta::seconds(5);
/// Longer than any token issued here; longer ones are refused unread.
const MAX_LENGTH: usize = 8 * 1024;
const CACHED_TOKENS: usize = 10_000;

/// The claims of an access token (RFC 9068 section 2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer.
    pub iss: String,
    /// Audience.
    pub aud: String,
    /// The account.
    pub sub: Uuid,
    /// The client that it was issued to: always the first-party client.
    pub client_id: String,
    /// The session.
    pub sid: Uuid,
    /// The generation of the session that it was issued with; absent in tokens of older versions.
    #[serde(rename = "gen", default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
    /// This token.
    pub jti: Uuid,
    /// Issued at, in seconds since the epoch.
    pub iat: i64,
    /// Expires at, in seconds since the epoch.
    pub exp: i64,
    /// Not valid before, in seconds since the epoch; not set by this service, but checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// The account's roles when the token was issued, for other services; this service reads its
    /// database.
    pub roles: Vec<String>,
    /// The permissions of the token (RFC 9068 section 2.2.3), for other services; this service reads its
    /// database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The permissions of `scope` as an array, for other services that read them there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<String>>,
}

/// Signs and verifies access tokens.
pub struct Tokens {
    keys: Arc<Keys>,
    options: TokenOptions,
    /// Verified tokens by their SHA-256: the tokens themselves are not kept.
    verified: LocalMap<[u8; 32], Verified>,
}

/// What is written into every access token.
#[derive(Clone, Debug)]
pub struct TokenOptions {
    /// Issuer.
    pub issuer: String,
    /// Audience.
    pub audience: String,
    /// Lifetime.
    pub ttl: TimeDelta,
    /// Whether there is a claim `permissions` beside `scope`.
    pub permissions: bool,
}

/// A token whose signature was valid.
#[derive(Clone)]
struct Verified {
    claims: Arc<Claims>,
    /// The epoch of the keys then: it is verified again when a key is gone.
    epoch: u64,
}

impl Tokens {
    /// A signer and verifier for one issuer and audience.
    #[must_use]
    pub fn new(keys: Arc<Keys>, options: TokenOptions) -> Self {
        Self {
            keys,
            options,
            verified: LocalMap::new(CacheName::Token, CACHED_TOKENS),
        }
    }

    /// The keys.
    #[must_use]
    pub const fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }

    /// What is written into every token.
    #[must_use]
    pub const fn options(&self) -> &TokenOptions {
        &self.options
    }

    /// Sets the gauges of keys and verified tokens. Called before each scrape.
    pub fn observe(&self) {
        self.keys.observe();
        self.verified.observe();
    }

    /// The claims of a new token.
    #[must_use]
    pub fn claims(
        &self,
        user: Uuid,
        session: Uuid,
        generation: i64,
        roles: &[String],
        now: DateTime<Utc>,
    ) -> Claims {
        Claims {
            iss: self.options.issuer.clone(),
            aud: self.options.audience.clone(),
            sub: user,
            client_id: self.options.audience.clone(),
            sid: session,
            generation: Some(generation),
            jti: Uuid::now_v7(),
            iat: now.timestamp(),
            exp: (now + self.options.ttl).timestamp(),
            nbf: None,
            roles: roles.to_vec(),
            scope: None,
            permissions: None,
        }
    }

    /// Signs claims.
    ///
    /// # Errors
    /// When no key is left, which the next reading of the keys mends.
    pub fn sign(&self, claims: &Claims) -> Result<String> {
        let keys = self.keys.current();
        let signing = keys.signing(self.keys.clock().now());
        let signing = signing.ok_or(Error::Unavailable)?;
        let mut header = Header::new(signing.key.algorithm);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(signing.kid().to_owned());
        encode(&header, claims, &signing.key.signing).map_err(Error::internal)
    }

    /// Verifies signature, type, issuer, audience and times, and measures the duration. For an unknown key
    /// the keys are read anew, at most once a second. Does not check
    /// whether the session is active; the caller does, and counts the result with [`count`].
    ///
    /// # Errors
    /// The reason, already counted.
    pub async fn verify(
        &self,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<Arc<Claims>, VerificationResult> {
        let start = Instant::now();
        let mut verified = self.verify_cached(token, now);
        if matches!(verified, Err(VerificationResult::UnknownKid))
            && self.keys.reload_for_unknown().await
        {
            verified = self.verify_cached(token, now);
        }
        if !is_synthetic() {
            TOKEN_VERIFICATION_DURATION.observe((), start.elapsed());
        }
        verified.inspect_err(|result| count(*result))
    }

    /// The claims of a valid token. Not counted: nobody is authorized by it.
    #[must_use]
    pub fn read(&self, token: &str, now: DateTime<Utc>) -> Option<Arc<Claims>> {
        self.verify_cached(token, now).ok()
    }

    fn verify_cached(
        &self,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<Arc<Claims>, VerificationResult> {
        if token.len() > MAX_LENGTH {
            return Err(VerificationResult::Malformed);
        }
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        let keys = self.keys.current();
        let epoch = keys.epoch;
        let verified = self.verified.get(&key);
        if let Some(verified) = verified.filter(|verified| verified.epoch == epoch) {
            check_times(&verified.claims, now)?;
            return Ok(verified.claims);
        }
        let claims = Arc::new(self.verify_signature(token, &keys, now)?);
        check_times(&claims, now)?;
        let verified = Verified {
            claims: Arc::clone(&claims),
            epoch,
        };
        self.verified.insert(key, verified);
        Ok(claims)
    }

    fn verify_signature(
        &self,
        token: &str,
        keys: &Keyring,
        now: DateTime<Utc>,
    ) -> Result<Claims, VerificationResult> {
        let header = decode_header(token).map_err(|_| VerificationResult::Malformed)?;
        if header.typ.as_deref() != Some(TYPE) || header.crit.is_some() {
            return Err(VerificationResult::Malformed);
        }
        let kid = header
            .kid
            .as_deref()
            .ok_or(VerificationResult::UnknownKid)?;
        let key = keys.verifying(kid, now);
        let key = key.ok_or(VerificationResult::UnknownKid)?;
        let mut validation = Validation::new(key.algorithm);
        validation.set_audience(&[&self.options.audience]);
        validation.set_issuer(&[&self.options.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The library uses the system's clock; ours is an input.
        validation.validate_exp = false;
        decode::<Claims>(token, &key.verifying, &validation)
            .map(|token| token.claims)
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => {
                    VerificationResult::BadSignature
                }
                ErrorKind::InvalidAudience => VerificationResult::WrongAudience,
                ErrorKind::InvalidIssuer => VerificationResult::WrongIssuer,
                _ => VerificationResult::Malformed,
            })
    }
}

fn check_times(claims: &Claims, now: DateTime<Utc>) -> Result<(), VerificationResult> {
    if claims.exp <= now.timestamp() {
        return Err(VerificationResult::Expired);
    }
    let latest = (now + LEEWAY).timestamp();
    if claims.iat > latest || claims.nbf.is_some_and(|nbf| nbf > latest) {
        return Err(VerificationResult::NotYetValid);
    }
    Ok(())
}

/// Counts a verification, unless the synthetic probe makes it.
pub fn count(result: VerificationResult) {
    if !is_synthetic() {
        TOKEN_VERIFICATIONS.inc(result);
    }
}

#[cfg(test)]
mod tests;
