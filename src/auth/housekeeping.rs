//! Housekeeping: tables do not grow for ever.
//!
//! Every replica looks into the table where the last run is noted. When one is due, whoever comes
//! first does it for all; the others see in the table that it was done.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::Auth;
use crate::error::{Error, Result};
use crate::events::names;
use crate::metrics::{
    HOUSEKEEPING_LAST_SUCCESS, HOUSEKEEPING_REMOVED, HOUSEKEEPING_RUNS, HousekeepingOutcome,
    Outdated,
};
use crate::store::{HOUSEKEEPING_BATCH, HousekeepingLease};

/// How often a replica looks whether a run is due or was done elsewhere, at the least.
const LOOK: Duration = Duration::from_secs(30);
/// Replicas that were started together look for the first time at different moments within this.
const SPREAD: Duration = Duration::from_secs(10);
/// How long a run belongs to its replica without another batch.
const LEASE: TimeDelta = TimeDelta::minutes(1);
/// After a full batch, as many times as long as the batch took is left to others.
const REST: u32 = 4;

/// How the housekeeping is done.
#[derive(Clone, Copy, Debug)]
pub struct HousekeepingPlan {
    /// How often; not at all when zero.
    pub interval: Duration,
    /// For how long what is over is remembered before it is removed.
    pub retention: TimeDelta,
}

/// What one replica knows of it.
struct Keeper {
    id: Uuid,
    /// When the last run began that was seen.
    seen: Option<DateTime<Utc>>,
}

impl Auth {
    /// Does the housekeeping, or sees that it is done, until it is dropped. Who drops it in the
    /// middle of a batch loses nothing but the batch.
    pub async fn keep_house(&self, plan: HousekeepingPlan) {
        let HousekeepingPlan { interval, .. } = plan;
        let look = if interval.is_zero() {
            LOOK
        } else {
            LOOK.min(interval)
        };
        let mut keeper = Keeper {
            id: Uuid::new_v4(),
            seen: None,
        };
        // The id is random: so is its first byte.
        let share = f64::from(keeper.id.as_bytes()[0]) / 256.0;
        tokio::time::sleep(SPREAD.min(look).mul_f64(share)).await;
        loop {
            let pause = match self.turn(plan, &mut keeper).await {
                Ok(until_due) => until_due.map_or(look, |until_due| until_due.min(look)),
                Err(error) => {
                    HOUSEKEEPING_RUNS.inc(HousekeepingOutcome::Failed);
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::error!(event = names::HOUSEKEEPING_FAILED, %error, cause, "housekeeping failed");
                    look
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Looks at the last run, and does the next one if it is due. Returns in how long one will be.
    async fn turn(&self, plan: HousekeepingPlan, keeper: &mut Keeper) -> Result<Option<Duration>> {
        let last = self.store.housekeeping().await?;
        if let Some(at) = last.succeeded_at {
            succeeded(at);
        }
        let begun_since = keeper.seen.is_some_and(|seen| seen < last.started_at);
        if begun_since && last.holder != Some(keeper.id) {
            HOUSEKEEPING_RUNS.inc(HousekeepingOutcome::Elsewhere);
        }
        keeper.seen = Some(last.started_at);
        if plan.interval.is_zero() {
            return Ok(None);
        }
        let interval = TimeDelta::from_std(plan.interval).unwrap_or(TimeDelta::MAX);
        let lease = self.lease(keeper.id);
        let since = lease.at - last.started_at;
        if since < interval {
            return Ok((interval - since).to_std().ok());
        }
        let due = lease.at.checked_sub_signed(interval).unwrap_or(lease.at);
        if self.store.begin_housekeeping(&lease, due).await? {
            self.clean(plan, keeper.id).await?;
            HOUSEKEEPING_RUNS.inc(HousekeepingOutcome::Done);
        }
        Ok(None)
    }

    fn lease(&self, holder: Uuid) -> HousekeepingLease {
        let at = self.clock.now();
        HousekeepingLease {
            holder,
            at,
            until: at + LEASE,
        }
    }

    async fn clean(&self, plan: HousekeepingPlan, holder: Uuid) -> Result<()> {
        let start = Instant::now();
        let overtaken = || Error::internal("it took so long that another replica went on");
        let mut total = 0;
        for &kind in Outdated::ALL {
            loop {
                let batch = Instant::now();
                let lease = self.lease(holder);
                let before = lease.at.checked_sub_signed(plan.retention);
                let before = before.unwrap_or(DateTime::UNIX_EPOCH);
                let removed = self.store.remove_outdated(kind, &lease, before).await?;
                let removed = removed.ok_or_else(overtaken)?;
                HOUSEKEEPING_REMOVED.with(kind).increment(removed);
                total += removed;
                if removed < HOUSEKEEPING_BATCH {
                    break;
                }
                tokio::time::sleep(batch.elapsed() * REST).await;
            }
        }
        let now = self.clock.now();
        if !self.store.end_housekeeping(holder, now).await? {
            return Err(overtaken());
        }
        succeeded(now);
        let seconds = start.elapsed().as_secs_f64();
        tracing::info!(
            event = names::HOUSEKEEPING,
            removed = total,
            seconds,
            "housekeeping done"
        );
        Ok(())
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "seconds since the epoch fit in 53 bits"
)]
fn succeeded(at: DateTime<Utc>) {
    HOUSEKEEPING_LAST_SUCCESS.set((), at.timestamp() as f64);
}
