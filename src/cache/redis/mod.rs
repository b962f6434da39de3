//! Entries and counters in Redis, for all replicas.
//!
//! No request waits for Redis longer than the timeout, and none waits when it is known not to
//! answer: the first failure opens a circuit that only the watcher closes again. A command is sent
//! once: whether one that was not answered has been executed cannot be known.

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
pub use self::listen::Heard;
use super::{Counted, Key, Memory, Permit};
use crate::clock::Clock;
use crate::error::Result;
use crate::metrics::RedisOperation;
use crate::rate::Rate;

/// Counters of this replica for the time that Redis is gone.
const LOCAL_COUNTERS: usize = 100_000;

/// How Redis is reached.
pub struct RedisOptions {
    /// `redis://` or `rediss://`; may hold a password.
    pub url: String,
    /// What names of keys and of the channel begin with.
    pub prefix: String,
    /// How long to wait for an answer.
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

/// Stops watching when the last handle is gone.
struct Watcher(JoinHandle<()>);

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Redis {
    /// A handle that connects in the background, and again whenever the connection is lost.
    ///
    /// # Errors
    /// When the URL is not understood. Not when Redis does not answer.
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

    /// Where Redis is, without any secret.
    #[must_use]
    pub fn address(&self) -> &str {
        self.link.address()
    }

    /// Waits until Redis answers, but no longer than `patience`. Returns whether it does.
    pub async fn answers_within(&self, patience: Duration) -> bool {
        tokio::time::timeout(patience, self.link.connected())
            .await
            .is_ok()
    }

    /// Counters of this replica, for the time that Redis is gone.
    #[must_use]
    pub fn local(&self) -> &Memory {
        &self.local
    }

    /// Closes the connection for good.
    pub fn close(&self) {
        self.watcher.0.abort();
        self.link.close();
    }

    pub(super) async fn permits(&self, wanted: &[(Counted, Rate)]) -> Result<Vec<Permit>> {
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

    /// The channel on which replicas tell each other what changed.
    fn channel(&self) -> String {
        format!("{}invalidations", self.prefix)
    }
}

/// Whole milliseconds, rounded up: an entry never expires before its time, and never lives for
/// nothing, which Redis refuses.
fn millis(ttl: Duration) -> u64 {
    let millis = ttl.as_nanos().div_ceil(1_000_000).max(1);
    // Redis adds it to the time now, which must not overflow.
    u64::try_from(millis).unwrap_or(u64::MAX).min(1 << 45)
}
