use chrono::TimeDelta;

use super::*;
use crate::cache::RedisOptions;

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn live() -> Live {
    Live::of(crate::store::StoredPolicy::default()).expect("the built-in policy")
}

fn seconds(seconds: i64) -> DateTime<Utc> {
    NOW + TimeDelta::seconds(seconds)
}

fn principal(scope: Scope) -> CachedPrincipal {
    let user = User {
        id: Uuid::now_v7(),
        username: "alice".to_owned(),
        email: "alice@example.com".to_owned(),
        disabled: false,
        roles: vec!["admin".to_owned()],
        limited_roles: vec![
            Assignment {
                role: "editor".to_owned(),
                reach: Reach::Type("posts".to_owned()),
                expires_at: None,
            },
            Assignment {
                role: "editor".to_owned(),
                reach: Reach::of("posts", "7"),
                expires_at: Some(9),
            },
        ],
        created_at: seconds(-30),
        updated_at: seconds(-20),
        last_login_at: Some(seconds(-10)),
        initial_password_until: Some(seconds(600)),
    };
    CachedPrincipal {
        account: Account::of(user, &live(), 0),
        scope,
        session_until: seconds(3),
        account_until: seconds(4),
    }
}

/// The entries as Redis holds them.
fn entries(session: Uuid, found: &CachedPrincipal) -> Vec<Option<Vec<u8>>> {
    let entries = encode(session, found).expect("written");
    entries.into_iter().map(|(_, value)| Some(value)).collect()
}

/// A shared cache whose Redis does not answer.
fn alone() -> Arc<SharedCache> {
    let options = RedisOptions::of("redis://127.0.0.1:1");
    let clock = Clock::manual(NOW);
    let redis = Redis::open(&options, clock.clone()).expect("a URL");
    Arc::new(SharedCache::new(redis, clock))
}

#[test]
fn entry_of_a_version_without_scopes_counts_as_missing() {
    let entry = serde_json::json!({ "user": Uuid::nil(), "until": 1 });
    assert!(serde_json::from_value::<SessionEntry>(entry.clone()).is_err());
    let mut scoped = entry;
    scoped["scope"] = "users:read".into();
    assert!(serde_json::from_value::<SessionEntry>(scoped).is_ok());
}

#[test]
fn principal_is_read_as_it_was_written() {
    for scope in [None, Some("users:read"), Some("")].map(Scope::stored) {
        let written = principal(scope);
        let id = written.account.user.id;
        let read = decode(&entries(Uuid::now_v7(), &written), id, NOW, &live()).expect("there");
        assert_eq!(read.scope, scope);
        assert_eq!(read.account.authority, written.account.authority);
        assert_eq!(read.session_until, written.session_until);
        assert_eq!(read.account_until, written.account_until);
        let [read, written] = [read, written].map(|found| found.account.user.clone());
        assert_eq!(read.id, written.id);
        assert_eq!(read.username, written.username);
        assert_eq!(read.email, written.email);
        assert!(!read.disabled);
        assert_eq!(read.roles, written.roles);
        assert_eq!(read.limited_roles, written.limited_roles);
        assert_eq!(read.created_at, written.created_at);
        assert_eq!(read.updated_at, written.updated_at);
        assert_eq!(read.last_login_at, written.last_login_at);
        assert_eq!(read.initial_password_until, written.initial_password_until);
    }
}

#[test]
fn session_and_account_must_be_there_and_of_the_user() {
    let (own, others) = (principal(Scope::EVERYTHING), principal(Scope::EVERYTHING));
    let (id, session) = (own.account.user.id, Uuid::now_v7());
    let [own, others] = [own, others].map(|found| entries(session, &found));
    let pair = |session: &Option<Vec<u8>>, account: &Option<Vec<u8>>| {
        decode(&[session.clone(), account.clone()], id, NOW, &live()).is_some()
    };
    assert!(pair(&own[0], &own[1]));
    assert!(!pair(&others[0], &own[1]) && !pair(&own[0], &others[1]));
    assert!(!pair(&others[0], &others[1]));
    assert!(!pair(&None, &own[1]) && !pair(&own[0], &None));
    assert!(!pair(&own[1], &own[0]));
}

#[test]
fn entries_count_until_they_expire_and_never_longer_than_our_own() {
    let mut written = principal(Scope::EVERYTHING);
    let id = written.account.user.id;
    for (session, account, now, expected) in [
        (3, 4, 2, Some((3, 4))),
        (3, 4, 3, None),
        (4, 3, 2, Some((4, 3))),
        (4, 3, 3, None),
        // A clock that is ahead.
        (600, 4, 0, Some((5, 4))),
        (3, 600, 0, Some((3, 5))),
    ] {
        (written.session_until, written.account_until) = (seconds(session), seconds(account));
        let found = decode(
            &entries(Uuid::now_v7(), &written),
            id,
            seconds(now),
            &live(),
        );
        let until = found.map(|found| (found.session_until, found.account_until));
        let expected = expected.map(|(session, account)| (seconds(session), seconds(account)));
        assert_eq!(until, expected, "{session} {account} {now}");
    }
}

#[tokio::test]
async fn invalidation_that_is_lost_makes_redis_distrusted_until_its_entries_have_expired() {
    let shared = alone();
    assert!(!shared.is_distrusted());
    let before = Instant::now();
    shared.publish(Uuid::now_v7(), Change::Account).await;
    let until = shared.distrusted().expect("distrusted");
    assert!(until >= before + TTL.to_std().expect("positive"));
    *shared.distrusted() = Some(Instant::now() + Duration::from_hours(1));
    assert!(shared.is_distrusted());
    *shared.distrusted() = Some(Instant::now());
    assert!(!shared.is_distrusted(), "it is over");
}

#[test]
fn propagation_takes_no_time_where_the_clocks_disagree() {
    for (from, to, micros) in [(7, 1_507, 1_500), (7, 7, 0), (1_507, 7, 0)] {
        assert_eq!(passed(from, to), Duration::from_micros(micros));
    }
}

#[tokio::test]
async fn messages_of_other_replicas_are_applied_and_own_ones_are_not() {
    let (shared, local) = (alone(), LocalCache::default());
    let found = principal(Scope::EVERYTHING);
    let (user, session, other) = (found.account.user.id, Uuid::now_v7(), Uuid::now_v7());
    // Which of two sessions of the account are left after this message.
    let left = |message: &[u8]| {
        for session in [session, other] {
            assert!(local.insert(session, user, local.epoch(user), &found));
        }
        shared.apply(message, &local);
        [session, other].map(|session| local.find(session, user, NOW, &live()).is_some())
    };
    let message = |from, sessions| {
        let message = Message {
            from,
            at: 0,
            user,
            sessions,
        };
        serde_json::to_vec(&message).expect("written")
    };
    let stranger = Uuid::now_v7();
    assert_eq!(left(&message(shared.replica, None)), [true, true]);
    assert_eq!(left(&message(stranger, None)), [false, false]);
    let ended = Some(vec![session]);
    assert_eq!(left(&message(stranger, ended)), [false, true]);
    assert_eq!(left(b"of another version"), [false, false]);
}
