//! Housekeeping: outdated rows are removed in small batches, by one replica at a time.

use chrono::{DateTime, Utc};

use super::leases::Lease;
use super::{Store, execute, sql};
use crate::error::Result;
use crate::metrics;

/// The most rows that one batch removes, as in the statements: it holds the writer for some ten
/// milliseconds.
pub const HOUSEKEEPING_BATCH: u64 = 200;

/// The rows that housekeeping removes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outdated {
    /// A refresh token that was rotated long ago.
    RefreshToken,
    /// A session that was ended long ago, with its last tokens.
    EndedSession,
    /// A session that expired long ago, with its last tokens.
    ExpiredSession,
    /// A signing key that stopped verifying long ago.
    SigningKey,
}

impl Outdated {
    /// Every kind, in the order of removal: a session whose tokens were removed before cascades to few
    /// rows.
    pub const ALL: [Self; 4] = [
        Self::RefreshToken,
        Self::EndedSession,
        Self::ExpiredSession,
        Self::SigningKey,
    ];
}

impl From<Outdated> for metrics::Outdated {
    fn from(kind: Outdated) -> Self {
        match kind {
            Outdated::RefreshToken => Self::RefreshToken,
            Outdated::EndedSession => Self::EndedSession,
            Outdated::ExpiredSession => Self::ExpiredSession,
            Outdated::SigningKey => Self::SigningKey,
        }
    }
}

impl Store {
    /// Removes a batch of the rows that became outdated before `before`, and renews the lease.
    /// Returns how many rows were removed, or `None` when the lease was lost.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn remove_outdated(
        &self,
        kind: Outdated,
        lease: &Lease,
        before: DateTime<Utc>,
    ) -> Result<Option<u64>> {
        let statement = match kind {
            Outdated::RefreshToken => &sql::REMOVE_REFRESH_TOKENS,
            Outdated::EndedSession => &sql::REMOVE_ENDED_SESSIONS,
            Outdated::ExpiredSession => &sql::REMOVE_EXPIRED_SESSIONS,
            Outdated::SigningKey => &sql::REMOVE_SIGNING_KEYS,
        };
        let mut tx = self.transaction().await?;
        // In the batch's transaction: a replica that lost the lease removes nothing any more.
        if !tx.renew_lease(lease).await? {
            tx.rollback().await;
            return Ok(None);
        }
        let removed = execute!(tx.conn, statement, before)?;
        tx.commit().await?;
        Ok(Some(removed))
    }
}
