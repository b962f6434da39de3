//! Entries and counters in Redis, shared by all replicas.
//!
//! No request waits for Redis longer than the timeout, and none waits while Redis is known to be
//! down: the first failure opens a circuit breaker, and only the watcher closes it again. Commands
//! are never retried, because a command without an answer may have been executed.
//!
//! Redis is not trusted: see [`guarded`] for entries and [`Redis::confirmed`] for counters.

mod authentic;
mod breaker;
mod guarded;
mod known;
mod link;
mod listen;
mod login;
mod scripts;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use self::authentic::Authenticator;
pub use self::guarded::Snapshot;
use self::known::KnownEpochs;
use self::link::{Link, misunderstood};
pub use self::listen::Notification;
use super::{Counted, Key, Memory, Permit};
use crate::clock::Clock;
use crate::error::Result;
use crate::metrics::{DEPENDENCY_FALLBACKS, Fallback, RedisOperation};
use crate::rate::Rate;

/// The number of local counters that replace Redis while it is down.
const LOCAL_COUNTERS: usize = 100_000;
/// The part of names that says that values are sealed.
const FORMAT: &[u8] = b"sealed:";
/// A time in microseconds that no clock has before the year 2200.
const LATEST: i64 = 1 << 53;

/// The address and limits of the connection to Redis.
pub struct RedisOptions {
    /// `redis://` or `rediss://`; may hold a password.
    pub url: String,
    /// The prefix of keys and of the channel.
    pub prefix: String,
    /// The timeout of a command.
    pub timeout: Duration,
    /// The key of the MACs, the same for all replicas.
    pub key: Zeroizing<[u8; 32]>,
    /// Keys that also count, while the secret is replaced.
    pub older_keys: Vec<Zeroizing<[u8; 32]>>,
}

#[cfg(test)]
impl RedisOptions {
    /// Those of a replica in tests.
    #[must_use]
    pub fn of(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            prefix: "test:".to_owned(),
            timeout: Duration::from_millis(100),
            key: [7; 32].into(),
            older_keys: Vec::new(),
        }
    }
}

/// A handle to Redis; clones share the connection.
#[derive(Clone)]
pub struct Redis {
    link: Arc<Link>,
    prefix: Arc<str>,
    clock: Clock,
    authenticator: Arc<Authenticator>,
    known: Arc<KnownEpochs>,
    local: Arc<Memory>,
    watcher: Arc<Watcher>,
}

/// Stops the watcher when the last handle is dropped.
struct Watcher(JoinHandle<()>);

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Redis {
    /// A handle that connects in the background, and reconnects whenever the connection is lost.
    ///
    /// # Errors
    /// When the URL cannot be parsed. A Redis that is down is no error.
    ///
    /// # Panics
    /// Outside of the async runtime.
    pub fn open(options: &RedisOptions, clock: Clock) -> Result<Self> {
        let link = Arc::new(Link::new(options)?);
        let watched = Arc::clone(&link);
        let older: Vec<_> = options.older_keys.iter().map(|key| **key).collect();
        Ok(Self {
            link,
            prefix: options.prefix.as_str().into(),
            authenticator: Arc::new(Authenticator::new(&*options.key, &older)),
            known: Arc::default(),
            local: Arc::new(Memory::new(clock.clone(), LOCAL_COUNTERS)),
            clock,
            watcher: Arc::new(Watcher(tokio::spawn(async move { watched.watch().await }))),
        })
    }

    /// The address of Redis, without secrets.
    #[must_use]
    pub fn address(&self) -> &str {
        self.link.address()
    }

    /// Waits until Redis answers, for `timeout` at most. Returns whether it does.
    pub async fn answers_within(&self, timeout: Duration) -> bool {
        tokio::time::timeout(timeout, self.link.connected())
            .await
            .is_ok()
    }

    /// The local counters, used while Redis is down.
    #[must_use]
    pub fn local(&self) -> &Memory {
        &self.local
    }

    /// Closes the connection for good.
    pub fn close(&self) {
        self.watcher.0.abort();
        self.link.close();
    }

    pub(super) async fn try_acquire(&self, wanted: &[(Counted, Rate)]) -> Result<Vec<Permit>> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let mut call = scripts::PERMITS.prepare_invoke();
        for (counted, limit) in wanted {
            call.key(self.counter(counted));
            call.arg(limit.interval()).arg(limit.burst());
        }
        let operation = RedisOperation::Permits;
        let reply: Vec<i64> = self.link.script(operation, &call).await?;
        let (now, full_at) = read(wanted, &reply).ok_or_else(misunderstood)?;
        let counters = || wanted.iter().map(|(_, limit)| limit).zip(&full_at);
        let taken = counters().all(|(limit, full_at)| limit.take(*full_at, now).is_some());
        Ok(counters()
            .map(|(limit, full_at)| limit.permit(*full_at, now, taken))
            .collect())
    }

    /// The decision of Redis, unless this replica's own count denies it. The own count has twice the
    /// burst, so it never denies while Redis counts correctly. If counters in Redis are deleted or
    /// reset, each replica still admits no more than the rate and one burst.
    pub(super) fn confirmed(
        &self,
        wanted: &[(Counted, Rate)],
        permits: Vec<Permit>,
    ) -> Vec<Permit> {
        if permits.iter().any(|permit| !permit.allowed) {
            return permits;
        }
        let own: Vec<_> = wanted
            .iter()
            .map(|(counted, rate)| (counted.clone(), rate.with_double_burst()))
            .collect();
        let own = self.local.try_acquire(&own);
        if own.iter().all(|permit| permit.allowed) {
            return permits;
        }
        DEPENDENCY_FALLBACKS.inc(Fallback::CounterReset);
        own
    }

    /// A key's name in Redis. It names the format of the value, so that replicas of another version
    /// during an upgrade neither read nor remove it: each sees what the other changes when the TTL ends.
    fn name(&self, key: &Key) -> Vec<u8> {
        let kind = key.kind.word().as_bytes();
        [self.prefix.as_bytes(), FORMAT, kind, b":", &key.id].concat()
    }

    fn counter(&self, counted: &Counted) -> Vec<u8> {
        let Counted {
            limiter,
            dimension,
            digest,
        } = counted;
        let name = format!("{}limit:{limiter}:{dimension}:", self.prefix);
        [name.as_bytes(), digest].concat()
    }

    /// The channel on which replicas publish invalidations.
    fn channel(&self) -> String {
        format!("{}sealed:invalidations", self.prefix)
    }
}

/// Whole milliseconds, rounded up: an entry never expires early, and never has a TTL of 0, which Redis
/// rejects.
fn millis(ttl: Duration) -> u64 {
    let millis = ttl.as_nanos().div_ceil(1_000_000).max(1);
    // Redis adds it to the current time, which must not overflow.
    u64::try_from(millis).unwrap_or(u64::MAX).min(1 << 45)
}

/// The time and when each counter is full in a reply of the script, if it has the form of one. A later time
/// than the script can reply with is limited.
fn read(wanted: &[(Counted, Rate)], reply: &[i64]) -> Option<(i64, Vec<i64>)> {
    let (now, full_at) = reply.split_first()?;
    if full_at.len() != wanted.len() || !(0..LATEST).contains(now) {
        return None;
    }
    let counters = wanted.iter().zip(full_at);
    let full_at = counters.map(|((_, limit), at)| limit.full_at(Some(*at), *now));
    Some((*now, full_at.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_767_225_600_000_000;

    #[test]
    fn a_reply_has_a_time_and_one_for_each_counter() {
        let counter = |count| {
            let counted = Counted {
                limiter: "login",
                dimension: "source",
                digest: [count; 16],
            };
            let rate = Rate {
                count: count.into(),
                period: Duration::from_secs(1),
            };
            (counted, rate)
        };
        let wanted = [counter(1), counter(2)];
        for reply in [
            &[][..],
            &[NOW],
            &[NOW, NOW],
            &[NOW, NOW, NOW, NOW],
            &[-1, NOW, NOW],
            &[LATEST, NOW, NOW],
            &[i64::MAX, NOW, NOW],
        ] {
            assert_eq!(read(&wanted, reply), None, "{reply:?}");
        }
        let soon = NOW + 1_000_000;
        for (reply, believed) in [
            ([NOW, NOW, soon], (NOW, vec![NOW, soon])),
            ([NOW, i64::MAX, i64::MIN], (NOW, vec![NOW, NOW])),
            ([0, 0, 0], (0, vec![0, 0])),
            (
                [LATEST - 1, LATEST, 0],
                (LATEST - 1, vec![LATEST, LATEST - 1]),
            ),
        ] {
            assert_eq!(read(&wanted, &reply), Some(believed));
        }
    }

    #[tokio::test]
    async fn watcher_ends_with_the_last_handle() {
        let options = RedisOptions::of("redis://localhost");
        let redis = Redis::open(&options, Clock::system()).expect("a URL");
        let watcher = redis.watcher.0.abort_handle();
        drop(redis.clone());
        tokio::task::yield_now().await;
        assert!(!watcher.is_finished());
        drop(redis);
        tokio::task::yield_now().await;
        assert!(watcher.is_finished());
    }

    #[test]
    fn entries_live_for_whole_milliseconds_and_never_for_none() {
        for (ttl, expected) in [
            (Duration::ZERO, 1),
            (Duration::from_nanos(1), 1),
            (Duration::from_millis(1), 1),
            (Duration::from_nanos(1_000_001), 2),
            (Duration::from_secs(5), 5_000),
            (Duration::MAX, 35_184_372_088_832),
        ] {
            assert_eq!(millis(ttl), expected, "{ttl:?}");
        }
    }
}
