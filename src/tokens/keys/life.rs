//! Where in its life a stored key is. It follows from the clock at every use.

use chrono::{DateTime, Utc};

use crate::store::StoredKey;

/// Whether the key verifies tokens and is published.
pub(super) fn verifies(key: &StoredKey, now: DateTime<Utc>) -> bool {
    key.revoked_at.is_none() && key.retire_at.is_none_or(|at| now < at)
}

/// The key that signs: of those that are active, the one that was published last, which is the successor of
/// the others. While none is active yet, the one that will be next.
pub(super) fn signing<'a, K>(
    keys: &'a [K],
    stored: impl Fn(&'a K) -> &'a StoredKey,
    now: DateTime<Utc>,
) -> Option<&'a K> {
    let verifying = || keys.iter().filter(|key| verifies(stored(key), now));
    let active = verifying().filter(|key| stored(key).active_at <= now);
    active
        .max_by_key(|key| (stored(key).published_at, stored(key).active_at))
        .or_else(|| verifying().min_by_key(|key| stored(key).active_at))
}

/// Where in its life a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPhase {
    /// It verifies and will sign.
    Published,
    /// It signs.
    Active,
    /// It verifies until the tokens that it signed have expired.
    Retiring,
    /// It is no longer used.
    Retired,
    /// It was revoked.
    Revoked,
}

impl KeyPhase {
    /// The phase of a key beside the one that signs.
    pub(super) fn of(key: &StoredKey, signing: Option<&str>, now: DateTime<Utc>) -> Self {
        if key.revoked_at.is_some() {
            Self::Revoked
        } else if !verifies(key, now) {
            Self::Retired
        } else if signing == Some(&key.kid) {
            Self::Active
        } else if key.active_at > now {
            Self::Published
        } else {
            Self::Retiring
        }
    }

    /// The word in lists.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).expect("a time")
    }

    fn key(kid: &str, active_at: i64, retire_at: Option<i64>) -> StoredKey {
        StoredKey {
            kid: kid.to_owned(),
            algorithm: "ES256".to_owned(),
            sealed_private_key: Vec::new(),
            published_at: at(active_at - 10),
            active_at: at(active_at),
            retire_at: retire_at.map(at),
            revoked_at: None,
        }
    }

    #[test]
    fn newest_active_key_signs_and_the_others_verify() {
        let keys = [key("a", 10, Some(130)), key("b", 100, None)];
        for (now, signs, phases) in [
            (5, Some("a"), [KeyPhase::Active, KeyPhase::Published]),
            (99, Some("a"), [KeyPhase::Active, KeyPhase::Published]),
            (100, Some("b"), [KeyPhase::Retiring, KeyPhase::Active]),
            (129, Some("b"), [KeyPhase::Retiring, KeyPhase::Active]),
            (130, Some("b"), [KeyPhase::Retired, KeyPhase::Active]),
        ] {
            let signing = signing(&keys, |key| key, at(now)).map(|key| key.kid.as_str());
            assert_eq!(signing, signs, "{now}");
            let found = keys
                .each_ref()
                .map(|key| KeyPhase::of(key, signing, at(now)));
            assert_eq!(found, phases, "{now}");
        }
    }

    #[test]
    fn key_that_was_published_last_signs_although_another_becomes_active_later() {
        let mut keys = [key("a", 10, None), key("b", 10, None), key("c", 30, None)];
        keys[2].published_at = at(-1);
        for now in [10, 29, 30, 31] {
            let signing = signing(&keys, |key| key, at(now)).map(|key| key.kid.as_str());
            assert_eq!(signing, Some("b"), "{now}");
            let found = keys
                .each_ref()
                .map(|key| KeyPhase::of(key, signing, at(now)));
            let third = match now {
                ..30 => KeyPhase::Published,
                _ => KeyPhase::Retiring,
            };
            assert_eq!(found, [KeyPhase::Retiring, KeyPhase::Active, third]);
        }
    }

    #[test]
    fn revoked_key_neither_signs_nor_verifies() {
        let mut keys = [key("a", 10, None), key("b", 20, None)];
        keys[1].revoked_at = Some(at(30));
        let signs = signing(&keys, |key| key, at(40)).map(|key| key.kid.as_str());
        assert_eq!(signs, Some("a"));
        assert!(!verifies(&keys[1], at(40)));
        assert_eq!(KeyPhase::of(&keys[1], signs, at(40)), KeyPhase::Revoked);
        assert!(signing(&keys[1..], |key| key, at(40)).is_none());
    }
}
