//! Leases, and what housekeeping removes and keeps.

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use rbac_sentinel::testing::store::{
    EndReason, HOUSEKEEPING_BATCH, Lease, LeaseName, NewSession, Outdated, Rotation,
};
use uuid::Uuid;

use super::database::{Database, at, rotation};
use super::one_change::OneChange as _;

const JOB: LeaseName = LeaseName::Housekeeping;
const LOGOUT: EndReason = EndReason::Logout;

fn lease(holder: Uuid, seconds: i64, until: i64) -> Lease {
    Lease {
        name: JOB,
        holder,
        at: at(seconds),
        until: at(until),
    }
}

/// Begins a run with a lease that does not expire.
async fn begun(db: &Database) -> Lease {
    let lease = lease(Uuid::now_v7(), 0, 1_000_000);
    let begun = db.store.begin_run(&lease, at(0)).await;
    assert!(begun.expect("asked"));
    lease
}

/// Removes all rows of a kind that were outdated before `before`; returns how many.
async fn remove(db: &Database, kind: Outdated, lease: &Lease, before: DateTime<Utc>) -> u64 {
    let mut all = 0;
    loop {
        let removed = db.store.remove_outdated(kind, lease, before).await;
        match removed.expect("asked").expect("the lease holds") {
            0 => return all,
            removed => all += removed,
        }
    }
}

pub async fn concurrent_housekeeping_begins_once(db: &Database) {
    let before = db.store.last_run(JOB).await.expect("asked");
    assert_eq!((before.holder, before.succeeded_at), (None, None));
    let shared = db.shared().await;
    let reach = (0..40).map(|n| {
        let store = shared[n % shared.len()].clone();
        tokio::spawn(async move {
            let lease = lease(Uuid::now_v7(), 0, 60);
            let begun = store.begin_run(&lease, at(0)).await;
            begun.expect("asked").then_some(lease.holder)
        })
    });
    let begun = join_all(reach).await;
    let holders: Vec<_> = begun
        .into_iter()
        .filter_map(|holder| holder.expect("joins"))
        .collect();
    assert_eq!(holders.len(), 1, "{holders:?}");
    let run = shared[1].last_run(JOB).await.expect("asked");
    assert_eq!(
        (run.holder, run.started_at),
        (Some(holders[0]), at(0)),
        "every replica sees the holder"
    );
}

pub async fn housekeeping_begins_when_due_and_not_running(db: &Database) {
    let [a, b] = [Uuid::now_v7(), Uuid::now_v7()];
    let begin = async |holder, now, due| {
        let lease = lease(holder, now, now + 60);
        let begun = db.store.begin_run(&lease, at(due)).await;
        begun.expect("asked")
    };
    assert!(begin(a, 0, -300).await, "the first");
    assert!(!begin(b, 59, 59).await, "the other is at it");
    assert!(!begin(a, 59, 59).await, "so is it itself");
    let end = async |holder, now| {
        let held = db.store.complete_run(&lease(holder, now, now)).await;
        held.expect("asked")
    };
    assert!(!end(b, 10).await, "not its own");
    assert!(end(a, 10).await);
    assert!(!end(a, 11).await, "a lost lease cannot be ended");
    let run = db.store.last_run(JOB).await.expect("asked");
    assert_eq!((run.started_at, run.succeeded_at), (at(0), Some(at(10))));
    assert!(!begin(b, 20, -280).await, "not due yet");
    assert!(begin(b, 300, 0).await, "due");
    // The holder crashes: the lease expires.
    assert!(!begin(a, 359, 359).await);
    assert!(begin(a, 360, 359).await);
    let run = db.store.last_run(JOB).await.expect("asked");
    assert_eq!((run.holder, run.started_at), (Some(a), at(360)));
    assert_eq!(run.succeeded_at, Some(at(10)), "the crashed one was none");
}

pub async fn housekeeping_that_lost_its_lease_removes_nothing(db: &Database) {
    let alice = db.user("alice").await;
    let session = db.session(&alice, at(-1000)).await;
    let [a, b] = [Uuid::now_v7(), Uuid::now_v7()];
    let kind = Outdated::ExpiredSession;
    let first = db.store.begin_run(&lease(a, 0, 60), at(0)).await;
    assert!(first.expect("asked"));
    let second = db.store.begin_run(&lease(b, 60, 120), at(0)).await;
    assert!(second.expect("asked"));
    for now in [59, 61] {
        let lease = lease(a, now, 200);
        let removed = db.store.remove_outdated(kind, &lease, at(0)).await;
        assert_eq!(removed.expect("asked"), None, "{now}");
        let held = db.store.complete_run(&lease).await;
        assert!(!held.expect("asked"), "{now}");
    }
    assert!(exists(db, &session).await);
    // A batch renews the lease. An expired lease is lost, even if no other replica took it.
    let mut removed = Vec::new();
    for now in [61, 179, 299, 500] {
        let lease = lease(b, now, now + 120);
        let batch = db.store.remove_outdated(kind, &lease, at(0)).await;
        removed.push(batch.expect("asked"));
    }
    assert_eq!(removed, [Some(1), Some(0), None, None]);
    assert!(!exists(db, &session).await);
}

pub async fn housekeeping_batch_is_bounded(db: &Database) {
    let alice = db.user("alice").await;
    let batch = usize::try_from(HOUSEKEEPING_BATCH).expect("small");
    for _ in 0..2 * batch + 3 {
        db.session(&alice, at(-100)).await;
    }
    let ended = db.store.end_sessions(alice.id, LOGOUT, at(-99)).await;
    assert_eq!(ended.expect("ended").len(), 2 * batch + 3);
    let lease = begun(db).await;
    let mut removed = Vec::new();
    for _ in 0..4 {
        let kind = Outdated::EndedSession;
        let batch = db.store.remove_outdated(kind, &lease, at(0)).await;
        removed.push(batch.expect("asked").expect("the lease holds"));
    }
    assert_eq!(removed, [HOUSEKEEPING_BATCH, HOUSEKEEPING_BATCH, 3, 0]);
}

/// Whether the session is still found by its first token.
async fn exists(db: &Database, session: &NewSession) -> bool {
    let owner = db.store.session_of_token(session.token_hash).await;
    owner.expect("asked").is_some()
}

pub async fn housekeeping_removes_expired_sessions_only(db: &Database) {
    let alice = db.user("alice").await;
    let end = async |session: &NewSession, seconds| {
        let ended = db
            .store
            .end_session(session.id, alice.id, LOGOUT, at(seconds));
        assert!(ended.await.expect("asked"));
    };
    // Without a refresh they expire after ten seconds.
    let expired = db.session(&alice, at(-11)).await;
    let just_expired = db.session(&alice, at(-10)).await;
    let living = db.session(&alice, at(0)).await;
    let ended = db.session(&alice, at(-20)).await;
    end(&ended, -1).await;
    // The session expired long ago, but was ended just now.
    let just_ended = db.session(&alice, at(-200)).await;
    end(&just_ended, 0).await;

    let lease = begun(db).await;
    assert_eq!(remove(db, Outdated::ExpiredSession, &lease, at(0)).await, 1);
    assert!(!exists(db, &expired).await);
    assert!(exists(db, &ended).await, "another kind");
    assert_eq!(remove(db, Outdated::EndedSession, &lease, at(0)).await, 1);
    assert!(!exists(db, &ended).await);
    let outcome =
        async |session: &NewSession| db.rotate(&rotation(session.token_hash, at(1))).await;
    for gone in [&expired, &ended] {
        let outcome = outcome(gone).await;
        assert!(matches!(outcome, Rotation::Unknown), "{outcome:?}");
    }
    let kept = outcome(&just_expired).await;
    assert!(matches!(kept, Rotation::Expired { .. }), "{kept:?}");
    let kept = outcome(&just_ended).await;
    assert!(matches!(kept, Rotation::Ended { .. }), "{kept:?}");
    let kept = outcome(&living).await;
    assert!(matches!(kept, Rotation::Rotated(_)), "{kept:?}");
    // Beyond every deadline: all sessions but the active one are gone.
    assert_eq!(remove(db, Outdated::ExpiredSession, &lease, at(9)).await, 1);
    assert_eq!(remove(db, Outdated::EndedSession, &lease, at(9)).await, 1);
    assert!(db.lives(&living, at(2)).await);
}

pub async fn housekeeping_removes_rotated_tokens_and_reuse_stays_detected(db: &Database) {
    let alice = db.user("alice").await;
    let session = db.session(&alice, at(0)).await;
    let mut chain = vec![session.token_hash];
    for second in 1..=6 {
        let request = rotation(chain[chain.len() - 1], at(second));
        db.rotate(&request).await;
        chain.push(request.next);
    }
    let lease = begun(db).await;
    // The tokens rotated in the first and the second second.
    assert_eq!(remove(db, Outdated::RefreshToken, &lease, at(3)).await, 2);
    for gone in &chain[..2] {
        let outcome = db.rotate(&rotation(*gone, at(7))).await;
        assert!(matches!(outcome, Rotation::Unknown), "{outcome:?}");
        let owner = db.store.session_of_token(*gone).await.expect("asked");
        assert_eq!(owner, None);
    }
    assert!(db.lives(&session, at(7)).await, "the session stays active");
    // The one that was rotated last, within its grace period, and the living one.
    let outcome = db.rotate(&rotation(chain[5], at(7))).await;
    assert!(matches!(outcome, Rotation::Replayed { .. }), "{outcome:?}");
    assert!(db.lives(&session, at(7)).await);
    let outcome = db.rotate(&rotation(chain[2], at(7))).await;
    assert!(matches!(outcome, Rotation::Reused { .. }), "{outcome:?}");
    assert!(!db.lives(&session, at(7)).await);

    // A living token is not rotated, however old it is.
    let other = db.session(&alice, at(-9)).await;
    assert_eq!(remove(db, Outdated::RefreshToken, &lease, at(8)).await, 4);
    assert!(exists(db, &other).await);
    let outcome = db.rotate(&rotation(other.token_hash, at(0))).await;
    assert!(matches!(outcome, Rotation::Rotated(_)), "{outcome:?}");
    let outcome = db.rotate(&rotation(chain[6], at(8))).await;
    assert!(matches!(outcome, Rotation::Ended { .. }), "{outcome:?}");
}

pub async fn housekeeping_removes_long_retired_signing_keys(db: &Database) {
    for (kid, made, until) in [("a", 1, Some(50)), ("b", 2, Some(70)), ("c", 3, None)] {
        db.signing_key(kid, at(made)).await;
        if let Some(until) = until {
            assert!(db.retire_signing_key(kid, at(until)).await);
        }
    }
    let kids = async || {
        let keys = db.store.stored_signing_keys().await.expect("asked");
        keys.into_iter().map(|key| key.kid).collect::<Vec<_>>()
    };
    let lease = begun(db).await;
    let kind = Outdated::SigningKey;
    assert_eq!(remove(db, kind, &lease, at(50)).await, 0);
    assert_eq!(kids().await, ["a", "b", "c"]);
    assert_eq!(remove(db, kind, &lease, at(51)).await, 1);
    assert_eq!(kids().await, ["b", "c"]);
    assert_eq!(remove(db, kind, &lease, at(1000)).await, 1);
    assert_eq!(kids().await, ["c"]);
}
