//! The last administrator who may log in cannot be removed.

use futures_util::future::join_all;
use rbac_sentinel::testing::error::Error;
use rbac_sentinel::testing::store::{PROBE_ACCOUNT, ProfileChange};
use uuid::Uuid;

use super::database::{Database, at, moment, new_user};
use super::one_change::OneChange as _;

fn disable() -> ProfileChange {
    ProfileChange {
        disabled: Some(true),
        ..ProfileChange::default()
    }
}

pub async fn last_administrator_cannot_be_removed(db: &Database) {
    let has_admin = || async { db.store.has_admin().await.expect("asked") };
    assert!(!has_admin().await);
    let admin = db.admin("admin").await;
    db.user("alice").await;
    assert!(has_admin().await);
    let refused = db.store.revoke_role(admin.id, "admin", at(1)).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    let refused = db.store.update_user(admin.id, &disable(), at(1)).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    let refused = db.store.delete_user(admin.id, at(1)).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    let stored = db.store.user(admin.id).await.expect("asked");
    assert_eq!(stored.as_ref(), Some(&admin));
    // The first may be removed once there is a second one.
    let other = db.admin("other").await;
    db.store
        .delete_user(admin.id, at(1))
        .await
        .expect("deleted");
    assert!(has_admin().await);
    let refused = db.store.delete_user(other.id, at(1)).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
}

pub async fn disabled_administrator_does_not_count(db: &Database) {
    let admin = db.admin("admin").await;
    let other = db.admin("other").await;
    let disabled = db.store.update_user(other.id, &disable(), at(1)).await;
    disabled.expect("disabled");
    let refused = db.store.delete_user(admin.id, at(1)).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    // A disabled administrator may be removed.
    let revoked = db.store.revoke_role(other.id, "admin", at(1)).await;
    assert!(revoked.expect("revoked"));
    db.store
        .delete_user(other.id, at(1))
        .await
        .expect("deleted");
    assert!(db.store.has_admin().await.expect("asked"));
}

pub async fn two_administrators_removing_each_other_leave_one_in_the_store(db: &Database) {
    let stores = db.shared().await;
    for round in 0..5 {
        let first = db.admin(&format!("first-{round}")).await;
        let second = db.admin(&format!("second-{round}")).await;
        if round > 0 {
            // Remove the administrator left by the previous round, so that there are two again.
            let left = db.store.list_users(None, 1).await.expect("asked");
            let left = left.users[0].id;
            db.store.delete_user(left, at(1)).await.expect("deleted");
        }
        let attempts = (0..12).map(|n| {
            let store = stores[n / 3 % 2].clone();
            let id = if n % 2 == 0 { first.id } else { second.id };
            tokio::spawn(async move {
                match n / 2 % 3 {
                    0 => store.delete_user(id, at(2)).await.map(drop),
                    1 => store.revoke_role(id, "admin", at(1)).await.map(drop),
                    _ => store.update_user(id, &disable(), at(2)).await.map(drop),
                }
            })
        });
        for outcome in join_all(attempts).await {
            let outcome = outcome.expect("joins");
            assert!(
                matches!(
                    outcome,
                    Ok(()) | Err(Error::Conflict(_) | Error::NotFound("user"))
                ),
                "{outcome:?}"
            );
        }
        assert!(db.store.has_admin().await.expect("asked"), "round {round}");
        // Delete the account that only lost its role, so that the next round starts with one.
        for id in [first.id, second.id] {
            let gone = db.store.delete_user(id, at(3)).await;
            assert!(
                matches!(
                    gone,
                    Ok(_) | Err(Error::Conflict(_) | Error::NotFound("user"))
                ),
                "{gone:?}"
            );
        }
        assert_eq!(db.store.count_users().await.expect("asked"), (1, 0));
    }
}

pub async fn administrator_with_expired_initial_password_does_not_count(db: &Database) {
    let admin = db.admin("admin").await;
    let mut new = new_user("new");
    new.roles = vec!["admin".to_owned()];
    new.initial_password_until = Some(at(10));
    let new = db.store.insert_user(&new).await.expect("made");
    let refused = db.store.delete_user(admin.id, at(10)).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    let refused = db.store.revoke_role(admin.id, "admin", at(10)).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    let refused = db.store.update_user(admin.id, &disable(), at(10)).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    // Until then it counts: the one who chose a password may go, and then it is the last.
    let gone = db.store.delete_user(admin.id, moment(9_999_999)).await;
    gone.expect("deleted");
    let refused = db.store.delete_user(new.id, moment(9_999_999)).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    // Expired, it is none that could be lost; a new start does not make another beside it.
    assert!(db.store.has_admin().await.expect("asked"));
    db.store.delete_user(new.id, at(10)).await.expect("deleted");
    assert!(!db.store.has_admin().await.expect("asked"));
}

pub async fn new_initial_password_ends_every_session(db: &Database) {
    let admin = db.admin("admin").await;
    let session = db.session(&admin, at(0)).await;
    let other = db.user("other").await;
    let others = db.session(&other, at(0)).await;
    let set = db
        .store
        .set_initial_password(admin.id, "another", at(9), at(1));
    assert_eq!(set.await.expect("set"), [session.id]);
    assert!(!db.lives(&session, at(1)).await && db.lives(&others, at(1)).await);
    let stored = db.store.credentials_of(admin.id).await.expect("asked");
    let stored = stored.expect("there");
    assert_eq!(stored.password_hash, "another");
    assert_eq!(stored.user.initial_password_until, Some(at(9)));
    assert_eq!(stored.user.updated_at, at(1));
    let nobody = db
        .store
        .set_initial_password(Uuid::now_v7(), "x", at(9), at(1))
        .await;
    assert!(matches!(nobody, Err(Error::NotFound("user"))), "{nobody:?}");
}

/// However it got the role.
pub async fn account_of_the_probe_is_no_administrator(db: &Database) {
    let mut probe = new_user("_canary");
    probe.id = PROBE_ACCOUNT;
    probe.roles = vec!["admin".to_owned()];
    db.store.insert_user(&probe).await.expect("made");
    assert!(!db.store.has_admin().await.expect("asked"));
    let admin = db.admin("admin").await;
    let refused = db.store.revoke_role(admin.id, "admin", at(1)).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
}
