//! Pings the database.

use std::time::{Duration, Instant};

use super::Job;
use crate::store::Store;

/// How often the database is pinged.
const INTERVAL: Duration = Duration::from_secs(1);

/// Pings the database and reports whether it answers.
pub struct Dependencies<F> {
    store: Store,
    report: F,
}

impl<F: Fn(bool) + Send + Sync + 'static> Dependencies<F> {
    /// Reports to this function.
    #[must_use]
    pub const fn new(store: Store, report: F) -> Self {
        Self { store, report }
    }

    /// Pings once.
    pub async fn ping(&self) {
        (self.report)(self.store.ping().await.is_ok());
    }
}

impl<F: Fn(bool) + Send + Sync + 'static> Job for Dependencies<F> {
    // Start-up has pinged already.
    fn first_delay(&self) -> Duration {
        INTERVAL
    }

    async fn tick(&mut self) -> Duration {
        let start = Instant::now();
        self.ping().await;
        INTERVAL.saturating_sub(start.elapsed())
    }
}
