//! Times are kept to the microsecond and compare as times, however they are written down.

use chrono::TimeDelta;

use super::database::{Database, at, moment, new_session, new_user};
use super::one_change::OneChange as _;

/// Around a whole second: engines that keep text must not shorten or misorder these.
const MICROS: [i64; 8] = [0, 1, 10, 1_000, 1_001, 100_000, 999_999, 1_000_000];

pub async fn times_are_stored_to_the_microsecond(db: &Database) {
    for micros in MICROS {
        let mut new = new_user(&format!("user{micros}"));
        new.at = moment(micros);
        let made = db.store.insert_user(&new).await.expect("made");
        let session = db.session(&made, moment(micros)).await;
        let stored = db.store.user(made.id).await.expect("asked");
        let stored = stored.expect("there");
        assert_eq!(stored.created_at, moment(micros));
        assert_eq!(stored.last_login_at, Some(moment(micros)));
        let listed = db.store.sessions(made.id, moment(micros)).await;
        let listed = listed.expect("asked");
        assert_eq!(listed[0].created_at, moment(micros));
        assert_eq!(listed[0].expires_at, session.expires_at);
    }
}

pub async fn deadlines_compare_with_and_without_fractional_seconds(db: &Database) {
    let alice = db.user("alice").await;
    for deadline in MICROS {
        let mut new = new_session(&alice, at(-50));
        new.idle_expires_at = moment(deadline);
        let started = db.store.start_session(&new, super::database::HASH, None);
        assert!(started.await.expect("asked"));
        for now in MICROS {
            let lives = db.lives(&new, moment(now)).await;
            assert_eq!(lives, now < deadline, "{now} of {deadline}");
        }
        let before = moment(deadline) - TimeDelta::microseconds(1);
        assert!(db.lives(&new, before).await, "{deadline}");
    }
}

pub async fn keys_sort_with_and_without_fractional_seconds(db: &Database) {
    // Neither the order of names nor that of insertion is the order of times.
    let mut order: Vec<_> = MICROS.iter().rev().enumerate().collect();
    order.rotate_left(3);
    for (n, micros) in order {
        let kid = format!("key{n}");
        db.signing_key(&kid, moment(*micros)).await;
    }
    let keys = db.store.signing_keys(at(5)).await.expect("asked");
    let times: Vec<_> = keys.iter().map(|key| key.published_at).collect();
    assert_eq!(times, MICROS.map(moment));
}
