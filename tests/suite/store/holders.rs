//! The accounts that hold roles for a resource.

use std::collections::BTreeSet;

use rbac_sentinel::testing::rbac::{Assignment, Reach};
use rbac_sentinel::testing::store::{Holder, ProfileChange, Sought, StoredRole};
use uuid::Uuid;

use super::database::{Database, at};
use super::one_change::OneChange as _;

/// Every holder, by pages.
async fn all(db: &Database, roles: &[&str], (kind, id): (&str, &str)) -> (Vec<Holder>, usize) {
    let sought = Sought {
        roles,
        kind,
        id,
        now: at(0).timestamp_micros(),
    };
    let (mut found, mut pages) = (Vec::new(), 0);
    let mut after = Uuid::nil();
    loop {
        let page = db.store.holders(sought, after).await.expect("asked");
        pages += 1;
        found.extend(page.holders);
        match found.last() {
            Some(last) if page.more => after = last.id,
            _ => return (found, pages),
        }
    }
}

fn ids(holders: &[Holder]) -> Vec<Uuid> {
    holders.iter().map(|holder| holder.id).collect()
}

async fn new_role(db: &Database, name: &str) {
    let mut tx = db.store.transaction().await.expect("begun");
    tx.lock_policy().await.expect("locked");
    let before = tx.policy().await.expect("read");
    let mut after = before.clone();
    after.roles.push(StoredRole {
        name: name.to_owned(),
        description: "of a contract".to_owned(),
        built_in: false,
    });
    let changed = tx.change_policy(&before, &after, at(0)).await;
    tx.finish(changed).await.expect("stored");
}

/// Assigns a role that ends, or is for some resources.
async fn assign(db: &Database, user: Uuid, role: &str, (kind, id): (&str, &str), end: Option<i64>) {
    let mut tx = db.store.transaction().await.expect("begun");
    let assignment = Assignment {
        role: role.to_owned(),
        reach: Reach::of(kind, id),
        expires_at: end.map(|seconds| at(seconds).timestamp_micros()),
    };
    tx.assign_role(user, &assignment, None, at(0))
        .await
        .expect("assigned");
    tx.commit().await.expect("stored");
}

pub async fn holders_of_many_roles_are_found_in_order_by_pages(db: &Database) {
    let mut expected = Vec::new();
    for number in 0..200 {
        expected.push(db.user(&format!("user{number:03}")).await.id);
    }
    let admin = db.admin("boss").await;
    let unknown: Vec<String> = (0..40).map(|number| format!("unknown{number}")).collect();
    let mut roles: Vec<&str> = unknown.iter().map(String::as_str).collect();
    // In the second statement.
    roles.push("user");
    let (found, pages) = all(db, &roles, ("record", "1")).await;
    assert_eq!(ids(&found), expected);
    assert!(pages > 1, "the answer is bounded");
    assert!(found.iter().all(|holder| holder.roles == ["user"]));
    let (found, _) = all(db, &["admin", "user"], ("record", "1")).await;
    expected.push(admin.id);
    assert_eq!(ids(&found), expected);
    let (found, pages) = all(db, &["unknown"], ("record", "1")).await;
    assert_eq!((found, pages), (Vec::new(), 1));
    let (found, _) = all(db, &[], ("record", "1")).await;
    assert_eq!(found, []);
}

pub async fn limited_assignments_count_for_their_resources_and_until_they_end(db: &Database) {
    new_role(db, "editor").await;
    let mut users = Vec::new();
    for (number, (reach, end)) in [
        (("", ""), Some(10)),
        (("", ""), Some(0)),
        (("record", ""), None),
        (("record", "1"), None),
        (("record", "1"), Some(10)),
        (("record", "1"), Some(-10)),
        (("record", "2"), None),
        (("file", "1"), None),
        (("file", ""), None),
    ]
    .into_iter()
    .enumerate()
    {
        let user = db.user(&format!("user{number}")).await;
        assign(db, user.id, "editor", reach, end).await;
        users.push(user.id);
    }
    let of = |numbers: &[usize]| -> Vec<Uuid> { numbers.iter().map(|at| users[*at]).collect() };
    for (reach, expected) in [
        (("record", "1"), &[0, 2, 3, 4][..]),
        (("record", "2"), &[0, 2, 6]),
        (("record", "3"), &[0, 2]),
        (("file", "1"), &[0, 7, 8]),
        (("image", "1"), &[0]),
        (("im\0age", "1"), &[0]),
        (("record", "1\0"), &[0, 2]),
    ] {
        let (found, _) = all(db, &["editor"], reach).await;
        assert_eq!(ids(&found), of(expected), "{reach:?}");
    }
}

pub async fn holders_have_all_their_roles_and_say_whether_they_are_disabled(db: &Database) {
    new_role(db, "editor").await;
    let alice = db.admin("alice").await;
    let bob = db.user("bob").await;
    assign(db, alice.id, "editor", ("record", "1"), None).await;
    let change = ProfileChange {
        disabled: Some(true),
        ..ProfileChange::default()
    };
    db.admin("other").await;
    let disabled = db.store.update_user(bob.id, &change, at(1)).await;
    disabled.expect("disabled");
    let roles = ["admin", "editor", "user"];
    let (found, _) = all(db, &roles, ("record", "1")).await;
    let of = |id: Uuid| {
        let holder = found.iter().find(|holder| holder.id == id).expect("found");
        let roles: BTreeSet<&str> = holder.roles.iter().map(String::as_str).collect();
        (roles, holder.disabled)
    };
    assert_eq!(of(alice.id), (BTreeSet::from(["admin", "editor"]), false));
    assert_eq!(of(bob.id), (BTreeSet::from(["user"]), true));
}
