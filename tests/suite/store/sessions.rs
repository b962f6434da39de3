//! Starting, listing and ending sessions.

use chrono::TimeDelta;
use rbac_sentinel::testing::store::EndReason;
use rbac_sentinel::testing::store::ProfileChange;
use uuid::Uuid;

use super::database::{Database, HASH, at, new_session, rotation};
use super::one_change::OneChange as _;

const LOGOUT: EndReason = EndReason::Logout;

pub async fn session_starts_only_with_current_hash_of_enabled_account(db: &Database) {
    let alice = db.user("alice").await;
    let start = |hash| {
        let new = new_session(&alice, at(0));
        async move { db.store.start_session(&new, hash, None).await }
    };
    assert!(!start("stale").await.expect("asked"));
    let disable = |disabled| ProfileChange {
        disabled: Some(disabled),
        ..ProfileChange::default()
    };
    let done = db.store.update_user(alice.id, &disable(true), at(1)).await;
    done.expect("disabled");
    assert!(!start(HASH).await.expect("asked"));
    let sessions = db.store.sessions(alice.id, at(0)).await.expect("asked");
    assert_eq!(sessions, []);
    let stored = db.store.user(alice.id).await.expect("asked");
    assert_eq!(stored.expect("there").last_login_at, None);
    let done = db.store.update_user(alice.id, &disable(false), at(1)).await;
    done.expect("enabled");
    assert!(start(HASH).await.expect("asked"));
}

pub async fn session_start_stores_login_time_and_new_hash(db: &Database) {
    let alice = db.user("alice").await;
    let new = new_session(&alice, at(5));
    let started = db.store.start_session(&new, HASH, Some("stronger")).await;
    assert!(started.expect("asked"));
    let stored = db.store.credentials_of(alice.id).await.expect("asked");
    let stored = stored.expect("there");
    assert_eq!(stored.password_hash, "stronger");
    assert_eq!(stored.user.last_login_at, Some(at(5)));
    assert_eq!(stored.user.updated_at, at(0), "a login is no change");
    let again = new_session(&alice, at(6));
    let started = db.store.start_session(&again, HASH, None).await;
    assert!(!started.expect("asked"), "the old hash is gone");
}

pub async fn active_sessions_are_listed_newest_first(db: &Database) {
    let alice = db.user("alice").await;
    let bob = db.user("bob").await;
    let idle = db.session(&alice, at(-10)).await;
    let ended = db.session(&alice, at(0)).await;
    let older = db.session(&alice, at(0)).await;
    let newer = db.session(&alice, at(1)).await;
    db.session(&bob, at(1)).await;
    let done = db
        .store
        .end_session(ended.id, alice.id, LOGOUT, at(1))
        .await;
    assert!(done.expect("asked"));
    let listed = db.store.sessions(alice.id, at(2)).await.expect("asked");
    let ids: Vec<_> = listed.iter().map(|session| session.id).collect();
    assert_eq!(ids, [newer.id, older.id]);
    let first = &listed[0];
    assert_eq!(first.user_agent, newer.user_agent);
    assert_eq!((first.created_at, first.last_used_at), (at(1), at(1)));
    assert_eq!(first.expires_at, newer.expires_at);
    assert!(!db.lives(&idle, at(2)).await);
    // After the absolute deadline none is listed, although none was ended.
    let listed = db.store.sessions(alice.id, at(200)).await.expect("asked");
    assert_eq!(listed, []);
}

pub async fn session_ends_once_and_only_for_its_owner(db: &Database) {
    let alice = db.user("alice").await;
    let bob = db.user("bob").await;
    let session = db.session(&alice, at(0)).await;
    let end = |id, user| db.store.end_session(id, user, LOGOUT, at(1));
    assert!(!end(session.id, bob.id).await.expect("asked"));
    assert!(!end(Uuid::now_v7(), alice.id).await.expect("asked"));
    assert!(db.lives(&session, at(1)).await);
    assert!(end(session.id, alice.id).await.expect("asked"));
    assert!(!end(session.id, alice.id).await.expect("asked"));
    assert!(!db.lives(&session, at(1)).await);
    // An ended session is not active for an earlier clock either.
    assert!(!db.lives(&session, at(0)).await);
}

pub async fn ended_session_is_removed_with_its_tokens(db: &Database) {
    let alice = db.user("alice").await;
    let bob = db.user("bob").await;
    let session = db.session(&alice, at(0)).await;
    let remove = |user| db.store.remove_session(session.id, user);
    // Not while it is active.
    assert!(!remove(alice.id).await.expect("asked"));
    assert!(db.lives(&session, at(1)).await);
    let ended = db.store.end_session(session.id, alice.id, LOGOUT, at(1));
    assert!(ended.await.expect("asked"));
    assert!(!remove(bob.id).await.expect("asked"));
    let owner = async || db.store.session_of_token(session.token_hash).await;
    assert!(owner().await.expect("asked").is_some());
    assert!(remove(alice.id).await.expect("asked"));
    assert!(owner().await.expect("asked").is_none());
    assert!(!remove(alice.id).await.expect("asked"));
}

pub async fn all_sessions_of_one_account_end_together(db: &Database) {
    let alice = db.user("alice").await;
    let bob = db.user("bob").await;
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(db.session(&alice, at(0)).await.id);
    }
    let of_bob = db.session(&bob, at(0)).await;
    let reason = EndReason::LogoutAll;
    let mut ended = db
        .store
        .end_sessions(alice.id, reason, at(1))
        .await
        .expect("ended");
    ended.sort_unstable();
    assert_eq!(ended, sessions);
    let again = db.store.end_sessions(alice.id, reason, at(1)).await;
    assert!(again.expect("asked").is_empty());
    assert!(db.lives(&of_bob, at(1)).await);
}

pub async fn oldest_sessions_beyond_the_most_end(db: &Database) {
    let (alice, bob) = (db.user("alice").await, db.user("bob").await);
    let of_bob = db.session(&bob, at(0)).await;
    let mut sessions = Vec::new();
    for second in [0, 1, 2, 3] {
        sessions.push(db.session(&alice, at(second)).await);
    }
    let end = async |most, time| {
        let ended = db.store.end_oldest_sessions(alice.id, most, time).await;
        let mut ended = ended.expect("asked");
        ended.sort_unstable();
        ended
    };
    let ids: Vec<_> = sessions.iter().map(|session| session.id).collect();
    assert!(end(4, at(3)).await.is_empty());
    assert_eq!(end(3, at(3)).await, ids[..1]);
    assert_eq!(end(1, at(3)).await, ids[1..3]);
    assert!(db.lives(&sessions[3], at(3)).await);
    assert!(db.lives(&of_bob, at(3)).await);
    // Expired sessions do not count: the first of these two is refreshed, the second is not.
    let kept = db.session(&alice, at(4)).await;
    let idle = db.session(&alice, at(5)).await;
    db.rotate(&rotation(kept.token_hash, at(13))).await;
    assert!(end(1, at(16)).await.is_empty());
    assert!(db.lives(&kept, at(16)).await);
    assert!(!db.lives(&idle, at(16)).await);
}

pub async fn principal_is_found_for_active_sessions_only(db: &Database) {
    let alice = db.user("alice").await;
    let session = db.session(&alice, at(0)).await;
    let principal = |time| db.store.principal(session.id, time);
    let found = principal(at(1)).await.expect("asked").expect("there");
    assert_eq!((found.user.id, found.user.roles), (alice.id, alice.roles));
    assert_eq!(found.session_expires_at, session.idle_expires_at);
    let last = at(10) - TimeDelta::microseconds(1);
    assert!(principal(last).await.expect("asked").is_some());
    assert!(principal(at(10)).await.expect("asked").is_none());
    let unknown = db.store.principal(Uuid::now_v7(), at(1)).await;
    assert!(unknown.expect("asked").is_none());
    // The next lookup sees a change of the account.
    let granted = db.store.grant_role(alice.id, "admin", None, at(1)).await;
    assert!(granted.expect("granted"));
    let found = principal(at(1)).await.expect("asked").expect("there");
    assert_eq!(found.user.roles, ["admin", "user"]);
    let ended = db.store.end_session(session.id, alice.id, LOGOUT, at(1));
    assert!(ended.await.expect("asked"));
    assert!(principal(at(1)).await.expect("asked").is_none());
}

pub async fn active_sessions_are_counted(db: &Database) {
    let alice = db.user("alice").await;
    let count = async |now| db.store.count_sessions(at(now)).await.expect("asked");
    assert_eq!(count(1).await, 0);
    let ended = db.session(&alice, at(0)).await;
    db.session(&alice, at(0)).await;
    let refreshed = db.session(&alice, at(5)).await;
    assert_eq!(count(6).await, 3);
    let done = db
        .store
        .end_session(ended.id, alice.id, LOGOUT, at(6))
        .await;
    assert!(done.expect("asked"));
    assert_eq!(count(6).await, 2);
    assert_eq!(count(10).await, 1, "idle");
    db.rotate(&rotation(refreshed.token_hash, at(14))).await;
    assert_eq!(count(15).await, 1);
    assert_eq!(count(24).await, 0);
}
