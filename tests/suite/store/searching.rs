//! Search of accounts by prefix.

use rbac_sentinel::testing::store::{Store, User};

use super::database::{Database, at, new_user};
use super::one_change::OneChange as _;

/// Walks through every page; gives the accounts and the pages' sizes.
async fn walk(store: &Store, limit: u32, beginning: &str) -> (Vec<User>, Vec<usize>) {
    let (mut users, mut sizes) = (Vec::new(), Vec::new());
    let mut after: Option<String> = None;
    loop {
        let page = store.search_users(beginning, after.as_deref(), limit).await;
        let page = page.expect("asked");
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

async fn search(db: &Database, beginning: &str) -> Vec<String> {
    let page = db.store.search_users(beginning, None, 100).await;
    let users = page.expect("asked").users;
    names(&users).into_iter().map(str::to_owned).collect()
}

async fn add(db: &Database, accounts: &[(&str, &str)]) {
    for (name, email) in accounts {
        let mut new = new_user(name);
        new.email = (*email).to_owned();
        db.store.insert_user(&new).await.expect("made");
    }
}

pub async fn search_finds_prefixes_in_any_case(db: &Database) {
    add(
        db,
        &[
            ("Anna", "zanna@example.com"),
            ("annabel", "b@example.com"),
            ("hannah", "ANNE@example.com"),
            ("Åsa", "åsa@example.com"),
            ("bob", "anybody@example.com"),
        ],
    )
    .await;
    assert_eq!(search(db, "ann").await, ["Anna", "annabel", "hannah"]);
    assert_eq!(search(db, "ANNA").await, ["Anna", "annabel"]);
    assert_eq!(search(db, "annabel").await, ["annabel"]);
    assert_eq!(search(db, "annabella").await, [""; 0]);
    assert_eq!(search(db, "nna").await, [""; 0], "not in the middle");
    assert_eq!(search(db, "å").await, ["Åsa"]);
    assert_eq!(search(db, "any").await, ["bob"]);
    assert_eq!(search(db, "").await.len(), 5);
}

pub async fn search_treats_sql_wildcards_literally(db: &Database) {
    let odd = ["%", "_", "\\", "'", "\"", "*", "?", "[a]", "--", ";", "$1"];
    for (n, name) in odd.iter().enumerate() {
        let mut new = new_user(&format!("{name}x"));
        new.email = format!("plain-{n}@example.com");
        db.store.insert_user(&new).await.expect("made");
    }
    db.user("a").await;
    for name in odd {
        assert_eq!(search(db, name).await, [format!("{name}x")], "{name}");
        let found = db.store.credentials(&format!("{name}X")).await;
        assert!(found.expect("asked").is_some(), "{name}");
        let found = db.store.credentials(name).await.expect("asked");
        assert!(found.is_none(), "{name}");
    }
    for pattern in ["%x", "_x_", "a%", "' OR '1'='1", "'; DROP TABLE users; --"] {
        let found = search(db, pattern).await;
        let meant: Vec<_> = odd
            .iter()
            .map(|name| format!("{name}x"))
            .filter(|name| name.starts_with(pattern))
            .collect();
        assert_eq!(found, meant, "{pattern}");
    }
}

pub async fn search_is_paged(db: &Database) {
    let mut made = Vec::new();
    for n in 0..13 {
        made.push(db.user(&format!("found{n:02}")).await);
        db.user(&format!("hidden{n:02}")).await;
    }
    let (listed, sizes) = walk(&db.store, 5, "found").await;
    assert_eq!(sizes, [5, 5, 3]);
    assert_eq!(listed, made);
}

pub async fn search_lists_username_matches_before_email_matches_without_duplicates(db: &Database) {
    add(
        db,
        &[
            ("ada", "anna1@example.com"),
            ("Anna2", "zoe@example.com"),
            // Found by both.
            ("anna10", "anna10@example.com"),
            ("anna", "ANNA0@example.com"),
            ("bea", "anna@example.com"),
            ("cleo", "Anna.c@example.com"),
        ],
    )
    .await;
    let expected = ["anna", "anna10", "Anna2", "cleo", "ada", "bea"];
    for limit in [1, 2, 3, 4, 5, 6, 7] {
        let (found, sizes) = walk(&db.store, limit, "anna").await;
        assert_eq!(names(&found), expected, "{limit}");
        // Every page except the last is full, and the last is not empty.
        let (last, full) = sizes.split_last().expect("a page");
        assert!(full.iter().all(|size| *size == limit as usize), "{sizes:?}");
        assert!(*last > 0, "{sizes:?}");
    }
    let (found, _) = walk(&db.store, 1, "anna@").await;
    assert_eq!(names(&found), ["bea"]);
}

pub async fn search_continues_after_deleted_accounts(db: &Database) {
    add(
        db,
        &[
            ("anna1", "x1@example.com"),
            ("anna2", "x2@example.com"),
            ("bea", "anna3@example.com"),
            ("cleo", "anna4@example.com"),
        ],
    )
    .await;
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = db.store.search_users("anna", after.as_deref(), 1).await;
        let page = page.expect("asked");
        for user in &page.users {
            db.store.delete_user(user.id, at(1)).await.expect("deleted");
        }
        found.extend(page.users);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(names(&found), ["anna1", "anna2", "bea", "cleo"]);
}

pub async fn search_position_of_another_search_finds_no_other_accounts(db: &Database) {
    add(
        db,
        &[("anna", "x@example.com"), ("bea", "anna3@example.com")],
    )
    .await;
    for (after, expected) in [
        ("", &["anna", "bea"][..]),
        ("aaa", &["anna", "bea"]),
        ("anna", &["bea"]),
        ("zoe", &["bea"]),
        ("a@", &["bea"]),
        ("z@", &[]),
        ("\0", &[]),
    ] {
        let page = db.store.search_users("anna", Some(after), 10).await;
        assert_eq!(names(&page.expect("asked").users), expected, "{after:?}");
    }
    assert_eq!(search(db, "\0").await, [""; 0]);
}
