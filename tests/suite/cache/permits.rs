//! Rate limits: exact, all or nothing, shared.

use std::sync::Arc;
use std::time::Duration;

use rbac_sentinel::testing::cache::{Counted, Permit};
use rbac_sentinel::testing::rate::Rate;

use super::Subject;
use crate::harness::until;

/// Long enough that nothing is refilled while a test runs.
const DAY: Duration = Duration::from_hours(24);

fn counted(name: &str) -> Counted {
    let mut digest = [0; 16];
    digest[..name.len()].copy_from_slice(name.as_bytes());
    Counted {
        limiter: "login",
        dimension: "source",
        digest,
    }
}

fn limit(count: u32) -> Rate {
    Rate { count, period: DAY }
}

async fn ask(subject: &Subject, handle: usize, wanted: &[(Counted, Rate)]) -> Vec<Permit> {
    let (permits, backend) = subject.handles[handle].try_acquire(wanted).await;
    assert_eq!(backend, subject.backend);
    assert_eq!(permits.len(), wanted.len());
    permits
}

async fn one(subject: &Subject, name: &str, count: u32) -> Permit {
    ask(subject, 0, &[(counted(name), limit(count))]).await[0]
}

/// How many of a thousand simultaneous requests, half of them on each handle, are admitted.
async fn thousand(subject: &Subject, wanted: Vec<(Counted, Rate)>) -> usize {
    let wanted = Arc::new(wanted);
    let calls: Vec<_> = (0..1000)
        .map(|number| {
            let cache = Arc::clone(&subject.handles[number % 2]);
            let wanted = Arc::clone(&wanted);
            tokio::spawn(async move { cache.try_acquire(&wanted).await })
        })
        .collect();
    let mut admitted = 0;
    for call in calls {
        let (permits, backend) = call.await.expect("ends");
        assert_eq!(backend, subject.backend);
        admitted += usize::from(permits.iter().all(|permit| permit.allowed));
    }
    admitted
}

pub async fn rate_limit_allows_a_burst_and_not_one_more(subject: &Subject) {
    for remaining in [2, 1, 0] {
        let permit = one(subject, "a", 3).await;
        assert!(permit.allowed);
        assert_eq!(permit.remaining, remaining);
        assert_eq!(permit.retry_after, Duration::ZERO);
        let reset = permit.reset_after;
        let taken = 3 - remaining;
        assert!(
            reset <= DAY / 3 * taken && reset > DAY / 3 * (taken - 1),
            "{reset:?}"
        );
    }
    for handle in [0, 1] {
        let denied = ask(subject, handle, &[(counted("a"), limit(3))]).await[0];
        assert!(!denied.allowed);
        assert_eq!(denied.remaining, 0);
        assert!(denied.retry_after > Duration::ZERO && denied.retry_after <= DAY / 3);
        assert!(denied.reset_after > DAY / 3 * 2 && denied.reset_after <= DAY);
    }
}

pub async fn rate_limit_of_a_thousand_concurrent_requests_allows_exactly_the_limit(
    subject: &Subject,
) {
    let wanted = vec![(counted("hot"), limit(100))];
    assert_eq!(thousand(subject, wanted.clone()).await, 100);
    assert_eq!(thousand(subject, wanted).await, 0);
}

pub async fn rate_limit_recovers_with_time(subject: &Subject) {
    let period = Duration::from_millis(400);
    let wanted = [(counted("a"), Rate { count: 2, period })];
    // However slow the machine is: within one refill two are admitted at once, and the next gets the
    // time to wait.
    for _ in 0..3 {
        let mut denied = None;
        while denied.is_none() {
            let permit = ask(subject, 0, &wanted).await[0];
            denied = (!permit.allowed).then_some(permit.retry_after);
        }
        let wait = denied.expect("denied");
        assert!(wait > Duration::ZERO && wait <= period / 2, "{wait:?}");
        subject.pass(wait).await;
        until("let through", async || {
            ask(subject, 0, &wanted).await[0].allowed
        })
        .await;
        subject.pass(period).await;
    }
}

pub async fn rate_limit_denied_by_one_counter_charges_none(subject: &Subject) {
    let both = [(counted("wide"), limit(10)), (counted("narrow"), limit(1))];
    let reversed = [both[1].clone(), both[0].clone()];
    let first = ask(subject, 0, &both).await;
    assert!(first.iter().all(|permit| permit.allowed));
    for wanted in [&both, &reversed] {
        let permits = ask(subject, 0, wanted).await;
        for ((counted, _), permit) in wanted.iter().zip(permits) {
            let wide = *counted == both[0].0;
            assert_eq!(permit.allowed, wide, "in the order of the limits");
            assert_eq!(permit.remaining, if wide { 9 } else { 0 }, "nothing taken");
            assert_eq!(permit.retry_after.is_zero(), wide);
        }
    }
    assert_eq!(one(subject, "wide", 10).await.remaining, 8);
}

pub async fn rate_limit_charges_all_or_none_under_concurrency(subject: &Subject) {
    let wanted = vec![
        (counted("wide"), limit(500)),
        (counted("narrow"), limit(50)),
        (counted("middle"), limit(100)),
    ];
    assert_eq!(thousand(subject, wanted).await, 50);
    assert_eq!(one(subject, "wide", 500).await.remaining, 449);
    assert_eq!(one(subject, "middle", 100).await.remaining, 49);
    assert!(!one(subject, "narrow", 50).await.allowed);
}

pub async fn rate_limit_counter_named_twice_is_charged_twice(subject: &Subject) {
    let twice = [(counted("a"), limit(5)), (counted("a"), limit(5))];
    for remaining in [3, 1] {
        let permits = ask(subject, 0, &twice).await;
        assert!(permits.iter().all(|permit| permit.allowed));
        assert_eq!(permits[1].remaining, remaining);
    }
    let permits = ask(subject, 0, &twice).await;
    assert!(!permits[1].allowed, "one is left, two are wanted");
    assert!(one(subject, "a", 5).await.allowed);
    assert!(!one(subject, "a", 5).await.allowed);
}

pub async fn rate_limit_counters_are_independent(subject: &Subject) {
    let base = counted("a");
    let others = [
        base.clone(),
        Counted {
            limiter: "register",
            ..base.clone()
        },
        Counted {
            dimension: "account",
            ..base.clone()
        },
        counted("b"),
    ];
    for counted in &others {
        let wanted = [(counted.clone(), limit(1))];
        assert!(ask(subject, 0, &wanted).await[0].allowed, "{counted:?}");
        assert!(!ask(subject, 1, &wanted).await[0].allowed, "{counted:?}");
    }
}

pub async fn rate_limit_of_no_counters_allows(subject: &Subject) {
    assert_eq!(ask(subject, 0, &[]).await, []);
}
