//! Transactions: their changes are stored together or not at all.

use rbac_sentinel::testing::error::Error;
use rbac_sentinel::testing::rbac::Assignment;
use rbac_sentinel::testing::store::{ProfileChange, Rotation};

use super::database::{Database, HASH, at, new_session, new_user, rotation};

fn rename(name: &str) -> ProfileChange {
    ProfileChange {
        username: Some(name.to_owned()),
        ..ProfileChange::default()
    }
}

pub async fn transaction_stores_all_changes_together(db: &Database) {
    let (bob, alice) = (db.user("bob").await, new_user("alice"));
    let session = new_session(&bob, at(1));
    let mut tx = db.store.transaction().await.expect("begun");
    let made = tx.insert_user(&alice).await.expect("made");
    tx.update_user(bob.id, &rename("robert"), at(1))
        .await
        .expect("changed");
    assert!(
        tx.assign_role(bob.id, &Assignment::everywhere("admin"), None, at(1))
            .await
            .expect("granted")
    );
    let started = tx.start_session(&session, HASH, None).await;
    assert!(started.expect("asked"));
    // Readers see none of it before the commit.
    assert_eq!(db.store.user(alice.id).await.expect("asked"), None);
    assert_eq!(
        db.store.user(bob.id).await.expect("asked"),
        Some(bob.clone())
    );
    tx.commit().await.expect("committed");
    assert_eq!(db.store.user(alice.id).await.expect("asked"), Some(made));
    let found = db.store.user(bob.id).await.expect("asked").expect("there");
    assert_eq!(found.username, "robert");
    assert_eq!(found.roles, ["admin", "user"]);
    assert!(db.lives(&session, at(1)).await);
}

pub async fn rollback_undoes_every_change(db: &Database) {
    let bob = db.user("bob").await;
    let session = db.session(&bob, at(0)).await;
    let bob = db.store.user(bob.id).await.expect("asked").expect("there");
    let mut tx = db.store.transaction().await.expect("begun");
    tx.insert_user(&new_user("alice")).await.expect("made");
    tx.update_user(bob.id, &rename("robert"), at(1))
        .await
        .expect("changed");
    let ended = tx.change_password(bob.id, HASH, "new", at(1)).await;
    assert_eq!(ended.expect("asked"), Some(vec![session.id]));
    tx.rollback().await;
    // Its locks are released: the next writer does not wait.
    let changed = db.store.transaction().await.expect("begun");
    changed.rollback().await;
    assert_eq!(db.store.count_users().await.expect("asked"), (1, 0));
    let found = db.store.credentials_of(bob.id).await.expect("asked");
    let found = found.expect("there");
    assert_eq!((found.user, found.password_hash.as_str()), (bob, HASH));
    assert!(db.lives(&session, at(1)).await);
}

pub async fn error_undoes_earlier_changes_of_the_transaction(db: &Database) {
    let (alice, bob) = (db.user("alice").await, db.user("bob").await);
    let mut tx = db.store.transaction().await.expect("begun");
    assert!(
        tx.assign_role(bob.id, &Assignment::everywhere("admin"), None, at(1))
            .await
            .expect("granted")
    );
    let refused = tx.update_user(bob.id, &rename("ALICE"), at(1)).await;
    let refused = tx.finish(refused).await;
    assert!(matches!(refused, Err(Error::Taken { field: "username" })));
    for user in [alice, bob] {
        let found = db.store.user(user.id).await.expect("asked");
        assert_eq!(found, Some(user));
    }
}

pub async fn dropped_transaction_is_rolled_back(db: &Database) {
    let bob = db.user("bob").await;
    let mut tx = db.store.transaction().await.expect("begun");
    tx.update_user(bob.id, &rename("robert"), at(1))
        .await
        .expect("changed");
    drop(tx);
    // The next change of the account waits until the lock is released.
    let mut tx = db.store.transaction().await.expect("begun");
    let (before, _, _) = tx
        .update_user(bob.id, &ProfileChange::default(), at(2))
        .await
        .expect("changed");
    tx.rollback().await;
    assert_eq!(before, bob);
}

pub async fn rolled_back_rotation_leaves_the_token_usable(db: &Database) {
    let alice = db.user("alice").await;
    let session = db.session(&alice, at(0)).await;
    let mut tx = db.store.transaction().await.expect("begun");
    let request = rotation(session.token_hash, at(1));
    let outcome = tx.rotate(&request).await.expect("asked");
    assert!(matches!(outcome, Rotation::Rotated(_)), "{outcome:?}");
    assert!(outcome.must_commit());
    tx.rollback().await;
    let listed = db.store.sessions(alice.id, at(1)).await.expect("asked");
    assert_eq!(listed[0].last_used_at, at(0), "it was not used");
    let owner = db
        .store
        .session_of_token(request.next)
        .await
        .expect("asked");
    assert_eq!(owner, None, "the successor was not stored");
    // A rotated token would get its successor.
    let outcome = db.rotate(&rotation(session.token_hash, at(9))).await;
    assert!(matches!(outcome, Rotation::Rotated(_)), "{outcome:?}");
}

pub async fn reuse_ends_the_session_once_committed(db: &Database) {
    let alice = db.user("alice").await;
    let session = db.session(&alice, at(0)).await;
    db.rotate(&rotation(session.token_hash, at(1))).await;
    db.use_generation(&session, 1, at(1)).await;
    for commits in [false, true] {
        let mut tx = db.store.transaction().await.expect("begun");
        let outcome = tx.rotate(&rotation(session.token_hash, at(8))).await;
        let outcome = outcome.expect("asked");
        assert!(matches!(outcome, Rotation::Reused { .. }), "{outcome:?}");
        assert!(outcome.must_commit());
        if commits {
            tx.commit().await.expect("committed");
        } else {
            tx.rollback().await;
        }
        assert_eq!(db.lives(&session, at(8)).await, !commits);
    }
}
