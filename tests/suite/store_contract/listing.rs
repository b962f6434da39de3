//! Listing and searching accounts.

use rbac_sentinel::store::{Store, User};
use uuid::Uuid;

use super::database::{Database, new_user};

/// Walks through every page; gives the accounts' names and the pages' sizes.
async fn walk(store: &Store, limit: u32, search: Option<&str>) -> (Vec<User>, Vec<usize>) {
    let (mut users, mut sizes) = (Vec::new(), Vec::new());
    let mut after = None;
    loop {
        let page = store.list_users(after, limit, search).await.expect("asked");
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

async fn search(db: &Database, prefix: &str) -> Vec<String> {
    let page = db.store.list_users(None, 100, Some(prefix)).await;
    let users = page.expect("asked").users;
    names(&users).into_iter().map(str::to_owned).collect()
}

pub async fn pages_give_everybody_once_and_in_order(db: &Database) {
    let mut made = Vec::new();
    for n in 0..25 {
        made.push(db.user(&format!("user{n:02}")).await);
    }
    let (listed, sizes) = walk(&db.store, 10, None).await;
    assert_eq!(sizes, [10, 10, 5]);
    assert_eq!(listed, made);
    let (listed, sizes) = walk(&db.store, 1, None).await;
    assert_eq!(sizes.len(), 25);
    assert_eq!(listed, made);
}

pub async fn pages_stay_whole_while_accounts_are_made(db: &Database) {
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
    let first = db.store.list_users(None, 10, None).await.expect("asked");
    // One more in any case, between two pages.
    db.user("between").await;
    let mut listed = first.users;
    let mut after = first.next;
    while let Some(id) = after {
        let page = db.store.list_users(Some(id), 10, None).await;
        let page = page.expect("asked");
        listed.extend(page.users);
        after = page.next;
    }
    others.await.expect("joins");
    assert!(listed.is_sorted_by(|a, b| a.id < b.id), "in order, once");
    assert_eq!(listed[..25], made[..]);
    assert!(names(&listed).contains(&"between"));
}

pub async fn the_last_page_says_that_it_is_the_last(db: &Database) {
    let (_, sizes) = walk(&db.store, 10, None).await;
    assert_eq!(sizes, [0], "nobody is there");
    for n in 0..10 {
        db.user(&format!("user{n}")).await;
    }
    let (_, sizes) = walk(&db.store, 10, None).await;
    assert_eq!(sizes, [10], "exactly one page");
    let beyond = db.store.list_users(Some(Uuid::max()), 10, None).await;
    let beyond = beyond.expect("asked");
    assert_eq!((beyond.users, beyond.next), (Vec::new(), None));
}

pub async fn a_search_finds_beginnings_of_names_and_addresses_in_any_case(db: &Database) {
    for (name, email) in [
        ("Anna", "zanna@example.com"),
        ("annabel", "b@example.com"),
        ("hannah", "ANNE@example.com"),
        ("Åsa", "åsa@example.com"),
        ("bob", "anybody@example.com"),
    ] {
        let mut new = new_user(name);
        new.email = email.to_owned();
        db.store.insert_user(&new).await.expect("made");
    }
    assert_eq!(search(db, "ann").await, ["Anna", "annabel", "hannah"]);
    assert_eq!(search(db, "ANNA").await, ["Anna", "annabel"]);
    assert_eq!(search(db, "annabel").await, ["annabel"]);
    assert_eq!(search(db, "annabella").await, [""; 0]);
    assert_eq!(search(db, "nna").await, [""; 0], "not in the middle");
    assert_eq!(search(db, "å").await, ["Åsa"]);
    assert_eq!(search(db, "any").await, ["bob"]);
    assert_eq!(search(db, "").await.len(), 5);
}

pub async fn characters_that_mean_something_to_sql_mean_themselves(db: &Database) {
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

pub async fn a_search_is_paged_too(db: &Database) {
    let mut made = Vec::new();
    for n in 0..13 {
        made.push(db.user(&format!("found{n:02}")).await);
        db.user(&format!("hidden{n:02}")).await;
    }
    let (listed, sizes) = walk(&db.store, 5, Some("found")).await;
    assert_eq!(sizes, [5, 5, 3]);
    assert_eq!(listed, made);
}
