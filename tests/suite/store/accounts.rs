//! Creating and finding accounts.

use futures_util::future::join_all;
use rbac_sentinel::testing::error::Error;
use rbac_sentinel::testing::store::{Credentials, ProfileChange};
use uuid::Uuid;

use super::database::{Database, HASH, at, new_user};
use super::one_change::OneChange as _;

async fn find(db: &Database, name: &str) -> Option<Credentials> {
    db.store.credentials(name).await.expect("asked")
}

/// Earlier versions stored the domain as it was written.
pub async fn address_of_an_earlier_version_is_found_and_stays_unique(db: &Database) {
    let mut old = new_user("old");
    old.email = "Old@B\u{fc}cher.example".to_owned();
    let old = db.store.insert_user(&old).await.expect("made");
    for name in ["old@b\u{fc}cher.example", "OLD@B\u{dc}CHER.EXAMPLE"] {
        let found = find(db, name).await.unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(found.user, old);
    }
    let mut new = new_user("new");
    new.email = "old@xn--bcher-kva.example".to_owned();
    let refused = db.store.insert_user(&new).await;
    assert!(
        matches!(refused, Err(Error::Taken { field: "email" })),
        "{refused:?}"
    );
    let other = db.user("other").await;
    let change = ProfileChange {
        email: Some(new.email),
        ..ProfileChange::default()
    };
    let refused = db.store.update_user(other.id, &change, at(1)).await;
    assert!(
        matches!(refused, Err(Error::Taken { field: "email" })),
        "{refused:?}"
    );
}

pub async fn account_is_found_by_id_username_and_email_in_any_case(db: &Database) {
    let made = db.user("Alice").await;
    assert_eq!((made.username.as_str(), made.disabled), ("Alice", false));
    assert_eq!((made.created_at, made.updated_at), (at(0), at(0)));
    assert_eq!(made.last_login_at, None);
    let found = db.store.user(made.id).await.expect("asked");
    assert_eq!(found.as_ref(), Some(&made));
    let found = db.store.credentials_of(made.id).await.expect("asked");
    assert_eq!(found.expect("there").password_hash, HASH);
    for name in [
        "Alice",
        "alice",
        "ALICE",
        "alice@example.com",
        "aLiCe@EXAMPLE.com",
    ] {
        let found = find(db, name).await.unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(found.user, made);
        assert_eq!(found.password_hash, HASH);
    }
    for name in ["", "alic", "alice ", "alice@", "alice@example.org", "%"] {
        assert!(find(db, name).await.is_none(), "{name:?}");
    }
    let nobody = Uuid::now_v7();
    assert_eq!(db.store.user(nobody).await.expect("asked"), None);
    let found = db.store.credentials_of(nobody).await.expect("asked");
    assert!(found.is_none());
}

pub async fn email_keeps_its_case_and_compares_beyond_ascii(db: &Database) {
    let mut new = new_user("zoe");
    new.email = "Zoë.Ångström@Bücher.example".to_owned();
    db.store.insert_user(&new).await.expect("made");
    for address in [
        "zoë.ångström@bücher.example",
        "ZOË.ÅNGSTRÖM@BÜCHER.EXAMPLE",
        &new.email,
    ] {
        let found = find(db, address).await;
        let found = found.unwrap_or_else(|| panic!("no {address}"));
        assert_eq!(found.user.email, new.email);
    }
    assert!(find(db, "zoe.angstrom@bucher.example").await.is_none());
    let mut same = new_user("another");
    same.email = "zoË.ÅNGSTRÖM@bÜcher.example".to_owned();
    let refused = db.store.insert_user(&same).await;
    assert!(matches!(refused, Err(Error::Taken { field: "email" })));
}

pub async fn username_and_email_are_unique(db: &Database) {
    db.user("alice").await;
    let mut same_name = new_user("ALICE");
    same_name.email = "other@example.com".to_owned();
    let refused = db.store.insert_user(&same_name).await;
    assert!(matches!(refused, Err(Error::Taken { field: "username" })));
    let mut same_address = new_user("other");
    same_address.email = "Alice@Example.com".to_owned();
    let refused = db.store.insert_user(&same_address).await;
    assert!(matches!(refused, Err(Error::Taken { field: "email" })));
    // The refused accounts left nothing behind.
    assert!(find(db, "other").await.is_none());
    assert!(find(db, "other@example.com").await.is_none());
    assert_eq!(db.store.count_users().await.expect("asked"), (1, 0));
}

pub async fn concurrent_creations_of_one_username_create_one(db: &Database) {
    let stores = db.shared().await;
    let attempts = (0..20).map(|n| {
        let store = stores[n / 2 % 2].clone();
        tokio::spawn(async move {
            let mut new = new_user(if n % 2 == 0 { "racer" } else { "RACER" });
            new.email = format!("racer-{n}@example.com");
            store.insert_user(&new).await
        })
    });
    let mut winners = 0;
    for outcome in join_all(attempts).await {
        match outcome.expect("joins") {
            Ok(_) => winners += 1,
            Err(Error::Taken { field: "username" }) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(winners, 1);
    assert_eq!(db.store.count_users().await.expect("asked"), (1, 0));
}

pub async fn account_with_unknown_role_is_not_created(db: &Database) {
    let mut new = new_user("alice");
    new.roles = vec!["user".to_owned(), "emperor".to_owned()];
    let refused = db.store.insert_user(&new).await;
    assert!(matches!(refused, Err(Error::Internal(_))));
    assert!(find(db, "alice").await.is_none());
}

pub async fn accounts_are_counted(db: &Database) {
    assert_eq!(db.store.count_users().await.expect("asked"), (0, 0));
    let alice = db.user("alice").await;
    db.user("bob").await;
    let disable = ProfileChange {
        disabled: Some(true),
        ..Default::default()
    };
    let disabled = db.store.update_user(alice.id, &disable, at(1)).await;
    disabled.expect("disabled");
    assert_eq!(db.store.count_users().await.expect("asked"), (2, 1));
}
