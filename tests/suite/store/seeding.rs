//! Accounts for tests.

use rbac_sentinel::testing::error::Error;
use rbac_sentinel::testing::store::{Seed, SeedSession};

use super::database::{Database, HASH, at};

fn seed(with_sessions: bool) -> Seed {
    Seed {
        password_hash: HASH.to_owned(),
        at: at(5),
        session: with_sessions.then(|| SeedSession {
            idle_expires_at: at(15),
            expires_at: at(105),
        }),
    }
}

pub async fn seeded_accounts_are_like_others(db: &Database) {
    // More than one statement takes, and not a multiple of it.
    let seeded = db.store.seed_users(&seed(true), 1, 123).await;
    seeded.expect("made");
    let page = db.store.list_users(None, 200).await.expect("asked");
    let names: Vec<_> = page.users.iter().map(|user| &user.username).collect();
    let expected: Vec<_> = (1..=123).map(|n| format!("seed-{n:07}")).collect();
    assert_eq!(names, expected.iter().collect::<Vec<_>>());
    for user in &page.users {
        assert_eq!(user.email, format!("{}@example.com", user.username));
        assert_eq!(user.roles, ["user"]);
        assert_eq!((user.created_at, user.updated_at), (at(5), at(5)));
        assert!(!user.disabled && user.last_login_at.is_none());
        let sessions = db.store.sessions(user.id, at(14)).await.expect("asked");
        assert_eq!(sessions.len(), 1);
        assert_eq!(
            (sessions[0].created_at, sessions[0].expires_at),
            (at(5), at(105))
        );
    }
    for name in ["seed-0000001", "SEED-0000123@example.com"] {
        let found = db.store.credentials(name).await.expect("asked");
        assert_eq!(found.expect("there").password_hash, HASH);
    }
    assert_eq!(db.store.count_sessions(at(14)).await.expect("asked"), 123);
    assert_eq!(db.store.count_sessions(at(15)).await.expect("asked"), 0);
}

pub async fn seeding_continues_where_it_ended(db: &Database) {
    let last = async || db.store.last_seeded().await.expect("asked");
    assert_eq!(last().await, 0);
    let seeded = db.store.seed_users(&seed(false), 1, 60).await;
    seeded.expect("made");
    assert_eq!(last().await, 60);
    // Neither of them is a number of seven digits.
    db.user("seed-99").await;
    db.user("seed-99999999").await;
    let seeded = db.store.seed_users(&seed(false), 61, 70).await;
    seeded.expect("made");
    assert_eq!(last().await, 70);
    assert_eq!(db.store.count_users().await.expect("asked"), (72, 0));
    assert_eq!(db.store.count_sessions(at(6)).await.expect("asked"), 0);
}

pub async fn seeding_is_all_or_nothing(db: &Database) {
    db.user("seed-0000055").await;
    let refused = db.store.seed_users(&seed(true), 1, 60).await;
    assert!(matches!(refused, Err(Error::Taken { .. })), "{refused:?}");
    assert_eq!(db.store.count_users().await.expect("asked"), (1, 0));
}

pub async fn seeding_fails_on_a_taken_username(db: &Database) {
    db.user("seed-12345xy").await;
    let refused = db.store.last_seeded().await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
}
