//! Login attempts: which budget they are taken from, the same in memory and in Redis.

use std::sync::Arc;
use std::time::Duration;

use rbac_sentinel::testing::cache::{Counted, Group, LoginCounters, LoginDecision, Way};
use rbac_sentinel::testing::rate::Rate;

use super::Subject;
use crate::harness::until;

/// So long that nothing is refilled while a test runs.
const DAY: Duration = Duration::from_hours(24);

fn counted(dimension: &'static str, name: &str) -> Counted {
    let mut digest = [0; 16];
    digest[..name.len()].copy_from_slice(name.as_bytes());
    Counted {
        limiter: "login",
        dimension,
        digest,
    }
}

fn a_day(count: u32) -> Rate {
    Rate { count, period: DAY }
}

/// A login to one account from this source: two permits for unknown clients, and a reserved one.
fn from(source: &str) -> LoginCounters {
    let counters = [
        (Group::Source, counted("source", source), a_day(100)),
        (Group::Trusted, counted("trusted", "account"), a_day(100)),
        (Group::Known, counted("known", source), a_day(3)),
        (Group::Stranger, counted("stranger", source), a_day(2)),
        (Group::Open, counted("account", "account"), a_day(2)),
        (Group::Reserved, counted("reserved", "account"), a_day(1)),
    ];
    LoginCounters {
        known: counted("source-known", source),
        waits: counted("stranger-waits", source),
        counters: counters.to_vec(),
        wait_after_denial: DAY,
        wait_after_guess: DAY,
    }
}

fn on_device(mut login: LoginCounters, device: &str) -> LoginCounters {
    let device = (Group::Device, counted("device", device), a_day(2));
    login.counters.push(device);
    login
}

async fn ask(subject: &Subject, login: &LoginCounters) -> LoginDecision {
    let (decision, backend) = subject.handles[1].try_login(login).await;
    assert_eq!(backend, subject.backend);
    decision
}

async fn way(subject: &Subject, login: &LoginCounters) -> Option<Way> {
    match ask(subject, login).await {
        LoginDecision::Admitted(way) => Some(way),
        _ => None,
    }
}

/// Uses up all permits of unknown clients.
async fn hammer(subject: &Subject) {
    for (source, expected) in [("a", Way::Open), ("b", Way::Open), ("c", Way::Reserved)] {
        assert_eq!(way(subject, &from(source)).await, Some(expected));
    }
    for source in ["a", "b", "c", "d", "d"] {
        assert_eq!(way(subject, &from(source)).await, None);
    }
}

pub async fn denied_login_takes_no_permit(subject: &Subject) {
    let mut login = from("a");
    login.counters[0].2 = a_day(3);
    for _ in 0..2 {
        assert_eq!(way(subject, &login).await, Some(Way::Open));
    }
    for _ in 0..20 {
        let LoginDecision::AccountLimited(wait) = ask(subject, &login).await else {
            panic!("the source has a permit left");
        };
        assert!(wait > Duration::ZERO && wait <= DAY / 2, "{wait:?}");
    }
    // The source's third permit is still there for another account.
    let mut other = from("a");
    other.counters[0].2 = a_day(3);
    for (group, counted, _) in &mut other.counters {
        if *group != Group::Source {
            counted.digest[15] = 1;
        }
    }
    assert_eq!(way(subject, &other).await, Some(Way::Open));
    let limited = ask(subject, &other).await;
    assert!(matches!(limited, LoginDecision::SourceLimited(wait) if wait <= DAY / 3));
    // Nor did the denied ones take reserved permits.
    assert_eq!(way(subject, &from("b")).await, Some(Way::Reserved));
}

pub async fn known_source_logs_in_while_strangers_are_denied(subject: &Subject) {
    let home = from("home");
    assert_eq!(way(subject, &home).await, Some(Way::Open));
    subject.handles[0]
        .login_succeeded(&home, Way::Open, DAY)
        .await;
    hammer_after_login(subject).await;
    for _ in 0..3 {
        assert_eq!(way(subject, &home).await, Some(Way::Known));
    }
    assert_eq!(
        way(subject, &home).await,
        None,
        "it has no more than its own"
    );
}

/// A successful login returned its permit: unknown clients have all of theirs.
async fn hammer_after_login(subject: &Subject) {
    hammer(subject).await;
}

pub async fn device_logs_in_while_strangers_are_denied(subject: &Subject) {
    hammer(subject).await;
    let phone = on_device(from("train"), "phone");
    for _ in 0..2 {
        assert_eq!(way(subject, &phone).await, Some(Way::Device));
    }
    assert_eq!(
        way(subject, &phone).await,
        None,
        "a stolen cookie has no more"
    );
    let laptop = on_device(from("train"), "laptop");
    assert_eq!(way(subject, &laptop).await, Some(Way::Device));
}

pub async fn reserved_turn_goes_to_a_stranger_who_rested(subject: &Subject) {
    let rest = Duration::from_millis(300);
    let login = |source: &str| {
        let mut login = from(source);
        login.counters[5].2 = a_day(0);
        login.wait_after_denial = rest;
        login
    };
    for source in ["a", "b"] {
        assert_eq!(way(subject, &login(source)).await, Some(Way::Open));
    }
    // No reserved permit yet: they were denied, and must pause.
    for source in ["c", "d"] {
        assert_eq!(way(subject, &login(source)).await, None);
    }
    let mut hammering = from("c");
    hammering.wait_after_denial = DAY;
    assert_eq!(
        way(subject, &hammering).await,
        None,
        "it asked a moment ago"
    );
    // The first two tried: now others have their turn.
    assert_eq!(way(subject, &from("a")).await, None);
    subject.pass(rest).await;
    let mut rested = from("d");
    rested.wait_after_denial = Duration::from_millis(1);
    until("admitted", async || {
        way(subject, &rested).await == Some(Way::Reserved)
    })
    .await;
}

pub async fn right_login_gives_its_permit_back_and_makes_the_source_known(subject: &Subject) {
    let home = from("home");
    for expected in [
        Way::Open,
        Way::Known,
        Way::Known,
        Way::Known,
        Way::Known,
        Way::Known,
    ] {
        assert_eq!(way(subject, &home).await, Some(expected));
        subject.handles[0]
            .login_succeeded(&home, expected, DAY)
            .await;
    }
    hammer(subject).await;
}

pub async fn right_login_gives_back_no_permit_but_its_own(subject: &Subject) {
    for source in ["a", "b"] {
        assert_eq!(way(subject, &from(source)).await, Some(Way::Open));
    }
    subject.handles[0]
        .login_succeeded(&from("b"), Way::Open, DAY)
        .await;
    for (source, expected) in [("c", Way::Open), ("d", Way::Reserved)] {
        assert_eq!(way(subject, &from(source)).await, Some(expected));
    }
}

pub async fn known_source_is_forgotten_in_time(subject: &Subject) {
    let home = from("home");
    assert_eq!(way(subject, &home).await, Some(Way::Open));
    let time = Duration::from_millis(300);
    subject.handles[0]
        .login_succeeded(&home, Way::Open, time)
        .await;
    subject.pass(time).await;
    until("a stranger", async || {
        way(subject, &home).await != Some(Way::Known)
    })
    .await;
}

pub async fn concurrent_logins_get_exactly_the_budget(subject: &Subject) {
    let calls: Vec<_> = (0..200)
        .map(|number| {
            let cache = Arc::clone(&subject.handles[number % 2]);
            tokio::spawn(async move {
                let mut login = from(&format!("s{number}"));
                login.counters[4].2 = a_day(20);
                login.counters[5].2 = a_day(10);
                cache.try_login(&login).await.0
            })
        })
        .collect();
    let mut ways = Vec::new();
    for call in calls {
        if let LoginDecision::Admitted(way) = call.await.expect("ends") {
            ways.push(way);
        }
    }
    let of = |way| ways.iter().filter(|other| **other == way).count();
    assert_eq!((of(Way::Open), of(Way::Reserved)), (20, 10));
}
