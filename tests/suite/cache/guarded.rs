//! Guarded entries in Redis: an invalidation beats every load that began before it, and reaches all
//! replicas.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rbac_sentinel::testing::cache::redis::Notification;
use rbac_sentinel::testing::cache::{Key, Kind, Redis};
use tokio::task::JoinSet;

use super::{connected, unique_prefix};
use crate::harness::until;

const LONG: Duration = Duration::from_hours(1);
/// Stands for the notification of a change of keys.
const KEYS: &[u8] = b"keys";

/// A subscriber and its notification; `None` for the start of its subscription.
type Received = (&'static str, Option<Vec<u8>>);

fn guard() -> Key {
    Key::new(Kind::Epoch, "alice")
}

fn entry(id: &str, value: &[u8]) -> (Key, Vec<u8>) {
    (Key::new(Kind::Account, id), value.to_vec())
}

async fn change(redis: &Redis, keys: &[Key], message: &[u8]) {
    let changed = redis.invalidate(&guard(), keys, message).await;
    changed.expect("answers");
}

async fn value(redis: &Redis, id: &str) -> Option<Vec<u8>> {
    let (key, _) = entry(id, b"");
    let snapshot = redis.read(&guard(), &[key]).await.expect("answers");
    snapshot.values[0].clone()
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn loaded_entry_is_found_by_every_replica() {
    let prefix = unique_prefix();
    let (one, other) = (connected(&prefix).await, connected(&prefix).await);
    let entries = [entry("a", b"first"), entry("b", b"\0\xff")];
    let keys = entries.clone().map(|(key, _)| key);
    let snapshot = one.read(&guard(), &keys).await.expect("answers");
    assert_eq!(snapshot.values, [None, None]);
    let filled = one.fill(&guard(), &snapshot, &entries, LONG).await;
    assert!(filled.expect("answers"));
    let snapshot = other.read(&guard(), &keys).await.expect("answers");
    let expected = entries.map(|(_, value)| Some(value));
    assert_eq!(snapshot.values, expected);
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn load_begun_before_an_invalidation_is_not_stored() {
    let prefix = unique_prefix();
    let (one, other) = (connected(&prefix).await, connected(&prefix).await);
    let (key, _) = entry("a", b"");
    for _ in 0..3 {
        let slow = one.read(&guard(), &[]).await.expect("answers");
        change(&other, std::slice::from_ref(&key), b"").await;
        let old = one.fill(&guard(), &slow, &[entry("a", b"old")], LONG).await;
        assert!(!old.expect("answers"));
        assert_eq!(value(&other, "a").await, None);
        let quick = one.read(&guard(), &[]).await.expect("answers");
        let new = one
            .fill(&guard(), &quick, &[entry("a", b"new")], LONG)
            .await;
        assert!(new.expect("answers"));
        assert_eq!(value(&other, "a").await.as_deref(), Some(&b"new"[..]));
    }
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn invalidation_ends_every_entry_of_its_guard_and_none_of_another() {
    let redis = connected(&unique_prefix()).await;
    let other = Key::new(Kind::Epoch, "bob");
    for (guard, id) in [(guard(), "a"), (guard(), "b"), (other.clone(), "c")] {
        let snapshot = redis.read(&guard, &[]).await.expect("answers");
        let filled = redis
            .fill(&guard, &snapshot, &[entry(id, b"x")], LONG)
            .await;
        assert!(filled.expect("answers"));
    }
    let [a, c] = ["a", "c"].map(|id| entry(id, b"").0);
    change(&redis, &[a], b"").await;
    assert_eq!(value(&redis, "a").await, None);
    // Not named, but of an earlier epoch.
    assert_eq!(value(&redis, "b").await, None);
    let snapshot = redis.read(&other, &[c]).await.expect("answers");
    assert_eq!(snapshot.values, [Some(b"x".to_vec())]);
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn invalidation_of_many_entries_is_one_change() {
    let redis = connected(&unique_prefix()).await;
    let keys: Vec<Key> = (0..20_000_u32)
        .map(|number| Key::new(Kind::Session, number.to_le_bytes()))
        .collect();
    change(&redis, &keys, b"").await;
    let snapshot = redis.read(&guard(), &[]).await.expect("answers");
    let filled = redis.fill(&guard(), &snapshot, &[], LONG).await;
    assert!(filled.expect("answers"));
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn entries_expire() {
    let redis = connected(&unique_prefix()).await;
    for ttl in [Duration::from_millis(20), LONG] {
        let snapshot = redis.read(&guard(), &[]).await.expect("answers");
        let filled = redis
            .fill(&guard(), &snapshot, &[entry("a", b"x")], ttl)
            .await;
        assert!(filled.expect("answers"));
        if ttl < LONG {
            until("expired", async || value(&redis, "a").await.is_none()).await;
        }
    }
    assert_eq!(value(&redis, "a").await.as_deref(), Some(&b"x"[..]));
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn values_and_ids_may_be_any_bytes_and_kinds_do_not_collide() {
    let redis = connected(&unique_prefix()).await;
    let all: Vec<u8> = (0..=255).collect();
    let large = vec![0xff; 100_000];
    let values = [&b""[..], b"\0", b"\r\n$3\r\n", &all, &large];
    let ids = [&b""[..], b":x", b"session:x", b"account:", &all];
    let entries: Vec<(Key, Vec<u8>)> = [Kind::Session, Kind::Account]
        .iter()
        .flat_map(|kind| ids.map(|id| Key::new(*kind, id)))
        .zip(values.iter().chain(&values).rev())
        .map(|(key, value)| (key, value.to_vec()))
        .collect();
    let snapshot = redis.read(&guard(), &[]).await.expect("answers");
    let filled = redis.fill(&guard(), &snapshot, &entries, LONG).await;
    assert!(filled.expect("answers"));
    for (key, value) in entries {
        let read = redis.read(&guard(), std::slice::from_ref(&key)).await;
        assert_eq!(read.expect("answers").values, [Some(value)], "{key:?}");
    }
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn aborted_callers_do_not_shift_the_answers_of_others() {
    let redis = connected(&unique_prefix()).await;
    let entries: Vec<_> = (0..20_u8)
        .map(|number| entry(&format!("entry {number}"), &[number]))
        .collect();
    let snapshot = redis.read(&guard(), &[]).await.expect("answers");
    let filled = redis.fill(&guard(), &snapshot, &entries, LONG).await;
    assert!(filled.expect("answers"));
    for round in 0..50 {
        for (key, _) in &entries {
            let (caller, left) = (redis.clone(), key.clone());
            let caller = tokio::spawn(async move { caller.read(&guard(), &[left]).await });
            for _ in 0..round % 5 {
                tokio::task::yield_now().await;
            }
            caller.abort();
        }
        for (key, value) in &entries {
            let read = redis.read(&guard(), std::slice::from_ref(key)).await;
            assert_eq!(read.expect("answers").values, [Some(value.clone())]);
        }
    }
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn changes_are_published_to_replicas_of_the_same_prefix_only() {
    let prefix = unique_prefix();
    let received: Arc<Mutex<Vec<Received>>> = Arc::default();
    let mut listeners = JoinSet::new();
    for (name, prefix) in [
        ("one", prefix.clone()),
        ("two", prefix.clone()),
        ("stranger", unique_prefix()),
    ] {
        let redis = connected(&prefix).await;
        let received = Arc::clone(&received);
        listeners.spawn(async move {
            let handle = |notification: Notification<'_>| {
                let message = match notification {
                    Notification::Subscribed => None,
                    Notification::KeyChange => Some(KEYS.to_vec()),
                    Notification::Message(message) => Some(message.to_vec()),
                };
                received.lock().expect("sound").push((name, message));
            };
            redis.listen(handle).await;
        });
    }
    let has = |name: &str, message: Option<&[u8]>| {
        let received = received.lock().expect("sound");
        received
            .iter()
            .any(|(by, received)| *by == name && received.as_deref() == message)
    };
    for name in ["one", "two", "stranger"] {
        until("listening", async || has(name, None)).await;
        let first = received.lock().expect("sound");
        let first = first.iter().find(|(by, _)| *by == name).cloned();
        assert_eq!(first, Some((name, None)), "nothing is received before that");
    }
    let message = b"\0\xffanything";
    let redis = connected(&prefix).await;
    // Published repeatedly: a subscriber that reconnects misses messages in between.
    until("received by both", async || {
        change(&redis, &[], message).await;
        has("one", Some(message)) && has("two", Some(message))
    })
    .await;
    until("a change of keys received by both", async || {
        redis.announce_key_change().await.expect("answers");
        has("one", Some(KEYS)) && has("two", Some(KEYS))
    })
    .await;
    assert!(!has("stranger", Some(message)));
}
