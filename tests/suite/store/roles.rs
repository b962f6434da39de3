//! Roles of accounts.

use rbac_sentinel::testing::error::Error;
use uuid::Uuid;

use super::database::{Database, at, new_user};
use super::one_change::OneChange as _;

pub async fn granting_and_revoking_roles_return_whether_something_changed(db: &Database) {
    let admin = db.admin("admin").await;
    let alice = db.user("alice").await;
    let grant = || {
        db.store
            .grant_role(alice.id, "admin", Some(admin.id), at(1))
    };
    let roles = || async {
        let stored = db.store.user(alice.id).await.expect("asked");
        stored.expect("there").roles
    };
    assert!(grant().await.expect("granted"));
    assert!(!grant().await.expect("held already"));
    assert_eq!(roles().await, ["admin", "user"]);
    let revoke = || db.store.revoke_role(alice.id, "admin", at(1));
    assert!(revoke().await.expect("revoked"));
    assert!(!revoke().await.expect("not held"));
    assert_eq!(roles().await, ["user"]);
    assert!(
        db.store
            .revoke_role(alice.id, "user", at(1))
            .await
            .expect("revoked")
    );
    assert_eq!(roles().await, [""; 0]);
    // Roles are no part of the profile.
    let stored = db.store.user(alice.id).await.expect("asked");
    assert_eq!(stored.expect("there").updated_at, at(0));
}

pub async fn role_of_unknown_account_or_unknown_role_is_not_found(db: &Database) {
    let alice = db.user("alice").await;
    let nobody = Uuid::now_v7();
    let granted = db.store.grant_role(nobody, "user", None, at(1)).await;
    assert!(matches!(granted, Err(Error::NotFound("user"))));
    let revoked = db.store.revoke_role(nobody, "admin", at(1)).await;
    assert!(matches!(revoked, Err(Error::NotFound("user"))));
    for role in ["emperor", "", "Admin", "admin'"] {
        let granted = db.store.grant_role(alice.id, role, None, at(1)).await;
        assert!(matches!(granted, Err(Error::NotFound("role"))), "{role}");
        let revoked = db.store.revoke_role(alice.id, role, at(1)).await;
        assert!(matches!(revoked, Err(Error::NotFound("role"))), "{role}");
    }
}

pub async fn roles_are_sorted_and_found_by_name(db: &Database) {
    let mut new = new_user("alice");
    new.roles = vec!["user".to_owned(), "admin".to_owned()];
    let made = db.store.insert_user(&new).await.expect("made");
    assert_eq!(made.roles, ["admin", "user"]);
    assert_eq!(db.store.user(made.id).await.expect("asked"), Some(made));
    for (role, exists) in [("admin", true), ("user", true), ("emperor", false)] {
        let found = db.store.role_exists(role).await.expect("asked");
        assert_eq!(found, exists, "{role}");
    }
}
