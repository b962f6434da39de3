//! A Redis that lies: entries that an attacker wrote, moved, kept or restored do not count.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use rbac_sentinel::testing::cache::redis::Notification;
use rbac_sentinel::testing::cache::{Cache, Counted, Key, Kind, Redis};
use rbac_sentinel::testing::clock::Clock;
use rbac_sentinel::testing::rate::Rate;

use super::{connected, connected_with, unique_prefix};
use crate::harness::{Intruder, Reply, redis_url, until};

const LONG: Duration = Duration::from_hours(1);
const SHORT: Duration = Duration::from_millis(30);

fn guard() -> Key {
    Key::new(Kind::Epoch, "alice")
}

fn account(id: &str) -> Key {
    Key::new(Kind::Account, id)
}

/// The name of an entry in Redis.
fn name(prefix: &str, kind: &str, id: &str) -> Vec<u8> {
    format!("{prefix}sealed:{kind}:{id}").into_bytes()
}

async fn fill(redis: &Redis, id: &str, value: &[u8], ttl: Duration) -> bool {
    let snapshot = redis.read(&guard(), &[]).await.expect("answers");
    let entries = [(account(id), value.to_vec())];
    let filled = redis.fill(&guard(), &snapshot, &entries, ttl).await;
    filled.expect("answers")
}

async fn value(redis: &Redis, id: &str) -> Option<Vec<u8>> {
    let snapshot = redis.read(&guard(), &[account(id)]).await.expect("answers");
    snapshot.values[0].clone()
}

async fn invalidate(redis: &Redis, id: &str) {
    let done = redis.invalidate(&guard(), &[account(id)], b"changed").await;
    done.expect("answers");
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn entry_that_no_replica_wrote_is_a_miss() {
    let prefix = unique_prefix();
    let (redis, intruder) = (connected(&prefix).await, Intruder::at(&redis_url()));
    assert!(fill(&redis, "a", b"user", LONG).await);
    assert!(fill(&redis, "b", b"admin", LONG).await);
    let (a, b) = (name(&prefix, "account", "a"), name(&prefix, "account", "b"));
    let own = intruder.get(&a).expect("filled");
    let mut changed = own.clone();
    let at = changed.len() - 33;
    changed[at] ^= 1;
    let moved = intruder.get(&b).expect("filled");
    let old = br#"{"until":9000000000000000,"roles":["admin"]}"#;
    for forged in [&changed[..], &moved, old, b"", &[0xff; 200]] {
        intruder.set(&a, forged);
        assert_eq!(value(&redis, "a").await, None);
    }
    // Of another type: no error, either.
    intruder.does(&[b"DEL", &a]);
    intruder.does(&[b"RPUSH", &a, &own]);
    assert_eq!(value(&redis, "a").await, None);
    intruder.does(&[b"DEL", &a]);
    intruder.set(&a, &own);
    assert_eq!(value(&redis, "a").await.as_deref(), Some(&b"user"[..]));
    assert!(fill(&redis, "a", b"again", LONG).await);
    assert_eq!(value(&redis, "a").await.as_deref(), Some(&b"again"[..]));
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn entry_moved_from_another_prefix_does_not_count() {
    let (prefix, other) = (unique_prefix(), unique_prefix());
    let (redis, intruder) = (connected(&prefix).await, Intruder::at(&redis_url()));
    let elsewhere = connected(&other).await;
    assert!(fill(&elsewhere, "a", b"elsewhere", LONG).await);
    let sealed = intruder.get(&name(&other, "account", "a")).expect("filled");
    intruder.set(&name(&prefix, "account", "a"), &sealed);
    assert_eq!(value(&redis, "a").await, None);
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn entry_put_back_after_an_invalidation_does_not_count() {
    let prefix = unique_prefix();
    let (one, two) = (connected(&prefix).await, connected(&prefix).await);
    let intruder = Intruder::at(&redis_url());
    let (entry, epoch) = (
        name(&prefix, "account", "a"),
        name(&prefix, "epoch", "alice"),
    );
    invalidate(&one, "a").await;
    assert!(fill(&one, "a", b"before", LONG).await);
    let (old, old_epoch) = (intruder.get(&entry), intruder.get(&epoch));
    let (old, old_epoch) = (old.expect("filled"), old_epoch.expect("advanced"));
    invalidate(&one, "a").await;
    // Under the epoch of now it counts for nobody.
    intruder.set(&entry, &old);
    assert_eq!(value(&one, "a").await, None);
    assert_eq!(value(&two, "a").await, None);
    // Together with its epoch, or without one, it does not count where the change is known.
    intruder.set(&epoch, &old_epoch);
    assert_eq!(value(&one, "a").await, None);
    intruder.does(&[b"DEL", &epoch]);
    assert_eq!(value(&one, "a").await, None);
    // The next fill puts the epoch right, for every replica.
    assert!(fill(&one, "a", b"after", LONG).await);
    assert_eq!(value(&two, "a").await.as_deref(), Some(&b"after"[..]));
    intruder.set(&entry, &old);
    assert_eq!(value(&two, "a").await, None);
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn forged_epoch_is_replaced() {
    let prefix = unique_prefix();
    let (redis, intruder) = (connected(&prefix).await, Intruder::at(&redis_url()));
    let epoch = name(&prefix, "epoch", "alice");
    let largest = [b"19007199254740991".as_slice(), &[0; 32]].concat();
    for forged in [&b"5"[..], b"", b"1", &largest, b"nan", &[0xff; 49]] {
        for changes in [false, true] {
            intruder.set(&epoch, forged);
            if changes {
                invalidate(&redis, "a").await;
            }
            assert!(fill(&redis, "a", forged, LONG).await, "{forged:?}");
            assert_eq!(value(&redis, "a").await.as_deref(), Some(forged));
        }
    }
    intruder.does(&[b"DEL", &epoch]);
    intruder.does(&[b"RPUSH", &epoch, b"x"]);
    assert!(fill(&redis, "a", b"healed", LONG).await);
    assert_eq!(value(&redis, "a").await.as_deref(), Some(&b"healed"[..]));
    intruder.does(&[b"DEL", &epoch]);
    intruder.does(&[b"RPUSH", &epoch, b"x"]);
    invalidate(&redis, "a").await;
    assert_eq!(value(&redis, "a").await, None);
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn entry_expires_although_redis_keeps_it() {
    let prefix = unique_prefix();
    let (redis, intruder) = (connected(&prefix).await, Intruder::at(&redis_url()));
    let entry = name(&prefix, "account", "a");
    assert!(fill(&redis, "a", b"x", SHORT).await);
    // A machine that is too slow finds it gone, and tries again.
    let mut kept = intruder.get(&entry);
    while kept.is_none() {
        assert!(fill(&redis, "a", b"x", SHORT).await);
        kept = intruder.get(&entry);
    }
    intruder.set(&entry, &kept.expect("filled"));
    until("expired", async || value(&redis, "a").await.is_none()).await;
    assert!(intruder.get(&entry).is_some(), "Redis has it still");
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn entry_of_another_clock_does_not_count() {
    let prefix = unique_prefix();
    let redis = connected(&prefix).await;
    for (ahead, counts) in [(3600, false), (-3600, false), (0, true)] {
        let clock = Clock::manual(Clock::system().now() + TimeDelta::seconds(ahead));
        let other = connected_with(&prefix, clock).await;
        assert!(fill(&other, "a", b"x", Duration::from_mins(30)).await);
        let found = value(&redis, "a").await.is_some();
        assert_eq!(found, counts, "{ahead}");
    }
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn replica_whose_clock_is_behind_can_invalidate() {
    let prefix = unique_prefix();
    let clock = |seconds| Clock::manual(Clock::system().now() + TimeDelta::seconds(seconds));
    let ahead = connected_with(&prefix, clock(3600)).await;
    let behind = connected_with(&prefix, clock(-3600)).await;
    let snapshot = behind.read(&guard(), &[]).await.expect("answers");
    invalidate(&ahead, "a").await;
    for redis in [&behind, &ahead, &behind] {
        let slow = behind.read(&guard(), &[]).await.expect("answers");
        invalidate(redis, "a").await;
        let entries = [(account("a"), b"old".to_vec())];
        for snapshot in [&snapshot, &slow] {
            let filled = behind.fill(&guard(), snapshot, &entries, LONG).await;
            assert!(!filled.expect("answers"), "loaded before the change");
        }
        assert!(fill(&behind, "a", b"new", LONG).await);
        assert_eq!(value(&behind, "a").await.as_deref(), Some(&b"new"[..]));
    }
}

/// Everything that this replica is told of invalidations, from now on.
async fn listening(redis: Redis) -> (Arc<Mutex<Vec<Vec<u8>>>>, tokio::task::JoinHandle<()>) {
    let received: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let subscribed = Arc::new(tokio::sync::Notify::new());
    let (into, ready) = (Arc::clone(&received), Arc::clone(&subscribed));
    let listener = tokio::spawn(async move {
        let handle = |notification: Notification<'_>| match notification {
            Notification::Subscribed => ready.notify_one(),
            Notification::KeyChange => {}
            Notification::Message(message) => {
                into.lock().expect("sound").push(message.to_vec());
            }
        };
        redis.listen(handle).await;
    });
    subscribed.notified().await;
    (received, listener)
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn every_replica_hears_of_changes_at_replicas_whose_clocks_are_behind() {
    let prefix = unique_prefix();
    let (received, listener) = listening(connected(&prefix).await).await;
    let far = DateTime::from_timestamp_micros(1 << 53).expect("a time");
    let clocks = [
        Clock::system(),
        Clock::manual(Clock::system().now() + TimeDelta::hours(1)),
        Clock::system(),
        // Beyond the largest epoch.
        Clock::manual(far),
        Clock::system(),
    ];
    let mut expected = Vec::new();
    for (number, clock) in (0_u8..).zip(clocks) {
        let redis = connected_with(&prefix, clock).await;
        let done = redis.invalidate(&guard(), &[account("a")], &[number]).await;
        done.expect("answers");
        expected.push(vec![number]);
        let heard = || received.lock().expect("sound").clone();
        until("heard", async || heard() == expected).await;
    }
    listener.abort();
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn forged_and_repeated_messages_are_not_passed_on() {
    let prefix = unique_prefix();
    let received: Arc<Mutex<Vec<Option<Vec<u8>>>>> = Arc::default();
    let (redis, sender) = (connected(&prefix).await, connected(&prefix).await);
    let intruder = Intruder::at(&redis_url());
    let into = Arc::clone(&received);
    let listener = tokio::spawn(async move {
        let handle = |notification: Notification<'_>| {
            into.lock().expect("sound").push(match notification {
                Notification::Subscribed | Notification::KeyChange => None,
                Notification::Message(message) => Some(message.to_vec()),
            });
        };
        redis.listen(handle).await;
    });
    let count = || received.lock().expect("sound").len();
    until("listening", async || count() == 1).await;
    // The messages that the attacker receives.
    let channel = format!("{prefix}sealed:invalidations");
    let ear = Intruder::at(&redis_url());
    ear.does(&[b"SUBSCRIBE", channel.as_bytes()]);
    invalidate(&sender, "a").await;
    until("received", async || count() == 2).await;
    let Reply::List(heard) = ear.message() else {
        panic!("no message");
    };
    let Reply::Text(heard) = &heard[2] else {
        panic!("no message");
    };
    let old = br#"{"from":"0193b5a0-0000-7000-8000-000000000000","at":1,"user":"0193b5a0-0000-7000-8000-000000000000","sessions":null}"#;
    let mut changed = heard.clone();
    changed[1] ^= 1;
    for message in [&b""[..], b"x", old, &changed, heard, &heard[..40]] {
        intruder.does(&[b"PUBLISH", channel.as_bytes(), message]);
    }
    invalidate(&sender, "a").await;
    until("received", async || count() >= 3).await;
    let received = received.lock().expect("sound").clone();
    let genuine = Some(b"changed".to_vec());
    assert_eq!(received, [None, genuine.clone(), genuine]);
    listener.abort();
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn counters_that_somebody_resets_admit_no_more_than_one_burst_beyond() {
    let prefix = unique_prefix();
    let cache = Cache::Redis(connected(&prefix).await);
    let intruder = Intruder::at(&redis_url());
    let limit = Rate {
        count: 10,
        period: Duration::from_hours(24),
    };
    let counted = Counted {
        limiter: "login",
        dimension: "account",
        digest: *b"0123456789abcdef",
    };
    let mut admitted = 0;
    for round in 0..100 {
        let (permits, _) = cache.try_acquire(&[(counted.clone(), limit)]).await;
        admitted += usize::from(permits[0].allowed);
        for name in intruder.names(&format!("{prefix}limit:")) {
            let value: &[u8] = match round % 3 {
                0 => b"0",
                1 => b"nan",
                _ => b"inf",
            };
            intruder.set(&name, value);
        }
    }
    assert_eq!(admitted, 20);
}
