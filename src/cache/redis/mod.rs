//! Entries and counters in Redis, shared by all replicas.
//!
//! No request waits for Redis longer than the timeout, and none waits while Redis is known to be
//! down: the first failure opens a circuit breaker, and only the watcher closes it again. Commands
//! are never retried, because a command without an answer may have been executed.

mod breaker;
mod guarded;
mod link;
mod listen;
mod scripts;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

pub use self::guarded::Snapshot;
use self::link::{Link, misunderstood};
pub use self::listen::Notification;
use super::{Counted, Key, Memory, Permit};
use crate::clock::Clock;
use crate::error::Result;
use crate::metrics::RedisOperation;
use crate::rate::Rate;

/// The number of local counters that replace Redis while it is down.
const LOCAL_COUNTERS: usize = 100_000;

/// The address and limits of the connection to Redis.
pub struct RedisOptions {
    /// `redis://` or `rediss://`; may hold a password.
    pub url: String,
    /// The prefix of keys and of the channel.
    pub prefix: String,
    /// The timeout of a command.
    pub timeout: Duration,
}

/// A handle to Redis; clones share the connection.
#[derive(Clone)]
pub struct Redis {
    link: Arc<Link>,
    prefix: Arc<str>,
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
        Ok(Self {
            link,
            prefix: options.prefix.as_str().into(),
            local: Arc::new(Memory::new(clock, LOCAL_COUNTERS)),
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
        let Some((now, full_at)) = reply
            .split_first()
            .filter(|(_, at)| at.len() == wanted.len())
        else {
            return Err(misunderstood());
        };
        let counters = || wanted.iter().map(|(_, limit)| limit).zip(full_at);
        let taken = counters().all(|(limit, full_at)| limit.take(*full_at, *now).is_some());
        Ok(counters()
            .map(|(limit, full_at)| limit.permit(*full_at, *now, taken))
            .collect())
    }

    /// A key's name in Redis.
    fn name(&self, key: &Key) -> Vec<u8> {
        let kind = key.kind.word().as_bytes();
        [self.prefix.as_bytes(), kind, b":", &key.id].concat()
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
        format!("{}invalidations", self.prefix)
    }
}

/// Whole milliseconds, rounded up: an entry never expires early, and never has a TTL of 0, which Redis
/// rejects.
fn millis(ttl: Duration) -> u64 {
    let millis = ttl.as_nanos().div_ceil(1_000_000).max(1);
    // Redis adds it to the current time, which must not overflow.
    u64::try_from(millis).unwrap_or(u64::MAX).min(1 << 45)
}
