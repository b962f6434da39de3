//! Rotation of refresh tokens: each session has one current token.

use chrono::TimeDelta;
use futures_util::future::join_all;
use rbac_sentinel::testing::store::EndReason;
use rbac_sentinel::testing::store::{ProfileChange, Rotation};

use super::database::{Database, at, rotation, token};
use super::one_change::OneChange as _;

pub async fn rotation_replaces_the_presented_token(db: &Database) {
    let alice = db.user("alice").await;
    let session = db.session(&alice, at(0)).await;
    let mut presented = session.token_hash;
    for step in 1..5 {
        let request = rotation(presented, at(step));
        match db.rotate(&request).await {
            Rotation::Rotated {
                session: id,
                user,
                ends_at,
            } => {
                assert_eq!((id, user.id), (session.id, alice.id));
                assert_eq!(ends_at, session.expires_at);
                assert_eq!(user.roles, alice.roles);
            }
            other => panic!("{other:?}"),
        }
        let listed = db.store.sessions(alice.id, at(step)).await.expect("asked");
        assert_eq!(listed[0].last_used_at, at(step));
        assert_eq!(listed[0].created_at, at(0));
        presented = request.next;
    }
    // The session of a token is found in every state of both.
    for hash in [session.token_hash, presented] {
        let owner = db.store.session_of_token(hash).await.expect("asked");
        assert_eq!(owner, Some((session.id, alice.id)));
    }
}

pub async fn rotation_of_unknown_token_is_unknown(db: &Database) {
    let outcome = db.rotate(&rotation(token(), at(0))).await;
    assert!(matches!(outcome, Rotation::Unknown), "{outcome:?}");
    let owner = db.store.session_of_token(token()).await.expect("asked");
    assert_eq!(owner, None);
}

pub async fn rotation_of_previous_token_within_grace_returns_the_sealed_successor(db: &Database) {
    let alice = db.user("alice").await;
    let session = db.session(&alice, at(0)).await;
    let first = rotation(session.token_hash, at(1));
    db.rotate(&first).await;
    // Five seconds of grace, the last moment included.
    for seconds in [1, 3, 6] {
        match db.rotate(&rotation(session.token_hash, at(seconds))).await {
            Rotation::Replayed {
                session: id,
                user,
                ends_at,
                sealed_successor,
            } => {
                assert_eq!(ends_at, session.expires_at);
                assert_eq!((id, user.id), (session.id, alice.id));
                assert_eq!(sealed_successor, first.sealed_next);
            }
            other => panic!("{other:?}"),
        }
    }
    // The chain did not fork: the successor is still the current token.
    let outcome = db.rotate(&rotation(first.next, at(6))).await;
    assert!(matches!(outcome, Rotation::Rotated { .. }), "{outcome:?}");
}

pub async fn rotation_of_previous_token_after_grace_ends_the_session(db: &Database) {
    let alice = db.user("alice").await;
    let session = db.session(&alice, at(0)).await;
    let other = db.session(&alice, at(0)).await;
    let first = rotation(session.token_hash, at(1));
    db.rotate(&first).await;
    let late = at(6) + TimeDelta::microseconds(1);
    match db.rotate(&rotation(session.token_hash, late)).await {
        Rotation::Reused { session: id, user } => {
            assert_eq!((id, user), (session.id, alice.id));
        }
        other => panic!("{other:?}"),
    }
    assert!(!db.lives(&session, late).await);
    for hash in [session.token_hash, first.next] {
        let outcome = db.rotate(&rotation(hash, late)).await;
        assert!(matches!(outcome, Rotation::Ended { .. }), "{outcome:?}");
    }
    assert!(db.lives(&other, late).await, "another family");
}

pub async fn rotation_of_older_token_ends_the_session_at_once(db: &Database) {
    let alice = db.user("alice").await;
    let session = db.session(&alice, at(0)).await;
    let first = rotation(session.token_hash, at(1));
    db.rotate(&first).await;
    let second = rotation(first.next, at(1));
    db.rotate(&second).await;
    let outcome = db.rotate(&rotation(session.token_hash, at(1))).await;
    assert!(matches!(outcome, Rotation::Reused { .. }), "{outcome:?}");
    assert!(!db.lives(&session, at(1)).await);
}

pub async fn rotation_of_idle_session_is_expired(db: &Database) {
    let alice = db.user("alice").await;
    let session = db.session(&alice, at(0)).await;
    let moment_before = at(10) - TimeDelta::microseconds(1);
    assert!(db.lives(&session, moment_before).await);
    assert!(!db.lives(&session, at(10)).await);
    let outcome = db.rotate(&rotation(session.token_hash, at(10))).await;
    match outcome {
        Rotation::Expired { user } => assert_eq!(user, alice.id),
        other => panic!("{other:?}"),
    }
    // A refusal does not count as use: the idle deadline is unchanged.
    let first = rotation(session.token_hash, moment_before);
    let outcome = db.rotate(&first).await;
    assert!(matches!(outcome, Rotation::Rotated { .. }), "{outcome:?}");
    assert!(db.lives(&session, at(19)).await, "ten seconds more");
    assert!(!db.lives(&session, at(20)).await);
}

pub async fn rotation_does_not_outlive_the_session(db: &Database) {
    let alice = db.user("alice").await;
    let session = db.session(&alice, at(0)).await;
    let mut presented = session.token_hash;
    for seconds in (9..100).step_by(9) {
        let mut request = rotation(presented, at(seconds));
        request.idle_ttl = TimeDelta::seconds(1000);
        let outcome = db.rotate(&request).await;
        assert!(matches!(outcome, Rotation::Rotated { .. }), "{outcome:?}");
        presented = request.next;
    }
    let listed = db.store.sessions(alice.id, at(99)).await.expect("asked");
    assert_eq!(listed[0].expires_at, at(100));
    assert!(!db.lives(&session, at(100)).await);
    let outcome = db.rotate(&rotation(presented, at(100))).await;
    assert!(matches!(outcome, Rotation::Expired { .. }), "{outcome:?}");
}

pub async fn rotation_of_ended_session_is_rejected(db: &Database) {
    let alice = db.user("alice").await;
    let session = db.session(&alice, at(0)).await;
    let logout = EndReason::Logout;
    let ended = db.store.end_session(session.id, alice.id, logout, at(1));
    assert!(ended.await.expect("asked"));
    match db.rotate(&rotation(session.token_hash, at(1))).await {
        Rotation::Ended { user } => assert_eq!(user, alice.id),
        other => panic!("{other:?}"),
    }
    // Disabling an account ends its sessions too.
    let session = db.session(&alice, at(0)).await;
    let disable = ProfileChange {
        disabled: Some(true),
        ..ProfileChange::default()
    };
    let disabled = db.store.update_user(alice.id, &disable, at(1)).await;
    disabled.expect("disabled");
    let outcome = db.rotate(&rotation(session.token_hash, at(1))).await;
    assert!(matches!(outcome, Rotation::Ended { .. }), "{outcome:?}");
}

pub async fn fifty_concurrent_rotations_leave_one_chain(db: &Database) {
    let alice = db.user("alice").await;
    let session = db.session(&alice, at(0)).await;
    let stores = db.shared().await;
    let attempts = (0..50).map(|n| {
        let store = stores[n % 2].clone();
        let request = rotation(session.token_hash, at(1));
        tokio::spawn(async move { (request.next, store.rotate(&request).await) })
    });
    let (mut living, mut successors) = (Vec::new(), Vec::new());
    for attempt in join_all(attempts).await {
        match attempt.expect("joins") {
            (next, Ok(Rotation::Rotated { .. })) => living.push(next),
            (
                _,
                Ok(Rotation::Replayed {
                    sealed_successor, ..
                }),
            ) => successors.push(sealed_successor),
            (_, other) => panic!("{other:?}"),
        }
    }
    assert_eq!((living.len(), successors.len()), (1, 49));
    assert!(successors.iter().all(|sealed| sealed[..] == living[0]));
    let outcome = db.rotate(&rotation(living[0], at(2))).await;
    assert!(matches!(outcome, Rotation::Rotated { .. }), "{outcome:?}");
    let sessions = db.store.sessions(alice.id, at(2)).await.expect("asked");
    assert_eq!(sessions.len(), 1);
}
