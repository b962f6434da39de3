//! Listing accounts.

use rbac_sentinel::testing::store::{Store, User};
use uuid::Uuid;

use super::database::{Database, new_user};
use super::one_change::OneChange as _;

/// Walks through every page; gives the accounts and the pages' sizes.
async fn walk(store: &Store, limit: u32) -> (Vec<User>, Vec<usize>) {
    let (mut users, mut sizes) = (Vec::new(), Vec::new());
    let mut after = None;
    loop {
        let page = store.list_users(after, limit).await.expect("asked");
        sizes.push(page.users.len());
        users.extend(page.users);
        match page.next {
            Some(next) => after = Some(next),
            None => return (users, sizes),
        }
    }
}

fn names(users: &[User]) -> Vec<&str> {
    users.iter().map(|user| user.username.as_str()).collect()
}

pub async fn pages_list_every_account_once_in_order(db: &Database) {
    let mut made = Vec::new();
    for n in 0..25 {
        made.push(db.user(&format!("user{n:02}")).await);
    }
    let (listed, sizes) = walk(&db.store, 10).await;
    assert_eq!(sizes, [10, 10, 5]);
    assert_eq!(listed, made);
    let (listed, sizes) = walk(&db.store, 1).await;
    assert_eq!(sizes.len(), 25);
    assert_eq!(listed, made);
}

pub async fn pages_are_stable_while_accounts_are_created(db: &Database) {
    let mut made = Vec::new();
    for n in 0..25 {
        made.push(db.user(&format!("user{n:02}")).await);
    }
    let store = db.store.clone();
    let others = tokio::spawn(async move {
        for n in 0..25 {
            let new = new_user(&format!("other{n:02}"));
            store.insert_user(&new).await.expect("made");
        }
    });
    let first = db.store.list_users(None, 10).await.expect("asked");
    // One more in any case, between two pages.
    db.user("between").await;
    let mut listed = first.users;
    let mut after = first.next;
    while let Some(id) = after {
        let page = db.store.list_users(Some(id), 10).await;
        let page = page.expect("asked");
        listed.extend(page.users);
        after = page.next;
    }
    others.await.expect("joins");
    assert!(listed.is_sorted_by(|a, b| a.id < b.id), "in order, once");
    assert_eq!(listed[..25], made[..]);
    assert!(names(&listed).contains(&"between"));
}

pub async fn last_page_has_no_next_position(db: &Database) {
    let (_, sizes) = walk(&db.store, 10).await;
    assert_eq!(sizes, [0], "one empty page");
    for n in 0..10 {
        db.user(&format!("user{n}")).await;
    }
    let (_, sizes) = walk(&db.store, 10).await;
    assert_eq!(sizes, [10], "exactly one page");
    let beyond = db.store.list_users(Some(Uuid::max()), 10).await;
    let beyond = beyond.expect("asked");
    assert_eq!((beyond.users, beyond.next), (Vec::new(), None));
}
