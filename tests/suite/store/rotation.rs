//! Rotation of refresh tokens: each session has one current token.

use chrono::TimeDelta;
use futures_util::future::join_all;
use rbac_sentinel::testing::rbac::Scope;
use rbac_sentinel::testing::store::EndReason;
use rbac_sentinel::testing::store::{ProfileChange, Replay, Rotation, RotationRequest, TokenPlace};

use super::database::{Database, at, moment, rotation, token};
use super::one_change::OneChange as _;

pub async fn rotation_replaces_the_presented_token(db: &Database) {
    let alice = db.user("alice").await;
    let session = db.session(&alice, at(0)).await;
    let mut presented = session.token_hash;
    for step in 1..5 {
        let request = rotation(presented, at(step));
        match db.rotate(&request).await {
            Rotation::Rotated(to) => {
                assert_eq!(to.scope, Scope::EVERYTHING);
                assert_eq!(to.generation, step);
                assert_eq!((to.session, to.user.id), (session.id, alice.id));
                assert_eq!(to.ends_at, session.expires_at);
                assert_eq!(to.user.roles, alice.roles);
            }
            other => panic!("{other:?}"),
        }
        let listed = db.store.sessions(alice.id, at(step)).await.expect("asked");
        assert_eq!(listed[0].last_used_at, at(step));
        assert_eq!(listed[0].created_at, at(0));
        presented = request.next;
    }
    // The session of a token is found in every state of both.
    for (hash, generation) in [(session.token_hash, 0), (presented, 4)] {
        let place = db.store.session_of_token(hash).await.expect("asked");
        let expected = TokenPlace {
            session: session.id,
            user: alice.id,
            generation,
        };
        assert_eq!(place, Some(expected));
    }
}

pub async fn rotation_narrows_the_session_and_never_widens_it(db: &Database) {
    let scope = |text: &str| Scope::parse(text).expect("sound");
    let alice = db.admin("alice").await;
    for start in [Scope::EVERYTHING, scope("users:read users:write")] {
        let session = db.session_within(&alice, at(0), start).await;
        let found = async || {
            let principal = db.store.principal(session.id, at(1)).await;
            principal.expect("asked").expect("it lives").scope
        };
        assert_eq!(found().await, start);
        let (mut presented, mut parent, mut own) = (session.token_hash, None, start);
        for asked in [
            Scope::EVERYTHING,
            scope("users:read admin:access"),
            scope("users:write users:read admin:access"),
            Scope::EVERYTHING,
            scope("unheard-of"),
            scope("users:read"),
        ] {
            own = own.narrowed(asked);
            let request = RotationRequest {
                scope: asked,
                ..rotation(presented, at(1))
            };
            match db.rotate(&request).await {
                Rotation::Rotated(to) => assert_eq!(to.scope, own),
                other => panic!("{other:?}"),
            }
            assert_eq!(found().await, own);
            parent = Some(presented);
            presented = request.next;
        }
        // A replayed parent has no wider scope than its successor.
        let again = rotation(parent.expect("rotated"), at(1));
        match db.rotate(&again).await {
            Rotation::Replayed { refreshed, .. } => assert_eq!(refreshed.scope, own),
            other => panic!("{other:?}"),
        }
        assert_eq!(own.text().as_deref(), Some(""));
    }
}

pub async fn rotation_of_unknown_token_is_unknown(db: &Database) {
    let outcome = db.rotate(&rotation(token(), at(0))).await;
    assert!(matches!(outcome, Rotation::Unknown), "{outcome:?}");
    let owner = db.store.session_of_token(token()).await.expect("asked");
    assert_eq!(owner, None);
}

/// Asserts that the session goes on with this successor, for this reason.
#[track_caller]
fn replayed(outcome: Rotation, generation: i64, successor: [u8; 32], why: Replay) {
    match outcome {
        Rotation::Replayed {
            refreshed,
            sealed_successor,
            replay,
        } => {
            assert_eq!((refreshed.generation, replay), (generation, why));
            assert_eq!(sealed_successor, successor);
        }
        other => panic!("{other:?}"),
    }
}

/// Asserts that the session ended, and whether its successor had been used.
#[track_caller]
fn ended(outcome: &Rotation, used: bool) {
    match outcome {
        Rotation::Reused { successor_used, .. } => assert_eq!(*successor_used, used),
        other => panic!("{other:?}"),
    }
}

/// The same request by another client.
fn elsewhere(request: RotationRequest) -> RotationRequest {
    RotationRequest {
        client: [2; 16],
        ..request
    }
}

pub async fn rotation_of_unused_parent_returns_the_sealed_successor_however_late(db: &Database) {
    let alice = db.user("alice").await;
    let session = db.session(&alice, at(0)).await;
    let first = rotation(session.token_hash, at(1));
    db.rotate(&first).await;
    // Five seconds of grace, ten until the session is idle for too long.
    for micros in [1_000_000, 3_000_000, 6_000_001, 10_999_999] {
        let again = rotation(session.token_hash, moment(micros));
        replayed(db.rotate(&again).await, 1, first.next, Replay::Unused);
    }
    // The use of an earlier generation is not one of this.
    db.use_generation(&session, 0, at(2)).await;
    let again = rotation(session.token_hash, at(10));
    replayed(db.rotate(&again).await, 1, first.next, Replay::Unused);
    // The chain did not fork: the successor is still the current token.
    let outcome = db.rotate(&rotation(first.next, at(10))).await;
    assert!(matches!(outcome, Rotation::Rotated(_)), "{outcome:?}");
}

pub async fn rotation_of_used_parent_is_honoured_within_grace_once(db: &Database) {
    let alice = db.user("alice").await;
    let session = db.session(&alice, at(0)).await;
    let first = rotation(session.token_hash, at(1));
    db.rotate(&first).await;
    db.use_generation(&session, 1, at(3)).await;
    db.use_generation(&session, 1, at(9)).await;
    // A request that came before the first use, and waited for its turn meanwhile.
    let earlier = rotation(session.token_hash, moment(2_999_999));
    replayed(db.rotate(&earlier).await, 1, first.next, Replay::Unused);
    let last_moment = rotation(session.token_hash, at(6));
    replayed(db.rotate(&last_moment).await, 1, first.next, Replay::Grace);
    assert!(db.lives(&session, at(6)).await);
    ended(&db.rotate(&last_moment).await, true);
    assert!(!db.lives(&session, at(6)).await);
}

pub async fn rotation_of_used_parent_by_another_client_ends_the_session(db: &Database) {
    let alice = db.user("alice").await;
    let session = db.session(&alice, at(0)).await;
    let other = db.session(&alice, at(0)).await;
    let first = rotation(session.token_hash, at(1));
    db.rotate(&first).await;
    db.use_generation(&session, 1, at(1)).await;
    let stolen = elsewhere(rotation(session.token_hash, at(2)));
    match db.rotate(&stolen).await {
        Rotation::Reused {
            session: id,
            user,
            successor_used,
        } => {
            assert_eq!((id, user, successor_used), (session.id, alice.id, true));
        }
        other => panic!("{other:?}"),
    }
    assert!(!db.lives(&session, at(2)).await);
    for hash in [session.token_hash, first.next] {
        let outcome = db.rotate(&rotation(hash, at(2))).await;
        assert!(matches!(outcome, Rotation::Ended { .. }), "{outcome:?}");
    }
    assert!(db.lives(&other, at(2)).await, "another family");
}

pub async fn rotation_of_used_parent_after_grace_ends_the_session(db: &Database) {
    let alice = db.user("alice").await;
    let session = db.session(&alice, at(0)).await;
    db.rotate(&rotation(session.token_hash, at(1))).await;
    db.use_generation(&session, 1, at(1)).await;
    let late = at(6) + TimeDelta::microseconds(1);
    ended(&db.rotate(&rotation(session.token_hash, late)).await, true);
    assert!(!db.lives(&session, late).await);
}

pub async fn suspicious_replays_in_two_generations_in_a_row_end_the_session(db: &Database) {
    let alice = db.user("alice").await;
    // Of a used successor, at once: in the first and third generation, then in the fourth.
    let session = db.session(&alice, at(0)).await;
    let mut parent = session.token_hash;
    for generation in 1..=4 {
        let next = rotation(parent, at(generation));
        db.rotate(&next).await;
        db.use_generation(&session, generation, at(generation))
            .await;
        let outcome = match generation {
            2 => None,
            _ => Some(db.rotate(&rotation(parent, at(generation))).await),
        };
        match outcome {
            Some(outcome) if generation == 4 => ended(&outcome, true),
            Some(outcome) => replayed(outcome, generation, next.next, Replay::Grace),
            None => {}
        }
        parent = next.next;
    }
    assert!(!db.lives(&session, at(4)).await);

    // Of an unused one, late and from elsewhere: no token was used.
    let session = db.session(&alice, at(0)).await;
    let first = rotation(session.token_hash, at(1));
    db.rotate(&first).await;
    let late = elsewhere(rotation(session.token_hash, at(7)));
    replayed(db.rotate(&late).await, 1, first.next, Replay::Unused);
    let second = rotation(first.next, at(8));
    db.rotate(&second).await;
    // At once, or from the same place, the next replay is not suspicious.
    for request in [
        elsewhere(rotation(first.next, at(9))),
        rotation(first.next, at(15)),
    ] {
        replayed(db.rotate(&request).await, 2, second.next, Replay::Unused);
    }
    let late = elsewhere(rotation(first.next, at(15)));
    ended(&db.rotate(&late).await, false);
    assert!(!db.lives(&session, at(15)).await);
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
    assert!(matches!(outcome, Rotation::Rotated(_)), "{outcome:?}");
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
        assert!(matches!(outcome, Rotation::Rotated(_)), "{outcome:?}");
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
            (next, Ok(Rotation::Rotated(_))) => living.push(next),
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
    assert!(matches!(outcome, Rotation::Rotated(_)), "{outcome:?}");
    let sessions = db.store.sessions(alice.id, at(2)).await.expect("asked");
    assert_eq!(sessions.len(), 1);
}
