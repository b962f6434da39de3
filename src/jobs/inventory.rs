//! Counts accounts and sessions.

use std::time::{Duration, Instant};

use super::Job;
use crate::clock::{Clock, epoch_seconds};
use crate::error::Result;
use crate::metrics::{INVENTORY_LAST_SUCCESS, SESSIONS_ACTIVE, USERS, UserState};
use crate::store::Store;

/// The interval between counts. If a count takes more than a hundredth of it, the pause is a hundred
/// times as long as the count took.
const INTERVAL: Duration = Duration::from_mins(1);
const PAUSE_FACTOR: u32 = 100;

/// Sets the gauges of accounts and sessions.
pub struct Inventory {
    store: Store,
    clock: Clock,
}

impl Inventory {
    /// Counts the accounts and sessions of this store.
    #[must_use]
    pub const fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    async fn count(&self) -> Result<()> {
        let now = self.clock.now();
        let (users, disabled) = self.store.count_users().await?;
        let sessions = self.store.count_sessions(now).await?;
        USERS.set(UserState::Active, users.saturating_sub(disabled) as f64);
        USERS.set(UserState::Disabled, disabled as f64);
        SESSIONS_ACTIVE.set((), sessions as f64);
        INVENTORY_LAST_SUCCESS.set((), epoch_seconds(now));
        Ok(())
    }
}

impl Job for Inventory {
    async fn tick(&mut self) -> Duration {
        let start = Instant::now();
        // A failure is logged and counted where it happens; the timestamp gauge shows the age of the
        // others.
        let _ = self.count().await;
        INTERVAL.max(start.elapsed() * PAUSE_FACTOR)
    }
}
