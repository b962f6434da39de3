//! The contract of every cache, tested on the cache itself.
//!
//! A backend is a function that gives two handles to one empty cache; `backends!` at the end names
//! them. A contract is a function in one of the modules, listed in `contracts!`. Features of one backend
//! alone are tested beside it.

mod distrusted;
mod guarded;
mod local;
mod logins;
mod permits;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use rbac_sentinel::testing::cache::{Cache, Memory, Redis, RedisOptions};
use rbac_sentinel::testing::clock::Clock;
use rbac_sentinel::testing::metrics::Backend;
use uuid::Uuid;

use crate::harness::{PATIENCE, redis_url};
use crate::store::recorder;
use crate::support::with_attributes;

/// An empty cache, as two replicas have it.
pub struct Subject {
    pub handles: [Arc<Cache>; 2],
    /// Where limits are counted.
    pub backend: Backend,
    /// Moves the time of the cache where it can be moved.
    clock: Option<Clock>,
}

impl Subject {
    /// Lets time pass.
    pub async fn pass(&self, time: Duration) {
        match &self.clock {
            Some(clock) => clock.advance(TimeDelta::from_std(time).expect("short")),
            None => tokio::time::sleep(time).await,
        }
    }
}

/// A cache in process. The replica is alone: both handles are the same.
async fn open_memory() -> Subject {
    let clock = Clock::manual(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
    let memory = Arc::new(Cache::Memory(Memory::new(clock.clone(), 10_000)));
    Subject {
        handles: [Arc::clone(&memory), memory],
        backend: Backend::Memory,
        clock: Some(clock),
    }
}

/// A cache in Redis, apart from every other by its prefix.
async fn open_redis() -> Subject {
    let prefix = unique_prefix();
    let handles = [connected(&prefix).await, connected(&prefix).await];
    Subject {
        handles: handles.map(|redis| Arc::new(Cache::Redis(redis))),
        backend: Backend::Redis,
        clock: None,
    }
}

fn unique_prefix() -> String {
    format!("test-{}:", Uuid::now_v7())
}

/// A handle that waits for as long as a slow machine needs.
fn handle(url: &str, prefix: &str, timeout: Duration) -> Redis {
    handle_with(url, prefix, timeout, Clock::system())
}

fn handle_with(url: &str, prefix: &str, timeout: Duration, clock: Clock) -> Redis {
    recorder();
    let options = RedisOptions {
        url: url.to_owned(),
        prefix: prefix.to_owned(),
        timeout,
        key: [7; 32].into(),
        older_keys: Vec::new(),
    };
    Redis::open(&options, clock).expect("a URL")
}

async fn connected(prefix: &str) -> Redis {
    connected_with(prefix, Clock::system()).await
}

async fn connected_with(prefix: &str, clock: Clock) -> Redis {
    let redis = handle_with(&redis_url(), prefix, PATIENCE, clock);
    assert!(
        redis.answers_within(PATIENCE).await,
        "Redis does not answer"
    );
    redis
}

/// Hands every contract to another macro.
macro_rules! contracts {
    ($then:ident! $marks:tt $backend:ident $open:ident) => {
        $then! { $marks $backend $open
            permits: rate_limit_allows_a_burst_and_not_one_more,
                rate_limit_of_a_thousand_concurrent_requests_allows_exactly_the_limit,
                rate_limit_recovers_with_time,
                rate_limit_denied_by_one_counter_charges_none,
                rate_limit_charges_all_or_none_under_concurrency,
                rate_limit_counter_named_twice_is_charged_twice,
                rate_limit_counters_are_independent,
                rate_limit_of_no_counters_allows;
            logins: denied_login_takes_no_permit,
                known_source_logs_in_while_strangers_are_denied,
                device_logs_in_while_strangers_are_denied,
                reserved_turn_goes_to_a_stranger_who_rested,
                right_login_gives_its_permit_back_and_makes_the_source_known,
                right_login_gives_back_no_permit_but_its_own,
                known_source_is_forgotten_in_time,
                concurrent_logins_get_exactly_the_budget;
        }
    };
}

macro_rules! tests_of_backend {
    ($marks:tt $backend:ident $open:ident $($subject:ident: $($contract:ident),+;)+) => {
        mod $backend {
            $(mod $subject {
                use super::super::{$subject, $open, with_attributes};
                $(with_attributes! { $marks
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $contract() {
                        $subject::$contract(&$open().await).await;
                    }
                })+
            })+
        }
    };
}

macro_rules! backends {
    ($($marks:tt $backend:ident => $open:ident),+ $(,)?) => {
        $(contracts! { tests_of_backend! $marks $backend $open })+
    };
}

backends! {
    [] memory => open_memory,
    [#[ignore = "needs Redis: scripts/test"]] redis => open_redis,
}
