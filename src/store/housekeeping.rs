//! Housekeeping: what is over leaves the database in small batches, by one replica at a time.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Store, execute, fetch_optional, sql};
use crate::error::{Error, Result};
use crate::metrics::Outdated;

/// The most rows that one batch removes, as the statements say it: the writer is held for some ten
/// milliseconds, and PostgreSQL plans better with a number than with a parameter.
pub const HOUSEKEEPING_BATCH: u64 = 200;

/// The last run, wherever it was.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct HousekeepingRun {
    /// Which replica's it was; nobody's before the first one.
    pub holder: Option<Uuid>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When a run last came to its end.
    pub succeeded_at: Option<DateTime<Utc>>,
}

/// What a replica holds while it does the housekeeping.
#[derive(Clone, Copy, Debug)]
pub struct HousekeepingLease {
    /// The replica.
    pub holder: Uuid,
    /// When it is asked for or renewed.
    pub at: DateTime<Utc>,
    /// Until when it then lasts: who crashes loses it by then.
    pub until: DateTime<Utc>,
}

impl Store {
    /// The last run of the housekeeping, by any replica.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn housekeeping(&self) -> Result<HousekeepingRun> {
        let mut conn = self.reader().await?;
        fetch_optional!(conn, sql::HOUSEKEEPING => HousekeepingRun)?
            .ok_or_else(|| Error::internal("the housekeeping has no lease"))
    }

    /// Begins a run if nobody else is at it, and none began after `due`. Returns whether it began.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin_housekeeping(
        &self,
        lease: &HousekeepingLease,
        due: DateTime<Utc>,
    ) -> Result<bool> {
        let HousekeepingLease { holder, at, until } = *lease;
        let mut tx = self.transaction().await?;
        let taken = execute!(tx.conn, sql::BEGIN_HOUSEKEEPING, holder, at, until, due)? > 0;
        tx.commit().await?;
        Ok(taken)
    }

    /// Removes a batch of what was over before `before`, and renews the lease. Returns how many rows
    /// went, or nothing when the lease was lost.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn remove_outdated(
        &self,
        kind: Outdated,
        lease: &HousekeepingLease,
        before: DateTime<Utc>,
    ) -> Result<Option<u64>> {
        let HousekeepingLease { holder, at, until } = *lease;
        let statement = match kind {
            Outdated::RefreshToken => &sql::REMOVE_REFRESH_TOKENS,
            Outdated::EndedSession => &sql::REMOVE_ENDED_SESSIONS,
            Outdated::ExpiredSession => &sql::REMOVE_EXPIRED_SESSIONS,
            Outdated::SigningKey => &sql::REMOVE_SIGNING_KEYS,
        };
        let mut tx = self.transaction().await?;
        // In the batch's transaction: who was overtaken does not remove anything any more.
        if execute!(tx.conn, sql::RENEW_HOUSEKEEPING, holder, at, until)? == 0 {
            tx.rollback().await;
            return Ok(None);
        }
        let removed = execute!(tx.conn, statement, before)?;
        tx.commit().await?;
        Ok(Some(removed))
    }

    /// Ends a run that came to its end. Returns whether the lease still held.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_housekeeping(&self, holder: Uuid, at: DateTime<Utc>) -> Result<bool> {
        let mut tx = self.transaction().await?;
        let held = execute!(tx.conn, sql::END_HOUSEKEEPING, holder, at)? > 0;
        tx.commit().await?;
        Ok(held)
    }
}
