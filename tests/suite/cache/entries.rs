//! Entries: what is put, found, taken and forgotten.

use std::sync::Arc;
use std::time::Duration;

use rbac_sentinel::cache::{Cache, Key, Kind};

use super::{Subject, key};
use crate::harness::until;

const LONG: Duration = Duration::from_hours(1);
const SHORT: Duration = Duration::from_millis(20);

async fn get(cache: &Cache, key: &Key) -> Option<Vec<u8>> {
    cache.get(key).await.expect("answers")
}

async fn gone(subject: &Subject, key: &Key) {
    subject.pass(SHORT).await;
    until("expired", async || {
        get(subject.cache(), key).await.is_none()
    })
    .await;
}

/// How many of a hundred, half of them on each handle, are told yes.
async fn race<F>(subject: &Subject, attempt: impl Fn(Arc<Cache>, usize) -> F) -> usize
where
    F: Future<Output = bool> + Send + 'static,
{
    let attempts: Vec<_> = (0..100)
        .map(|number| {
            let cache = Arc::clone(&subject.handles[number % 2]);
            tokio::spawn(attempt(cache, number))
        })
        .collect();
    let mut told_yes = 0;
    for attempt in attempts {
        told_yes += usize::from(attempt.await.expect("ends"));
    }
    told_yes
}

pub async fn entry_is_found_until_replaced_or_removed(subject: &Subject) {
    let [one, other] = &subject.handles;
    let key = key("a");
    assert_eq!(get(one, &key).await, None);
    one.set(&key, b"first", LONG).await.expect("put");
    assert_eq!(get(other, &key).await.as_deref(), Some(&b"first"[..]));
    other.set(&key, b"second", LONG).await.expect("put");
    assert_eq!(get(one, &key).await.as_deref(), Some(&b"second"[..]));
    one.remove(&key).await.expect("removed");
    assert_eq!(get(other, &key).await, None);
    one.remove(&key)
        .await
        .expect("removing nothing is no error");
}

pub async fn entry_expires(subject: &Subject) {
    let cache = subject.cache();
    let (short, long) = (key("short"), key("long"));
    cache.set(&short, b"x", SHORT).await.expect("put");
    cache.set(&long, b"x", LONG).await.expect("put");
    gone(subject, &short).await;
    assert_eq!(cache.take(&short).await.expect("answers"), None);
    assert_eq!(get(cache, &long).await.as_deref(), Some(&b"x"[..]));
    // A new entry has a life of its own, whatever the one before had.
    cache.set(&long, b"y", SHORT).await.expect("put");
    gone(subject, &long).await;
    cache.set(&short, b"z", LONG).await.expect("put");
    subject.pass(2 * SHORT).await;
    assert_eq!(get(cache, &short).await.as_deref(), Some(&b"z"[..]));
}

pub async fn of_a_hundred_that_put_an_entry_where_there_is_none_one_does(subject: &Subject) {
    let winners = race(subject, |cache, number| async move {
        let value = number.to_string();
        let put = cache
            .set_if_absent(&key("lock"), value.as_bytes(), LONG)
            .await;
        let put = put.expect("answers");
        if put {
            let found = cache.get(&key("lock")).await.expect("answers");
            assert_eq!(found, Some(value.into_bytes()), "the winner's is there");
        }
        put
    });
    assert_eq!(winners.await, 1);
}

pub async fn an_expired_entry_is_as_good_as_none(subject: &Subject) {
    let cache = subject.cache();
    let key = key("lock");
    assert!(
        cache
            .set_if_absent(&key, b"1", SHORT)
            .await
            .expect("answers")
    );
    gone(subject, &key).await;
    assert!(
        cache
            .set_if_absent(&key, b"2", LONG)
            .await
            .expect("answers")
    );
    assert!(
        !cache
            .set_if_absent(&key, b"3", LONG)
            .await
            .expect("answers")
    );
    assert_eq!(get(cache, &key).await.as_deref(), Some(&b"2"[..]));
}

pub async fn of_a_hundred_that_take_an_entry_one_gets_it(subject: &Subject) {
    for round in 0..5 {
        let key = key(format!("code {round}"));
        subject.cache().set(&key, b"once", LONG).await.expect("put");
        let winners = race(subject, |cache, _| {
            let key = key.clone();
            async move {
                let taken = cache.take(&key).await.expect("answers");
                assert!(taken.as_deref().is_none_or(|value| value == b"once"));
                taken.is_some()
            }
        });
        assert_eq!(winners.await, 1);
        assert_eq!(get(subject.cache(), &key).await, None);
    }
}

pub async fn values_and_ids_are_any_bytes(subject: &Subject) {
    let cache = subject.cache();
    let all: Vec<u8> = (0..=255).collect();
    let large = vec![0xff; 100_000];
    for value in [&b""[..], b"\0", b"\r\n$3\r\n", &all, &large] {
        let key = Key::new(Kind::Account, &value[..value.len().min(256)]);
        cache.set(&key, value, LONG).await.expect("put");
        assert_eq!(get(cache, &key).await.as_deref(), Some(value));
        assert_eq!(
            cache.take(&key).await.expect("answers").as_deref(),
            Some(value)
        );
    }
}

pub async fn kinds_are_kept_apart(subject: &Subject) {
    let cache = subject.cache();
    let kinds = [Kind::Session, Kind::Account, Kind::Epoch];
    let keys: Vec<Key> = ["", "x", ":x", "session:x", "account:"]
        .iter()
        .flat_map(|id| kinds.map(|kind| Key::new(kind, id)))
        .collect();
    for (number, key) in keys.iter().enumerate() {
        let value = number.to_string();
        cache.set(key, value.as_bytes(), LONG).await.expect("put");
    }
    for (number, key) in keys.iter().enumerate() {
        let value = number.to_string().into_bytes();
        assert_eq!(get(cache, key).await, Some(value), "{key:?}");
    }
    cache.remove(&keys[0]).await.expect("removed");
    for key in &keys[1..] {
        assert!(get(cache, key).await.is_some(), "{key:?}");
    }
}

pub async fn callers_that_leave_confuse_nobody_else(subject: &Subject) {
    let cache = subject.cache();
    let keys: Vec<Key> = (0..20_u8).map(|number| key([number])).collect();
    for key in &keys {
        let value = format!("{key:?}");
        cache.set(key, value.as_bytes(), LONG).await.expect("put");
    }
    for round in 0..50 {
        for key in &keys {
            let handle = Arc::clone(&subject.handles[0]);
            let left = key.clone();
            let caller = tokio::spawn(async move { handle.get(&left).await });
            for _ in 0..round % 5 {
                tokio::task::yield_now().await;
            }
            caller.abort();
        }
        for key in &keys {
            let value = format!("{key:?}").into_bytes();
            assert_eq!(get(cache, key).await, Some(value));
        }
    }
}
