//! Changing and deleting accounts.

use rbac_sentinel::testing::error::Error;
use rbac_sentinel::testing::store::{ProfileChange, Rotation};
use uuid::Uuid;

use super::database::{Database, HASH, at, new_session, new_user, rotation};
use super::one_change::OneChange as _;

fn rename(name: &str) -> ProfileChange {
    ProfileChange {
        username: Some(name.to_owned()),
        ..ProfileChange::default()
    }
}

fn readdress(email: &str) -> ProfileChange {
    ProfileChange {
        email: Some(email.to_owned()),
        ..ProfileChange::default()
    }
}

fn disabled(disabled: bool) -> ProfileChange {
    ProfileChange {
        disabled: Some(disabled),
        ..ProfileChange::default()
    }
}

pub async fn profile_change_replaces_username_and_email(db: &Database) {
    let alice = db.user("alice").await;
    let change = ProfileChange {
        username: Some("Alicia".to_owned()),
        email: Some("Alicia@Example.org".to_owned()),
        disabled: None,
    };
    let changed = db.store.update_user(alice.id, &change, at(1)).await;
    let (before, after, ended) = changed.expect("changed");
    assert_eq!(before, alice);
    assert_eq!(
        (after.username.as_str(), after.updated_at),
        ("Alicia", at(1))
    );
    assert_eq!(after.created_at, at(0));
    assert!(ended.is_empty());
    let stored = db.store.user(alice.id).await.expect("asked");
    assert_eq!(stored, Some(after.clone()));
    for name in ["alicia", "alicia@example.org"] {
        let found = db.store.credentials(name).await.expect("asked");
        assert_eq!(found.expect("there").user, after);
    }
    for name in ["alice", "alice@example.com"] {
        assert!(db.store.credentials(name).await.expect("asked").is_none());
    }
    // The old names are free.
    db.user("alice").await;
}

pub async fn profile_change_cannot_take_names_of_others(db: &Database) {
    let alice = db.user("alice").await;
    db.user("bob").await;
    let refused = db.store.update_user(alice.id, &rename("BOB"), at(1)).await;
    assert!(matches!(refused, Err(Error::Taken { field: "username" })));
    let change = readdress("Bob@example.com");
    let refused = db.store.update_user(alice.id, &change, at(1)).await;
    assert!(matches!(refused, Err(Error::Taken { field: "email" })));
    // A change is stored as a whole or not at all.
    let change = ProfileChange {
        email: Some("bob@example.com".to_owned()),
        disabled: Some(true),
        ..rename("alicia")
    };
    let refused = db.store.update_user(alice.id, &change, at(1)).await;
    assert!(matches!(refused, Err(Error::Taken { field: "email" })));
    let stored = db.store.user(alice.id).await.expect("asked");
    assert_eq!(stored, Some(alice.clone()));
    // The account's own name in another case is not taken.
    let changed = db
        .store
        .update_user(alice.id, &rename("ALICE"), at(2))
        .await;
    assert_eq!(changed.expect("changed").1.username, "ALICE");
}

pub async fn empty_profile_change_changes_nothing(db: &Database) {
    let alice = db.user("alice").await;
    let session = db.session(&alice, at(0)).await;
    let alice = db.store.user(alice.id).await.expect("asked");
    let alice = alice.expect("there");
    for change in [
        ProfileChange::default(),
        rename("alice"),
        readdress("alice@example.com"),
        disabled(false),
    ] {
        let (before, after, ended) = db
            .store
            .update_user(alice.id, &change, at(1))
            .await
            .expect("done");
        assert_eq!((&before, &after), (&alice, &alice), "{change:?}");
        assert!(ended.is_empty());
        let stored = db.store.user(alice.id).await.expect("asked");
        assert_eq!(stored.as_ref(), Some(&alice), "{change:?}");
    }
    assert!(db.lives(&session, at(1)).await);
}

pub async fn change_of_unknown_account_is_not_found(db: &Database) {
    let nobody = Uuid::now_v7();
    for change in [ProfileChange::default(), rename("x"), disabled(true)] {
        let missing = db.store.update_user(nobody, &change, at(1)).await;
        assert!(
            matches!(missing, Err(Error::NotFound("user"))),
            "{change:?}"
        );
    }
    let missing = db.store.delete_user(nobody, at(1)).await;
    assert!(matches!(missing, Err(Error::NotFound("user"))));
    let changed = db.store.change_password(nobody, HASH, "new", at(1));
    assert_eq!(changed.await.expect("asked"), None);
}

pub async fn disabling_ends_and_returns_every_session(db: &Database) {
    let alice = db.user("alice").await;
    let bob = db.user("bob").await;
    let mut sessions = [
        db.session(&alice, at(0)).await.id,
        db.session(&alice, at(1)).await.id,
    ];
    let of_bob = db.session(&bob, at(0)).await;
    let changed = db.store.update_user(alice.id, &disabled(true), at(2)).await;
    let (before, after, mut ended) = changed.expect("disabled");
    assert_eq!((before.disabled, after.disabled), (false, true));
    assert_eq!(after.updated_at, at(2));
    ended.sort_unstable();
    sessions.sort_unstable();
    assert_eq!(ended, sessions);
    let left = db.store.sessions(alice.id, at(2)).await.expect("asked");
    assert_eq!(left, []);
    assert!(db.lives(&of_bob, at(2)).await);
    let again = db.store.update_user(alice.id, &disabled(true), at(3)).await;
    let (_, after, ended) = again.expect("done");
    assert_eq!((after.updated_at, ended.len()), (at(2), 0));
    // Enabling the account does not restore its sessions.
    let enabled = db
        .store
        .update_user(alice.id, &disabled(false), at(4))
        .await;
    assert!(!enabled.expect("enabled").1.disabled);
    let left = db.store.sessions(alice.id, at(4)).await.expect("asked");
    assert_eq!(left, []);
}

pub async fn password_changes_only_from_the_verified_hash(db: &Database) {
    let mut alice = new_user("alice");
    alice.initial_password_until = Some(at(9));
    let alice = db.store.insert_user(&alice).await.expect("made");
    let stored = db.store.user(alice.id).await.expect("asked");
    assert_eq!(stored.expect("there").initial_password_until, Some(at(9)));
    let sessions = [
        db.session(&alice, at(0)).await,
        db.session(&alice, at(0)).await,
    ];
    let change = |old, new, time| db.store.change_password(alice.id, old, new, time);
    let missed = change("stale", "new", at(1)).await.expect("asked");
    assert_eq!(missed, None);
    for session in &sessions {
        assert!(db.lives(session, at(1)).await, "nothing changed");
    }
    let ended = change(HASH, "new", at(1)).await.expect("asked");
    let mut ended = ended.expect("changed");
    ended.sort_unstable();
    let mut ids = sessions.each_ref().map(|session| session.id);
    ids.sort_unstable();
    assert_eq!(ended, ids);
    for session in &sessions {
        assert!(!db.lives(session, at(1)).await);
    }
    let missed = change(HASH, "newer", at(2)).await.expect("asked");
    assert_eq!(missed, None);
    let stored = db.store.credentials_of(alice.id).await.expect("asked");
    let stored = stored.expect("there");
    assert_eq!(stored.password_hash, "new");
    assert_eq!(stored.user.initial_password_until, None);
    assert_eq!(stored.user.updated_at, at(1));
}

pub async fn deletion_removes_everything_of_the_account(db: &Database) {
    let alice = db.user("alice").await;
    let session = db.session(&alice, at(0)).await;
    let ended_before = db.session(&alice, at(0)).await;
    let reason = rbac_sentinel::testing::store::EndReason::Logout;
    let ended = db
        .store
        .end_session(ended_before.id, alice.id, reason, at(1))
        .await;
    assert!(ended.expect("asked"));
    let ended = db
        .store
        .delete_user(alice.id, at(1))
        .await
        .expect("deleted");
    assert_eq!(ended, [session.id]);
    assert_eq!(db.store.user(alice.id).await.expect("asked"), None);
    assert!(!db.lives(&session, at(1)).await);
    let outcome = db.rotate(&rotation(session.token_hash, at(1))).await;
    assert!(matches!(outcome, Rotation::Unknown), "{outcome:?}");
    let owner = db.store.session_of_token(session.token_hash).await;
    assert_eq!(owner.expect("asked"), None);
    let new = new_session(&alice, at(1));
    let started = db.store.start_session(&new, HASH, None).await;
    assert!(!started.expect("asked"));
    let granted = db.store.grant_role(alice.id, "user", None, at(1)).await;
    assert!(matches!(granted, Err(Error::NotFound("user"))));
    // The names are free, and a new account with them inherits nothing.
    let heir = db.user("alice").await;
    assert_eq!(heir.roles, ["user"]);
    let sessions = db.store.sessions(heir.id, at(1)).await.expect("asked");
    assert_eq!(sessions, []);
}
