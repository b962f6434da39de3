//! Checks of secrets and keys.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::checks::ConfigError;
use super::{Config, Secret, SigningAlgorithm};

/// The shortest secret that is accepted, in bytes: 256 bits (RFC 7518 section 3.2).
const MIN_SECRET_BYTES: usize = 32;
/// The longest id of a secret, in characters.
const MAX_ID: usize = 32;
/// The range of JWKS_MAX_AGE.
const MAX_AGE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(24);
/// The range of KEY_ROTATION.
const ROTATION: RangeInclusive<Duration> =
    Duration::from_hours(1)..=Duration::from_hours(2 * 365 * 24);

/// A secret of `SECRET_KEYS`: its id and itself.
pub type NamedSecret<'a> = (&'a str, &'a str);

/// The parts of `SECRET_KEYS`, which is `ID:SECRET,ID:SECRET`; `None` if it does not have that form, or an
/// id occurs twice.
#[must_use]
pub fn named_secrets(text: &str) -> Option<Vec<NamedSecret<'_>>> {
    let named = text.split(',').map(|part| part.trim().split_once(':'));
    let named: Vec<_> = named.collect::<Option<_>>()?;
    let mut ids: Vec<_> = named.iter().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    ids.dedup();
    let unique = ids.len() == named.len();
    (unique && ids.into_iter().all(is_secret_id)).then_some(named)
}

/// Whether this may be the id of a secret: at most 32 letters, digits, `.`, `_` and `-`.
#[must_use]
pub fn is_secret_id(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=MAX_ID).contains(&text.len()) && text.chars().all(allowed)
}

impl Config {
    /// The configured secrets, with their ids; none if one is generated in DATA_DIR.
    #[must_use]
    pub fn named_secrets(&self) -> Vec<NamedSecret<'_>> {
        let one = self.tokens.secret_key.as_ref();
        let one = one.map(|secret| ("SECRET_KEY", secret.expose()));
        let several = self.tokens.secret_keys.as_ref();
        let several = several.and_then(|secrets| named_secrets(secrets.expose()));
        one.into_iter().chain(several.unwrap_or_default()).collect()
    }

    pub(super) fn validate_keys(&self) -> Result<(), ConfigError> {
        let refuse = |sentence: &str| Err(ConfigError::new(sentence));
        let tokens = &self.tokens;
        if let Some(secrets) = &tokens.secret_keys {
            if tokens.secret_key.is_some() {
                return refuse(
                    "SECRET_KEY and SECRET_KEYS are both set: put the secret of SECRET_KEY into \
                     SECRET_KEYS, and unset SECRET_KEY.",
                );
            }
            if named_secrets(secrets.expose()).is_none() {
                return refuse(
                    "SECRET_KEYS must be ID:SECRET,ID:SECRET, each id once, of at most 32 letters, \
                     digits, '.', '_' and '-'.",
                );
            }
        }
        if self.named_secrets().iter().any(|(_, secret)| short(secret)) {
            return refuse(
                "SECRET_KEY is shorter than 32 characters, or a secret of SECRET_KEYS is: generate one \
                 with `openssl rand -base64 32`, or unset it to have one generated in DATA_DIR.",
            );
        }
        let shared = tokens.hs256_key.as_ref().map(Secret::expose);
        match (tokens.signing_alg, shared) {
            (Some(SigningAlgorithm::Hs256), None) => {
                return refuse(
                    "SIGNING_ALG=HS256 needs HS256_KEY: generate one with `openssl rand -base64 \
                     32`, or use the default SIGNING_ALG=ES256, which needs none.",
                );
            }
            (Some(SigningAlgorithm::Hs256), Some(key)) if short(key) => {
                return refuse(
                    "HS256_KEY is shorter than 32 bytes, which RFC 7518 forbids: generate one with \
                     `openssl rand -base64 32`.",
                );
            }
            (Some(SigningAlgorithm::Hs256), _) | (_, None) => {}
            (_, Some(_)) => {
                return refuse(
                    "HS256_KEY is set but SIGNING_ALG is not HS256: set SIGNING_ALG=HS256, or \
                     unset HS256_KEY.",
                );
            }
        }
        if !MAX_AGE.contains(&tokens.jwks_max_age) {
            return refuse(
                "JWKS_MAX_AGE must be 24h or less: a new key signs only after this time.",
            );
        }
        let age = tokens.key_rotation.0;
        if age.is_some_and(|age| !ROTATION.contains(&age) || age < 2 * tokens.jwks_max_age) {
            return refuse(
                "KEY_ROTATION must be `off` or between 1h and 730d, and at least twice JWKS_MAX_AGE: a key \
                 is published that long before it signs.",
            );
        }
        Ok(())
    }
}

fn short(secret: &str) -> bool {
    secret.len() < MIN_SECRET_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::from_arguments;

    #[test]
    fn secrets_are_named_once_each() {
        assert_eq!(
            named_secrets("b:two, a:one:more"),
            Some(vec![("b", "two"), ("a", "one:more")])
        );
        let long = format!("{}:1", "a".repeat(33));
        for wrong in [
            "", "secret", ":secret", "a:1,a:2", "a:1,", "a b:1", "\u{e9}:1", &long,
        ] {
            assert_eq!(named_secrets(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn keys_and_secrets_that_cannot_work_are_refused() {
        let secret = "0123456789abcdefghijklmnopqrstuv";
        let two = format!("b:{secret},a:{secret}");
        let short = format!("b:{secret},a:short");
        for (arguments, word) in [
            (vec!["--secret-keys", &two], None),
            (vec!["--secret-keys", &short], Some("shorter than 32")),
            (vec!["--secret-keys", secret], Some("ID:SECRET")),
            (
                vec!["--secret-keys", &two, "--secret-key", secret],
                Some("both set"),
            ),
            (
                vec!["--database-url", "postgres://x", "--secret-keys", &two],
                None,
            ),
            (
                vec!["--hs256-key", secret],
                Some("SIGNING_ALG is not HS256"),
            ),
            (vec!["--signing-alg", "HS256"], Some("needs HS256_KEY")),
            (vec!["--key-rotation", "off"], None),
            (vec!["--key-rotation", "24h", "--jwks-max-age", "12h"], None),
            (
                vec!["--key-rotation", "24h", "--jwks-max-age", "13h"],
                Some("twice JWKS_MAX_AGE"),
            ),
        ] {
            let refusal = from_arguments(&arguments).validate().err();
            let refusal = refusal.map(|refusal| refusal.to_string());
            assert_eq!(
                refusal.is_some(),
                word.is_some(),
                "{arguments:?}: {refusal:?}"
            );
            if let (Some(refusal), Some(word)) = (refusal, word) {
                assert!(refusal.contains(word), "{arguments:?}: {refusal}");
                assert!(!refusal.contains(secret), "{refusal}");
            }
        }
    }
}
