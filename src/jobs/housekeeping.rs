//! Housekeeping: tables do not grow for ever.
//!
//! Every replica reads the time of the last run from a table. When a run is due, the first replica that
//! takes the lease does it for all; the others see in the table that it was done.

use std::pin::Pin;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::Job;
use crate::clock::{Clock, epoch_seconds};
use crate::error::{Error, Result};
use crate::events::names;
use crate::metrics::{
    HOUSEKEEPING_LAST_SUCCESS, HOUSEKEEPING_REMOVED, HOUSEKEEPING_RUNS, HousekeepingOutcome,
};
use crate::store::{HOUSEKEEPING_BATCH, Lease, LeaseName, Outdated, Store};

/// The longest pause between two reads of the last run.
const POLL_INTERVAL: Duration = Duration::from_secs(30);
/// The jitter of the first read, for replicas that start together.
const JITTER: Duration = Duration::from_secs(10);
/// How long the lease lasts without another batch.
const LEASE: TimeDelta = TimeDelta::minutes(1);
/// After a full batch, the pause is this many times the duration of the batch: requests have the writer
/// four fifths of the time.
const BACKOFF_FACTOR: u32 = 4;

/// The housekeeping of one replica.
pub struct Housekeeping {
    store: Store,
    clock: Clock,
    /// How often a run is due; never when zero.
    interval: Duration,
    /// How long ended sessions and used tokens are kept.
    retention: TimeDelta,
    /// Names this replica in the lease.
    id: Uuid,
    /// When the last known run began.
    seen: Option<DateTime<Utc>>,
    /// Waits between two batches.
    rest: fn(Duration) -> Rest,
}

type Rest = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Job for Housekeeping {
    fn first_delay(&self) -> Duration {
        // The id is random, and so is its first byte.
        let share = f64::from(self.id.as_bytes()[0]) / 256.0;
        JITTER.min(self.poll_interval()).mul_f64(share)
    }

    async fn tick(&mut self) -> Duration {
        let poll_interval = self.poll_interval();
        match self.run_if_due().await {
            Ok(until_due) => until_due.map_or(poll_interval, |due| due.min(poll_interval)),
            Err(error) => {
                HOUSEKEEPING_RUNS.inc(HousekeepingOutcome::Failed);
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(event = names::HOUSEKEEPING_FAILED, %error, cause, "housekeeping failed");
                poll_interval
            }
        }
    }
}

impl Housekeeping {
    /// Housekeeping of this store: a run every `interval`, never if that is zero. A run removes rows
    /// that ended longer ago than `retention`.
    #[must_use]
    pub fn new(store: Store, clock: Clock, interval: Duration, retention: TimeDelta) -> Self {
        Self {
            store,
            clock,
            interval,
            retention,
            id: Uuid::new_v4(),
            seen: None,
            rest: |pause| Box::pin(tokio::time::sleep(pause)),
        }
    }

    fn poll_interval(&self) -> Duration {
        if self.interval.is_zero() {
            POLL_INTERVAL
        } else {
            POLL_INTERVAL.min(self.interval)
        }
    }

    /// Reads the last run, and does the next one if it is due. Returns the time until the next is due.
    async fn run_if_due(&mut self) -> Result<Option<Duration>> {
        let last = self.store.last_run(LeaseName::Housekeeping).await?;
        if let Some(at) = last.succeeded_at {
            succeeded(at);
        }
        let begun_since = self.seen.is_some_and(|seen| seen < last.started_at);
        if begun_since && last.holder != Some(self.id) {
            HOUSEKEEPING_RUNS.inc(HousekeepingOutcome::Elsewhere);
        }
        self.seen = Some(last.started_at);
        if self.interval.is_zero() {
            return Ok(None);
        }
        let interval = TimeDelta::from_std(self.interval).unwrap_or(TimeDelta::MAX);
        let lease = self.lease();
        let since = lease.at - last.started_at;
        if since < interval {
            return Ok((interval - since).to_std().ok());
        }
        let due = lease.at.checked_sub_signed(interval).unwrap_or(lease.at);
        if self.store.begin_run(&lease, due).await? {
            self.clean().await?;
            HOUSEKEEPING_RUNS.inc(HousekeepingOutcome::Done);
        }
        Ok(None)
    }

    fn lease(&self) -> Lease {
        let at = self.clock.now();
        Lease {
            name: LeaseName::Housekeeping,
            holder: self.id,
            at,
            until: at + LEASE,
        }
    }

    async fn clean(&self) -> Result<()> {
        let start = Instant::now();
        let overtaken = || Error::internal("the lease expired and another replica took over");
        let mut total = 0;
        for kind in Outdated::ALL {
            loop {
                let batch = Instant::now();
                let lease = self.lease();
                let before = lease.at.checked_sub_signed(self.retention);
                let before = before.unwrap_or(DateTime::UNIX_EPOCH);
                let removed = self.store.remove_outdated(kind, &lease, before).await?;
                let removed = removed.ok_or_else(overtaken)?;
                HOUSEKEEPING_REMOVED.with(kind.into()).increment(removed);
                total += removed;
                if removed < HOUSEKEEPING_BATCH {
                    break;
                }
                (self.rest)(rest_after(batch.elapsed())).await;
            }
        }
        let lease = self.lease();
        if !self.store.complete_run(&lease).await? {
            return Err(overtaken());
        }
        succeeded(lease.at);
        let seconds = start.elapsed().as_secs_f64();
        tracing::info!(
            event = names::HOUSEKEEPING,
            removed = total,
            seconds,
            "housekeeping completed"
        );
        Ok(())
    }
}

fn rest_after(batch: Duration) -> Duration {
    batch * BACKOFF_FACTOR
}

fn succeeded(at: DateTime<Utc>) {
    HOUSEKEEPING_LAST_SUCCESS.set((), epoch_seconds(at));
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::store::{Options, Seed, SeedSession, SqliteOptions};

    /// Rests so far, none of them of no length.
    static RESTS: AtomicU32 = AtomicU32::new(0);

    #[test]
    fn rest_is_longer_than_the_batch_before_it() {
        let batch = Duration::from_secs(3);
        assert_eq!(rest_after(batch), Duration::from_secs(12));
    }

    #[tokio::test]
    async fn housekeeping_rests_after_every_full_batch() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = Options::Sqlite(SqliteOptions {
            url: folder.path().join("test.db").display().to_string(),
            readers: 1,
            synchronous_full: false,
            acquire_timeout: Duration::from_mins(1),
        });
        let store = Store::open(&options).await.expect("opened");
        let clock = Clock::system();
        let long_ago = clock.now() - TimeDelta::days(60);
        let seed = Seed {
            password_hash: "none".to_owned(),
            at: long_ago,
            session: Some(SeedSession {
                idle_expires_at: long_ago,
                expires_at: long_ago,
            }),
        };
        let accounts = u32::try_from(HOUSEKEEPING_BATCH).expect("small") * 2 + 1;
        store.seed_users(&seed, 1, accounts).await.expect("seeded");
        let day = Duration::from_hours(24);
        let mut housekeeping = Housekeeping::new(store, clock, day, TimeDelta::days(7));
        housekeeping.rest = |pause| {
            assert!(!pause.is_zero());
            RESTS.fetch_add(1, Ordering::SeqCst);
            Box::pin(async {})
        };
        housekeeping.run_if_due().await.expect("done");
        // Two full batches and a last one, of sessions alone.
        assert_eq!(RESTS.load(Ordering::SeqCst), 2);
    }
}
