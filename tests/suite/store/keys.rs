//! Signing keys, and the database as a whole.

use futures_util::future::join_all;
use rbac_sentinel::testing::error::Error;
use rbac_sentinel::testing::store::{Rotation, StoredKey};

use super::database::{Database, at, rotation};
use super::one_change::OneChange as _;

fn key(kid: &str, seconds: i64) -> StoredKey {
    StoredKey {
        kid: kid.to_owned(),
        algorithm: "EdDSA".to_owned(),
        sealed_private_key: vec![0, 1, 255, 0],
        created_at: at(seconds),
        retired_at: None,
    }
}

pub async fn keys_are_listed_oldest_first_and_new_key_retires_the_others(db: &Database) {
    assert!(
        db.store
            .signing_keys(at(0))
            .await
            .expect("asked")
            .is_empty()
    );
    for (kid, seconds) in [("b", 1), ("c", 2), ("a", 3)] {
        db.signing_key(kid, at(seconds), at(100)).await;
    }
    let keys = db.store.signing_keys(at(10)).await.expect("asked");
    let kids: Vec<_> = keys.iter().map(|key| key.kid.as_str()).collect();
    assert_eq!(kids, ["b", "c", "a"]);
    assert_eq!(keys[0].retired_at, Some(at(100)));
    assert_eq!(keys[1].retired_at, Some(at(100)));
    assert_eq!(keys[2].retired_at, None);
    assert_eq!(keys[0].sealed_private_key, [0, 1, 255, 0]);
    assert_eq!(
        (keys[0].algorithm.as_str(), keys[0].created_at),
        ("algorithm of b", at(1))
    );
    // From its deadline on, a retired key is not listed.
    let keys = db.store.signing_keys(at(100)).await.expect("asked");
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].kid, "a");
}

pub async fn retired_key_keeps_its_first_deadline(db: &Database) {
    for (kid, seconds, until) in [("a", 1, 50), ("b", 2, 60), ("c", 3, 70)] {
        db.signing_key(kid, at(seconds), at(until)).await;
    }
    let keys = db.store.signing_keys(at(10)).await.expect("asked");
    let deadlines: Vec<_> = keys.iter().map(|key| key.retired_at).collect();
    assert_eq!(deadlines, [Some(at(60)), Some(at(70)), None]);
}

pub async fn everything_survives_a_restart(db: &Database) {
    let alice = db.admin("alice").await;
    let session = db.session(&alice, at(0)).await;
    let request = rotation(session.token_hash, at(1));
    db.rotate(&request).await;
    db.signing_key("a", at(1), at(50)).await;
    let before = db.store.user(alice.id).await.expect("asked");
    let sessions = db.store.sessions(alice.id, at(2)).await.expect("asked");

    let store = db.reopen().await;
    assert!(store.has_admin().await.expect("asked"));
    assert_eq!(store.user(alice.id).await.expect("asked"), before);
    let found = store.sessions(alice.id, at(2)).await.expect("asked");
    assert_eq!(found, sessions);
    assert_eq!(found.len(), 1);
    let keys = store.signing_keys(at(2)).await.expect("asked");
    assert_eq!(keys.len(), 1);
    let outcome = store.rotate(&rotation(request.next, at(2))).await;
    assert!(matches!(outcome, Ok(Rotation::Rotated(_))), "{outcome:?}");
    store.close().await;
}

pub async fn ping_answers_on_open_and_fails_on_closed_database(db: &Database) {
    db.store.ping().await.expect("answers");
    db.store.close().await;
    let refused = db.store.ping().await;
    assert!(matches!(refused, Err(Error::Unavailable)), "{refused:?}");
    let refused = db
        .store
        .insert_user(&super::database::new_user("alice"))
        .await;
    assert!(matches!(refused, Err(Error::Unavailable)), "{refused:?}");
}

pub async fn concurrent_replicas_add_one_signing_key(db: &Database) {
    let shared = db.shared().await;
    let attempts = (0..20).map(|n| {
        let store = shared[n % shared.len()].clone();
        tokio::spawn(async move {
            let key = key(&format!("key-{n}"), 1);
            store.ensure_signing_key(&key, at(100)).await
        })
    });
    let added = join_all(attempts).await;
    let added = added.into_iter().map(|added| added.expect("joins"));
    assert_eq!(
        added
            .filter(|added| *added.as_ref().expect("asked"))
            .count(),
        1
    );
    let keys = db.store.signing_keys(at(2)).await.expect("asked");
    assert_eq!(keys.len(), 1);
    // A key of another algorithm does not count.
    let mut other = key("other", 2);
    other.algorithm = "ES256".to_owned();
    for expected in [true, false] {
        let added = db.store.ensure_signing_key(&other, at(100)).await;
        assert_eq!(added.expect("asked"), expected);
    }
    let keys = db.store.signing_keys(at(2)).await.expect("asked");
    let retired: Vec<_> = keys.iter().map(|key| key.retired_at).collect();
    assert_eq!(retired, [Some(at(100)), None]);
}

pub async fn write_check_leaves_nothing_behind(db: &Database) {
    let before = db.store.count_users().await.expect("asked");
    for _ in 0..2 {
        db.store.check_writing().await.expect("writes");
    }
    let keys = db.store.signing_keys(at(0)).await.expect("asked");
    assert!(keys.is_empty(), "{keys:?}");
    assert_eq!(db.store.count_users().await.expect("asked"), before);
}
