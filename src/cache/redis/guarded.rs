//! Entries that changes win against: what was loaded before a change is not put after it.
//!
//! Entries have a guard, whose epoch a change advances when it removes them. Who does not find an
//! entry gets the epoch together with the miss, loads, and fills only if the epoch is still that
//! one. All of it is one command or one script, so nothing comes in between.

use std::time::Duration;

use ::redis::cmd;

use super::link::misunderstood;
use super::{Key, Redis, millis, scripts};
use crate::error::Result;
use crate::metrics::RedisOperation;

/// How long an epoch is remembered after a change. Whoever loaded for longer than that must not
/// fill: it is far above the lifetime of any guarded entry.
const EPOCH_TTL: Duration = Duration::from_mins(10);

/// Entries at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// Each entry, in the order asked.
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

    /// Puts entries that were loaded after the snapshot, unless there was a change since. Returns
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

    /// Removes entries because they changed, keeps loads under way from putting them back, and
    /// sends `message` to whoever listens.
    ///
    /// # Errors
    /// When Redis does not answer: then it is not known whether it was done.
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
