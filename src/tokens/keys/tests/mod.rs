//! The life of keys, with a database and a clock that the tests set.

mod secrets;

use super::*;
use crate::config::NamedSecret;
use crate::secrets::{Purpose, Secrets};
use crate::store::{Options, SqliteOptions};

const START: i64 = 1_800_000_000;
const FIVE_MINUTES: TimeDelta = TimeDelta::minutes(5);

/// One database, one clock, any number of replicas.
struct House {
    store: Store,
    clock: Clock,
    _folder: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let options = Options::Sqlite(SqliteOptions {
            url: folder.path().join("t.db").display().to_string(),
            readers: 1,
            synchronous_full: false,
            acquire_timeout: Duration::from_mins(1),
        });
        let start = DateTime::from_timestamp(START, 0).expect("a time");
        Self {
            store: Store::open(&options).await.expect("opens"),
            clock: Clock::manual(start),
            _folder: folder,
        }
    }

    async fn start(&self, secrets: &[NamedSecret<'_>], options: KeyOptions) -> Result<Keys> {
        let secrets = Secrets::of(secrets).expect("some");
        let seals = secrets.seals(Purpose::SigningKeys)?;
        Keys::open(self.store.clone(), seals, options, self.clock.clone()).await
    }

    async fn replica(&self, algorithm: Option<SigningAlgorithm>) -> Keys {
        let options = options(algorithm);
        self.start(&[ONE], options).await.expect("starts")
    }

    async fn stored(&self) -> usize {
        let stored = self.store.stored_signing_keys().await.expect("asked");
        stored.len()
    }
}

fn seals(secrets: &[NamedSecret<'_>]) -> Seals {
    let secrets = Secrets::of(secrets).expect("some");
    secrets.seals(Purpose::SigningKeys).expect("derives")
}

const ONE: NamedSecret<'_> = ("one", "the first secret");
const TWO: NamedSecret<'_> = ("two", "the second secret");

fn options(algorithm: Option<SigningAlgorithm>) -> KeyOptions {
    KeyOptions {
        algorithm,
        hs256_key: None,
        max_age: FIVE_MINUTES,
        rotation: None,
    }
}

/// Keys with these options, of a database of their own.
pub(in crate::tokens) async fn keys(options: KeyOptions) -> Keys {
    let house = House::new().await;
    house.start(&[ONE], options).await.expect("starts")
}

fn signs(keys: &Keys) -> String {
    let now = keys.clock().now();
    let current = keys.current();
    current.signing(now).expect("one").kid().to_owned()
}

fn published(keys: &Keys) -> Vec<String> {
    let jwks = keys.jwks();
    let kid = |key: &Value| key["kid"].as_str().expect("text").to_owned();
    jwks.iter().map(kid).collect()
}

fn verifies(keys: &Keys, kid: &str) -> bool {
    let current = keys.current();
    current.verifying(kid, keys.clock().now()).is_some()
}

fn kid(change: KeyChange) -> String {
    match change {
        KeyChange::Published { kid, .. } | KeyChange::Revoked(Some(kid)) => kid,
        other => panic!("no new key: {other:?}"),
    }
}

#[tokio::test]
async fn rotated_key_signs_when_everybody_has_seen_it_and_the_old_one_verifies_its_tokens() {
    let house = House::new().await;
    let (a, b) = (house.replica(None).await, house.replica(None).await);
    let old = signs(&a);
    assert_eq!(
        signs(&b),
        old,
        "the second replica uses the key of the first"
    );
    let new = kid(a.rotate().await.expect("rotates"));
    for keys in [&a, &b] {
        keys.reload().await.expect("reads");
        assert_eq!(published(keys), [old.clone(), new.clone()]);
    }
    let lead = FIVE_MINUTES + SEEN_BY_REPLICAS;
    house.clock.advance(lead - TimeDelta::microseconds(1));
    assert_eq!((signs(&a), signs(&b)), (old.clone(), old.clone()));
    // Without another reading: what a key may do follows from the clock.
    house.clock.advance(TimeDelta::microseconds(1));
    assert_eq!((signs(&a), signs(&b)), (new.clone(), new.clone()));
    house
        .clock
        .advance(LONGEST_TOKEN - TimeDelta::microseconds(1));
    assert!(verifies(&a, &old) && published(&a).contains(&old));
    house.clock.advance(TimeDelta::microseconds(1));
    assert!(!verifies(&a, &old) && !verifies(&b, &old));
    assert_eq!(published(&a), [new.as_str()]);
    assert!(verifies(&a, &new));
}

#[tokio::test]
async fn configured_algorithm_replaces_the_key_at_a_start_and_not_while_replicas_differ() {
    let house = House::new().await;
    let eddsa = house.replica(Some(SigningAlgorithm::EdDsa)).await;
    let old = signs(&eddsa);
    // Without a wish the key stays.
    let any = house.replica(None).await;
    assert_eq!((signs(&any), house.stored().await), (old.clone(), 1));
    let es256 = house.replica(Some(SigningAlgorithm::Es256)).await;
    assert_eq!((signs(&es256), house.stored().await), (old.clone(), 2));
    for _ in 0..2 {
        for keys in [&eddsa, &any, &es256] {
            keys.reload().await.expect("reads");
        }
    }
    assert_eq!(house.stored().await, 2, "nobody changes it back");
    house.clock.advance(FIVE_MINUTES + SEEN_BY_REPLICAS);
    for keys in [&eddsa, &any, &es256] {
        assert_ne!(signs(keys), old);
        assert!(verifies(keys, &old));
    }
    // A second start with the same wish changes nothing.
    house.replica(Some(SigningAlgorithm::Es256)).await;
    assert_eq!(house.stored().await, 2);
}

#[tokio::test]
async fn shared_key_is_changed_like_any_other() {
    let house = House::new().await;
    let shared = |secret: &str| KeyOptions {
        algorithm: Some(SigningAlgorithm::Hs256),
        hs256_key: Some(Secret::from(secret)),
        ..options(None)
    };
    let one = house.start(&[ONE], shared("a")).await.expect("starts");
    let first = signs(&one);
    assert_eq!(published(&one), Vec::<String>::new());
    assert!(verifies(&one, "hs256"), "tokens of older versions");
    assert_eq!(one.rotate().await.expect("asked"), KeyChange::SharedKey);
    let two = house.start(&[ONE], shared("b")).await.expect("starts");
    one.reload().await.expect("reads");
    assert_eq!((signs(&one), signs(&two)), (first.clone(), first.clone()));
    house.clock.advance(FIVE_MINUTES + SEEN_BY_REPLICAS);
    let second = signs(&one);
    assert!(second != first && second == signs(&two));
    // Back to the first, and on to a key pair.
    let back = house.start(&[ONE], shared("a")).await.expect("starts");
    house.clock.advance(FIVE_MINUTES + SEEN_BY_REPLICAS);
    assert_eq!(signs(&back), first);
    let pair = house.replica(None).await;
    assert_eq!(signs(&pair), first);
    house.clock.advance(FIVE_MINUTES + SEEN_BY_REPLICAS);
    assert_eq!(published(&pair), [signs(&pair)]);
    // A revoked shared key does not come back.
    pair.revoke(&first).await.expect("revokes");
    let refused = house.start(&[ONE], shared("a")).await.err();
    let refused = refused.expect("refused");
    let cause = std::error::Error::source(&refused)
        .expect("a cause")
        .to_string();
    assert!(
        cause.contains("HS256_KEY is a key that was revoked"),
        "{cause}"
    );
}

#[tokio::test]
async fn revoked_key_verifies_nothing_and_another_signs_at_once() {
    let house = House::new().await;
    let (a, b) = (house.replica(None).await, house.replica(None).await);
    let old = signs(&a);
    let epoch = b.current().epoch;
    let new = kid(a.revoke(&old).await.expect("revokes"));
    for keys in [&a, &b] {
        keys.reload().await.expect("reads");
        assert_eq!(signs(keys), new);
        assert!(!verifies(keys, &old));
        assert_eq!(published(keys), [new.as_str()]);
    }
    assert!(
        b.current().epoch > epoch,
        "cached tokens are verified again"
    );
    assert_eq!(a.revoke(&old).await.expect("asked"), KeyChange::Ended);
    assert_eq!(a.revoke("nobody").await.expect("asked"), KeyChange::Unknown);
    // One that does not sign yet: the one that signs does so on, and gets another successor.
    let next = kid(a.rotate().await.expect("rotates"));
    let revoked = a.revoke(&next).await.expect("revokes");
    assert_eq!(revoked, KeyChange::Revoked(None));
    a.reload().await.expect("reads");
    assert_eq!(signs(&a), new);
    house.clock.advance(FIVE_MINUTES + SEEN_BY_REPLICAS);
    assert!(!verifies(&a, &next));
    assert!(signs(&a) != new && verifies(&a, &new));
}

#[tokio::test]
async fn successor_that_was_published_before_a_revocation_signs_no_token_that_it_would_not_outlive()
{
    let house = House::new().await;
    let keys = house.replica(None).await;
    let old = signs(&keys);
    let next = kid(keys.rotate().await.expect("rotates"));
    house.clock.advance(TimeDelta::seconds(1));
    let new = kid(keys.revoke(&old).await.expect("revokes"));
    keys.reload().await.expect("reads");
    assert_eq!(published(&keys), [next.clone(), new.clone()]);
    // It ends, because the new key is its successor: so it must not sign, either.
    for _ in 0..40 {
        assert_eq!(signs(&keys), new);
        house.clock.advance(TimeDelta::minutes(1));
        keys.reload().await.expect("reads");
    }
    assert!(!verifies(&keys, &next));
    assert_eq!(house.stored().await, 3);
}

#[tokio::test]
async fn retired_key_ends_in_good_order() {
    let house = House::new().await;
    let keys = house.replica(None).await;
    let old = signs(&keys);
    // It signs: a successor is published.
    let new = kid(keys.retire(&old).await.expect("retires"));
    keys.reload().await.expect("reads");
    assert_eq!(published(&keys), [old.clone(), new.clone()]);
    let end = keys.clock().now() + FIVE_MINUTES + SEEN_BY_REPLICAS + LONGEST_TOKEN;
    let again = keys.retire(&old).await.expect("asked");
    assert_eq!(again, KeyChange::Ends(end));
    // It has not signed yet: it ends at once, and the next reading publishes another.
    let now = keys.clock().now();
    let ended = keys.retire(&new).await.expect("retires");
    assert_eq!(ended, KeyChange::Ends(now));
    keys.reload().await.expect("reads");
    assert!(!verifies(&keys, &new));
    assert_eq!(published(&keys).len(), 2);
    assert_eq!(keys.retire(&new).await.expect("asked"), KeyChange::Ended);
    assert_eq!(keys.retire("x").await.expect("asked"), KeyChange::Unknown);
}

#[tokio::test]
async fn scheduled_rotation_publishes_so_early_that_the_key_is_replaced_at_its_age() {
    let house = House::new().await;
    let scheduled = KeyOptions {
        rotation: Some(TimeDelta::days(90)),
        ..options(None)
    };
    let a = house
        .start(&[ONE], scheduled.clone())
        .await
        .expect("starts");
    let b = house.start(&[ONE], scheduled).await.expect("starts");
    let old = signs(&a);
    let lead = FIVE_MINUTES + SEEN_BY_REPLICAS;
    house
        .clock
        .advance(TimeDelta::days(90) - lead - TimeDelta::microseconds(1));
    for keys in [&a, &b] {
        keys.reload().await.expect("reads");
    }
    assert_eq!(house.stored().await, 1);
    house.clock.advance(TimeDelta::microseconds(1));
    let (one, two) = tokio::join!(a.reload(), b.reload());
    one.and(two).expect("read");
    b.reload().await.expect("reads");
    assert_eq!(house.stored().await, 2, "one for both");
    assert_eq!(signs(&a), old);
    house.clock.advance(lead);
    assert!(signs(&a) != old && signs(&a) == signs(&b));
    // Off is off.
    let off = house.replica(None).await;
    house.clock.advance(TimeDelta::days(1000));
    off.reload().await.expect("reads");
    assert_eq!(house.stored().await, 2);
}

#[tokio::test]
async fn unknown_key_is_looked_up_once_a_second_at_most() {
    let house = House::new().await;
    let (a, b) = (house.replica(None).await, house.replica(None).await);
    let old = signs(&a);
    let new = kid(a.revoke(&old).await.expect("revokes"));
    assert!(!verifies(&b, &new));
    assert!(b.reload_for_unknown().await, "read");
    assert!(verifies(&b, &new));
    assert!(!b.reload_for_unknown().await, "too soon");
}
