//! The policy and the assignments that end or do not reach everywhere.

use std::time::Duration;

use rbac_sentinel::testing::error::Error;
use rbac_sentinel::testing::rbac::{Assignment, Reach, Usage, UsedGrant};
use rbac_sentinel::testing::store::{StoredGrant, StoredPolicy, StoredRole, StoredUsage, User};
use uuid::Uuid;

use super::database::{Database, at};

fn pair(one: &str, other: &str) -> (String, String) {
    (one.to_owned(), other.to_owned())
}

fn role(name: &str, description: &str) -> StoredRole {
    StoredRole {
        name: name.to_owned(),
        description: description.to_owned(),
        built_in: false,
    }
}

fn grant(role: &str, permission: &str, condition: &str) -> StoredGrant {
    StoredGrant {
        role: role.to_owned(),
        permission: permission.to_owned(),
        condition_text: condition.to_owned(),
    }
}

/// Changes the policy and returns it as it is stored then.
async fn change(db: &Database, edit: impl FnOnce(&mut StoredPolicy)) -> StoredPolicy {
    let mut tx = db.store.transaction().await.expect("begun");
    let version = tx.lock_policy().await.expect("locked");
    let before = tx.policy().await.expect("read");
    assert_eq!(before.version, version);
    let mut after = before.clone();
    edit(&mut after);
    tx.change_policy(&before, &after, at(1))
        .await
        .expect("changed");
    tx.commit().await.expect("stored");
    after.version += 1;
    let stored = db.store.policy().await.expect("read");
    assert_eq!(stored, after);
    assert_eq!(db.store.policy_version().await.expect("read"), version + 1);
    stored
}

/// Roles, of which `editor` inherits from `author`.
async fn roles(db: &Database) {
    change(db, |policy| {
        policy
            .roles
            .extend([role("author", ""), role("editor", "")]);
        policy.roles.sort_unstable();
        policy.parents.push(pair("editor", "author"));
    })
    .await;
}

pub async fn policy_is_stored_as_it_was_changed(db: &Database) {
    let fresh = db.store.policy().await.expect("read");
    let built_in: Vec<_> = fresh.roles.iter().map(|role| role.name.as_str()).collect();
    assert_eq!(built_in, ["admin", "everyone", "user"]);
    assert!(fresh.roles.iter().all(|role| role.built_in));
    roles(db).await;
    change(db, |policy| {
        policy.permissions = vec![pair("posts:read", "Read."), pair("posts:write", "")];
        policy.grants = vec![
            grant("author", "posts:write", ""),
            grant("author", "posts:write", "subject.id == \"a\""),
            grant("everyone", "posts:*", "resource.id == subject.id"),
        ];
        policy.exclusions = vec![pair("audit", "Four eyes.")];
        policy.excluded = vec![pair("audit", "author"), pair("audit", "editor")];
        policy.parents.clear();
    })
    .await;
    change(db, |policy| {
        policy.permissions[0].1 = "Read a post.".to_owned();
        let author = policy.roles.iter_mut().find(|role| role.name == "author");
        author.expect("there").description = "Writes.".to_owned();
        policy.grants.remove(0);
        policy.excluded = vec![pair("audit", "admin"), pair("audit", "editor")];
        policy.exclusions[0].1 = String::new();
    })
    .await;
    let emptied = change(db, |policy| {
        policy.permissions.clear();
        policy.grants.clear();
        policy.exclusions.clear();
        policy.excluded.clear();
        policy.roles.retain(|role| role.built_in);
    })
    .await;
    assert_eq!(
        StoredPolicy {
            version: 0,
            ..emptied
        },
        StoredPolicy {
            version: 0,
            ..fresh
        }
    );
}

pub async fn policy_changes_run_one_after_the_other(db: &Database) {
    let [one, other] = db.shared().await;
    let mut tx = one.transaction().await.expect("begun");
    let version = tx.lock_policy().await.expect("locked");
    let waiting = tokio::spawn(async move {
        let mut tx = other.transaction().await.expect("begun");
        let version = tx.lock_policy().await.expect("locked");
        tx.rollback().await;
        other.close().await;
        version
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished());
    tx.raise_policy().await.expect("raised");
    tx.commit().await.expect("stored");
    assert_eq!(waiting.await.expect("no panic"), version + 1);
}

pub async fn role_that_is_held_is_not_removed(db: &Database) {
    roles(db).await;
    let alice = db.user("alice").await;
    for expires_at in [None, Some(at(9).timestamp_micros())] {
        let given = Assignment {
            expires_at,
            ..Assignment::everywhere("editor")
        };
        assert!(assign(db, alice.id, &given).await.expect("given"));
        let mut tx = db.store.transaction().await.expect("begun");
        tx.lock_policy().await.expect("locked");
        assert_eq!(tx.count_holders("editor").await.expect("counted"), 1);
        let before = tx.policy().await.expect("read");
        let mut after = before.clone();
        after.roles.retain(|role| role.name != "editor");
        after.parents.clear();
        let refused = tx.change_policy(&before, &after, at(1)).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
        tx.rollback().await;
    }
    assert!(revoke(db, alice.id, "editor", None).await);
    change(db, |policy| {
        policy.roles.retain(|role| role.name != "editor");
        policy.parents.clear();
    })
    .await;
}

async fn assign(db: &Database, user: Uuid, given: &Assignment) -> Result<bool, Error> {
    let mut tx = db.store.transaction().await.expect("begun");
    let changed = tx.assign_role(user, given, None, at(1)).await;
    tx.finish(changed).await
}

async fn revoke(db: &Database, user: Uuid, role: &str, reach: Option<&Reach>) -> bool {
    let mut tx = db.store.transaction().await.expect("begun");
    let changed = tx.revoke_role(user, role, reach, at(1)).await;
    tx.finish(changed).await.expect("asked")
}

async fn stored(db: &Database, user: Uuid) -> User {
    db.store.user(user).await.expect("asked").expect("there")
}

pub async fn limited_assignments_are_changed_and_revoked(db: &Database) {
    roles(db).await;
    let alice = db.user("alice").await.id;
    let given = |reach: Reach, expires_at: Option<i64>| Assignment {
        role: "editor".to_owned(),
        reach,
        expires_at,
    };
    let (kind, one) = (Reach::of("posts", ""), Reach::of("posts", "7:ä;"));
    let all = [
        given(Reach::Everywhere, Some(5)),
        given(kind.clone(), None),
        given(one.clone(), Some(6)),
    ];
    for given in &all {
        assert!(assign(db, alice, given).await.expect("given"), "{given:?}");
        assert!(!assign(db, alice, given).await.expect("given"), "{given:?}");
    }
    assert_eq!(stored(db, alice).await.limited_roles, all);
    assert_eq!(stored(db, alice).await.roles, ["user"]);
    // Another end of the same assignment.
    assert!(
        assign(db, alice, &given(one.clone(), None))
            .await
            .expect("given")
    );
    assert!(
        assign(db, alice, &given(kind.clone(), Some(8)))
            .await
            .expect("given")
    );
    // Without an end it holds everywhere as any other does.
    let everywhere = given(Reach::Everywhere, None);
    assert!(assign(db, alice, &everywhere).await.expect("given"));
    assert!(!assign(db, alice, &everywhere).await.expect("given"));
    let user = stored(db, alice).await;
    assert_eq!(user.roles, ["editor", "user"]);
    assert_eq!(
        user.limited_roles,
        [given(kind.clone(), Some(8)), given(one.clone(), None)]
    );
    assert_eq!(user.assignments().len(), 4);
    // And gets an end again.
    assert!(assign(db, alice, &all[0]).await.expect("given"));
    assert_eq!(stored(db, alice).await.roles, ["user"]);
    assert!(revoke(db, alice, "editor", Some(&one)).await);
    assert!(!revoke(db, alice, "editor", Some(&one)).await);
    assert!(revoke(db, alice, "editor", Some(&Reach::Everywhere)).await);
    assert_eq!(
        stored(db, alice).await.limited_roles,
        [given(kind, Some(8))]
    );
    assert!(revoke(db, alice, "editor", None).await);
    assert!(!revoke(db, alice, "editor", None).await);
    assert_eq!(stored(db, alice).await.limited_roles, []);
    let nobody = assign(db, Uuid::now_v7(), &all[1]).await;
    assert!(matches!(nobody, Err(Error::NotFound("user"))));
}

pub async fn last_administrator_gets_no_end(db: &Database) {
    let admin = db.admin("admin").await.id;
    let ending = Assignment {
        expires_at: Some(at(9).timestamp_micros()),
        ..Assignment::everywhere("admin")
    };
    let refused = assign(db, admin, &ending).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    // One whose role ends is no other administrator.
    let bob = db.user("bob").await.id;
    assert!(assign(db, bob, &ending).await.expect("given"));
    let refused = assign(db, admin, &ending).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    let carol = db.admin("carol").await.id;
    assert!(assign(db, admin, &ending).await.expect("given"));
    let refused = assign(db, carol, &ending).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
}

pub async fn exclusion_counts_inherited_roles_and_living_assignments(db: &Database) {
    roles(db).await;
    change(db, |policy| {
        policy.roles.push(role("auditor", ""));
        policy.roles.sort_unstable();
        policy.exclusions = vec![pair("audit", "")];
        policy.excluded = vec![pair("audit", "auditor"), pair("audit", "author")];
    })
    .await;
    let broken = async |now| {
        let mut tx = db.store.transaction().await.expect("begun");
        let broken = tx.breaks_exclusion("audit", at(now)).await.expect("asked");
        tx.rollback().await;
        broken
    };
    let (alice, bob) = (db.user("alice").await.id, db.user("bob").await.id);
    let given = |role: &str| Assignment::everywhere(role);
    assign(db, alice, &given("auditor")).await.expect("given");
    assign(db, bob, &given("author")).await.expect("given");
    assign(db, bob, &given("editor")).await.expect("given");
    assert!(!broken(2).await);
    // `editor` inherits from `author`.
    let ending = Assignment {
        expires_at: Some(at(5).timestamp_micros()),
        ..given("editor")
    };
    assign(db, alice, &ending).await.expect("given");
    assert!(broken(4).await);
    assert!(!broken(5).await);
    let one = Assignment {
        reach: Reach::of("posts", "1"),
        ..given("author")
    };
    assign(db, alice, &one).await.expect("given");
    assert!(broken(5).await);
}

pub async fn usage_is_noted_of_roles_that_exist(db: &Database) {
    roles(db).await;
    assert_eq!(
        db.store.usage().await.expect("read"),
        StoredUsage::default()
    );
    let grant = |role: &str| UsedGrant {
        role: role.to_owned(),
        permission: "posts:read".to_owned(),
        condition: String::new(),
    };
    let usage = Usage {
        grants: [grant("author"), grant("gone")].into(),
        roles: ["editor", "gone"].map(str::to_owned).into(),
    };
    db.store.note_usage(&usage, at(1)).await.expect("noted");
    db.store.note_usage(&usage, at(2)).await.expect("noted");
    let noted = StoredUsage {
        since: Some(at(1)),
        grants: [(grant("author"), at(2))].into(),
        roles: [("editor".to_owned(), at(2))].into(),
    };
    assert_eq!(db.store.usage().await.expect("read"), noted);
    // It goes with its role.
    change(db, |policy| {
        policy.roles.retain(|role| role.built_in);
        policy.parents.clear();
    })
    .await;
    let rest = db.store.usage().await.expect("read");
    assert!(rest.grants.is_empty() && rest.roles.is_empty());
}
