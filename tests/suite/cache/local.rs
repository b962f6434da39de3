//! Counters in process: their bounds, and how they replace Redis while it is down.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use rbac_sentinel::testing::cache::{Cache, Counted, Key, Kind, Memory};
use rbac_sentinel::testing::clock::Clock;
use rbac_sentinel::testing::error::Error;
use rbac_sentinel::testing::metrics::Backend;
use rbac_sentinel::testing::rate::Rate;

use super::{connected, handle, unique_prefix};

fn counted(number: u64) -> Counted {
    let mut digest = [0; 16];
    digest[..8].copy_from_slice(&number.to_le_bytes());
    Counted {
        limiter: "general",
        dimension: "source",
        digest,
    }
}

const LIMIT: Rate = Rate {
    count: 10,
    period: Duration::from_hours(24),
};

#[test]
fn local_counters_are_bounded_by_capacity() {
    let memory = Memory::new(Clock::system(), 1000);
    for number in 0..20_000_u64 {
        assert!(memory.try_acquire(&[(counted(number), LIMIT)])[0].allowed);
    }
    let held = memory.counters();
    assert!((500..=1000).contains(&held), "{held}");
}

#[test]
fn flood_of_new_keys_does_not_evict_a_counter_in_use() {
    let memory = Memory::new(Clock::system(), 1000);
    let hot = [(counted(u64::MAX), LIMIT)];
    while memory.try_acquire(&hot)[0].allowed {}
    for number in 0..100_000 {
        let _ = memory.try_acquire(&[(counted(number), LIMIT)]);
        if number % 100 == 0 {
            assert!(
                !memory.try_acquire(&hot)[0].allowed,
                "forgotten after {number}"
            );
        }
    }
}

/// Uses a cache whose Redis does not answer.
async fn goes_on_without(url: &str) {
    let timeout = Duration::from_millis(100);
    let redis = handle(url, &unique_prefix(), timeout);
    assert!(!redis.answers_within(timeout).await);
    let guard = Key::new(Kind::Epoch, "a");
    let key = Key::new(Kind::Session, "a");
    let start = Instant::now();
    for _ in 0..1000 {
        let read = redis.read(&guard, std::slice::from_ref(&key)).await;
        let changed = redis
            .invalidate(&guard, std::slice::from_ref(&key), b"")
            .await;
        for answer in [read.map(drop), changed] {
            assert!(matches!(answer, Err(Error::Unavailable)), "{answer:?}");
        }
    }
    // If each of the 2,000 waited for the timeout, this would take more than three minutes.
    assert!(start.elapsed() < Duration::from_mins(1));
    let cache = Cache::Redis(redis);
    let wanted = [(counted(1), LIMIT)];
    for number in 0..20 {
        let (permits, backend) = cache.try_acquire(&wanted).await;
        assert_eq!(backend, Backend::Local);
        assert_eq!(permits[0].allowed, number < 10, "{number}");
    }
}

#[tokio::test]
async fn unreachable_redis_makes_entries_unavailable_and_limits_local() {
    let port = testkit::ports::free_port();
    goes_on_without(&format!("redis://127.0.0.1:{port}")).await;
}

#[tokio::test]
async fn hanging_redis_makes_entries_unavailable_and_limits_local() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = silent.local_addr().expect("bound");
    goes_on_without(&format!("redis://{address}")).await;
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn closed_cache_does_not_use_redis_again() {
    let cache = Cache::Redis(connected(&unique_prefix()).await);
    let wanted = [(counted(1), LIMIT)];
    assert_eq!(cache.try_acquire(&wanted).await.1, Backend::Redis);
    cache.close();
    assert_eq!(cache.try_acquire(&wanted).await.1, Backend::Local);
    let Cache::Redis(redis) = cache else {
        unreachable!("made so")
    };
    assert!(!redis.answers_within(Duration::ZERO).await);
}
