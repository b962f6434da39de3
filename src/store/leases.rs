//! Leases: work that one replica does for all.
//!
//! The table has a row for each job, made by a migration. A run holds the row's lease until a time
//! that it extends as it goes on; a replica that crashed loses it then.

use super::rows::from_row;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Store, Tx, execute, fetch_optional, sql};
use crate::error::{Error, Result};

/// The jobs that have a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseName {
    /// Removing outdated rows.
    Housekeeping,
}

impl LeaseName {
    /// The row's name.
    const fn word(self) -> &'static str {
        match self {
            Self::Housekeeping => "housekeeping",
        }
    }
}

/// The claim of a replica on a job: requested to begin a run, and renewed while the run goes on.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    /// The job.
    pub name: LeaseName,
    /// The replica.
    pub holder: Uuid,
    /// When the lease is requested, renewed or ended.
    pub at: DateTime<Utc>,
    /// When the lease runs out unless it is renewed.
    pub until: DateTime<Utc>,
}

/// The last run of a job, by any replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastRun {
    /// The replica; `None` before the first run.
    pub holder: Option<Uuid>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When a run last completed, this one or an earlier one.
    pub succeeded_at: Option<DateTime<Utc>>,
}

from_row!(LastRun {
    holder,
    started_at,
    succeeded_at
});

impl Tx {
    /// Extends a lease to `lease.until`. Returns whether it was still held: if not, another replica
    /// may have begun, and the caller should roll back.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn renew_lease(&mut self, lease: &Lease) -> Result<bool> {
        let Lease {
            name,
            holder,
            at,
            until,
        } = *lease;
        let name = name.word();
        Ok(execute!(self.conn, sql::RENEW_LEASE, name, holder, at, until)? > 0)
    }
}

impl Store {
    /// The last run of a job.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn last_run(&self, name: LeaseName) -> Result<LastRun> {
        let mut conn = self.reader().await?;
        fetch_optional!(conn, sql::LEASE => LastRun, name.word())?
            .ok_or_else(|| Error::internal(format!("no lease is called {}", name.word())))
    }

    /// Begins a run unless another one holds the lease or began after `due`. Returns whether it
    /// began.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin_run(&self, lease: &Lease, due: DateTime<Utc>) -> Result<bool> {
        let Lease {
            name,
            holder,
            at,
            until,
        } = *lease;
        let name = name.word();
        let mut tx = self.transaction().await?;
        let begun = execute!(tx.conn, sql::BEGIN_LEASE, name, holder, at, until, due)? > 0;
        tx.commit().await?;
        Ok(begun)
    }

    /// Notes that a run completed, and gives its lease back. Returns whether it was still held.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn complete_run(&self, lease: &Lease) -> Result<bool> {
        let mut tx = self.transaction().await?;
        let name = lease.name.word();
        let held = execute!(tx.conn, sql::END_LEASE, name, lease.holder, lease.at)? > 0;
        tx.commit().await?;
        Ok(held)
    }
}
