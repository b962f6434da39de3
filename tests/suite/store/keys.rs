//! Signing keys, and the database as a whole.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use rbac_sentinel::testing::error::Error;
use rbac_sentinel::testing::store::{Rotation, StoredKey};

use super::database::{Database, at, rotation};
use super::one_change::OneChange as _;

pub fn key(kid: &str, published_at: DateTime<Utc>) -> StoredKey {
    StoredKey {
        kid: kid.to_owned(),
        algorithm: format!("algorithm of {kid}"),
        sealed_private_key: vec![0, 1, 255, 0],
        published_at,
        active_at: published_at + TimeDelta::seconds(5),
        retire_at: None,
        revoked_at: None,
    }
}

pub async fn keys_are_listed_first_published_first_until_they_end(db: &Database) {
    let kids = async |now| {
        let keys = db.store.signing_keys(at(now)).await.expect("asked");
        keys.into_iter().map(|key| key.kid).collect::<Vec<_>>()
    };
    assert!(kids(0).await.is_empty());
    for (kid, seconds) in [("b", 1), ("c", 2), ("a", 3)] {
        db.signing_key(kid, at(seconds)).await;
    }
    let stored = db.store.stored_signing_keys().await.expect("asked");
    assert_eq!(stored[0].sealed_private_key, [0, 1, 255, 0]);
    assert_eq!(stored[0].algorithm, "algorithm of b");
    assert_eq!(
        (stored[0].published_at, stored[0].active_at),
        (at(1), at(6))
    );
    assert_eq!((stored[0].retire_at, stored[0].revoked_at), (None, None));

    // The first deadline stays, unless an earlier one comes.
    assert!(db.retire_signing_key("b", at(100)).await);
    assert!(!db.retire_signing_key("b", at(101)).await);
    assert!(db.retire_signing_key("b", at(50)).await);
    assert_eq!(kids(49).await, ["b", "c", "a"]);
    assert_eq!(kids(50).await, ["c", "a"]);
    // A revoked key ends at once, and once.
    let mut tx = db.store.transaction().await.expect("begun");
    assert!(tx.revoke_signing_key("c", at(10)).await.expect("asked"));
    assert!(!tx.revoke_signing_key("c", at(11)).await.expect("asked"));
    assert!(
        !tx.revoke_signing_key("nobody", at(11))
            .await
            .expect("asked")
    );
    tx.commit().await.expect("stored");
    assert_eq!(kids(0).await, ["b", "a"]);
    let stored = db.store.stored_signing_keys().await.expect("asked");
    assert_eq!(stored[1].revoked_at, Some(at(10)));
    assert_eq!(stored[1].retire_at, Some(at(10)));
}

pub async fn signing_key_is_resealed_and_deleted(db: &Database) {
    for kid in ["a", "b"] {
        db.signing_key(kid, at(1)).await;
    }
    let mut tx = db.store.transaction().await.expect("begun");
    tx.reseal_signing_key("a", &[7, 8]).await.expect("asked");
    tx.delete_signing_key("b").await.expect("asked");
    tx.commit().await.expect("stored");
    let stored = db.store.stored_signing_keys().await.expect("asked");
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].kid, "a");
    assert_eq!(stored[0].sealed_private_key, [7, 8]);
}

pub async fn everything_survives_a_restart(db: &Database) {
    let alice = db.admin("alice").await;
    let session = db.session(&alice, at(0)).await;
    let request = rotation(session.token_hash, at(1));
    db.rotate(&request).await;
    db.signing_key("a", at(1)).await;
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

pub async fn changes_of_signing_keys_wait_for_each_other(db: &Database) {
    let shared = db.shared().await;
    let attempts = (0..20).map(|n| {
        let store = shared[n % shared.len()].clone();
        tokio::spawn(async move {
            let mut tx = store.transaction().await.expect("begun");
            let stored = tx.lock_signing_keys().await.expect("locked");
            if stored.is_empty() {
                let key = key(&format!("key-{n}"), at(1));
                tx.insert_signing_key(&key).await.expect("added");
            }
            tx.commit().await.expect("stored");
        })
    });
    for attempt in join_all(attempts).await {
        attempt.expect("joins");
    }
    let keys = db.store.signing_keys(at(2)).await.expect("asked");
    assert_eq!(keys.len(), 1);
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
