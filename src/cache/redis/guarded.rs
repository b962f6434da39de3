//! Compare-and-set entries: an invalidation beats a concurrent fill of older data.
//!
//! Entries have a guard with an epoch, which an invalidation advances when it removes them. A miss
//! returns the epoch; after loading, the fill succeeds only if the epoch is unchanged. Each step is
//! one command or one script, so it is atomic.

use std::time::Duration;

use ::redis::cmd;

use super::link::misunderstood;
use super::{Key, Redis, millis, scripts};
use crate::error::Result;
use crate::metrics::RedisOperation;

/// TTL of an epoch after an invalidation. A load that takes longer could fill stale data: the TTL is
/// far above the duration of any load and the TTL of any entry.
const EPOCH_TTL: Duration = Duration::from_mins(10);

/// Entries and their guard's epoch, read together.
#[derive(Debug)]
pub struct Snapshot {
    /// The entries, in the order of the keys.
    pub values: Vec<Option<Vec<u8>>>,
    epoch: Vec<u8>,
}

impl Redis {
    /// Reads entries and their guard's epoch.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn read(&self, guard: &Key, keys: &[Key]) -> Result<Snapshot> {
        let mut read = cmd("MGET");
        read.arg(self.name(guard));
        for key in keys {
            read.arg(self.name(key));
        }
        let operation = RedisOperation::Read;
        let mut values: Vec<Option<Vec<u8>>> = self.link.command(operation, &read).await?;
        if values.len() != keys.len() + 1 {
            return Err(misunderstood());
        }
        let epoch = values.remove(0).unwrap_or_default();
        Ok(Snapshot { values, epoch })
    }

    /// Stores entries that were loaded after the snapshot, unless they were invalidated since. Returns
    /// whether it did.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn fill(
        &self,
        guard: &Key,
        snapshot: &Snapshot,
        entries: &[(Key, Vec<u8>)],
        ttl: Duration,
    ) -> Result<bool> {
        let mut fill = scripts::FILL.prepare_invoke();
        fill.key(self.name(guard));
        fill.arg(snapshot.epoch.as_slice()).arg(millis(ttl));
        for (key, value) in entries {
            fill.key(self.name(key));
            fill.arg(value.as_slice());
        }
        self.link.script(RedisOperation::Fill, &fill).await
    }

    /// Removes entries that changed, makes fills of loads in flight fail, and publishes `message`.
    ///
    /// # Errors
    /// When Redis does not answer: it may or may not have been done.
    pub async fn invalidate(&self, guard: &Key, keys: &[Key], message: &[u8]) -> Result<()> {
        let mut invalidate = scripts::INVALIDATE.prepare_invoke();
        invalidate.key(self.name(guard));
        for key in keys {
            invalidate.key(self.name(key));
        }
        invalidate
            .arg(millis(EPOCH_TTL))
            .arg(self.channel())
            .arg(message);
        let operation = RedisOperation::Invalidate;
        self.link.script(operation, &invalidate).await
    }
}
