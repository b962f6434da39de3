//! The write check: whether the disk accepts writes.
//!
//! `SELECT 1` succeeds on a full disk, and a write costs a wait for the disk. So after a write that
//! the disk refused, the health check also writes until one write succeeds.

use std::sync::atomic::{AtomicBool, Ordering};

use uuid::Uuid;

use super::{Store, execute, sql};
use crate::error::Result;
use crate::metrics::DbError;

/// Bytes written by a check: more than any request writes, so that the last few pages of a disk do
/// not make it look healthy.
const CONTENT: usize = 64 * 1024;

/// Whether a write was refused since the last successful check. One for the process, like the error
/// counters that it follows: a second store at worst writes once when it is pinged.
static REFUSED: AtomicBool = AtomicBool::new(false);

/// Remembers an error that says that the disk refused a write.
pub(super) fn note(kind: DbError) {
    if kind == DbError::Storage {
        REFUSED.store(true, Ordering::Relaxed);
    }
}

impl Store {
    /// Writes if an earlier write was refused.
    pub(super) async fn check_writing_if_refused(&self) -> Result<()> {
        if !REFUSED.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.check_writing().await?;
        REFUSED.store(false, Ordering::Relaxed);
        tracing::info!("the database accepts writes again");
        Ok(())
    }

    /// Inserts a row and deletes it in one transaction, so that no other transaction sees it.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn check_writing(&self) -> Result<()> {
        let id = Uuid::new_v4();
        let mut tx = self.transaction().await?;
        execute!(tx.conn, sql::PROBE_WRITE, id, vec![0_u8; CONTENT])?;
        execute!(tx.conn, sql::PROBE_CLEAR, id)?;
        tx.commit().await
    }
}
