//! Whether what is written reaches the disk.
//!
//! A full disk does not keep anybody from reading, so asking for nothing does not notice it. Writing
//! to find out costs a wait for the disk each time. So a write that failed is remembered, and only
//! then pings write, too, until one works.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Store, execute, sql};
use crate::error::Result;
use crate::metrics::DbError;

/// How much is written on trial, in bytes: more than any request writes, so that a disk is not taken
/// for well because of its last few pages.
const TRIAL: usize = 64 * 1024;

/// One for the process, like the counters of the errors that it follows: a second store at worst
/// writes once when it is pinged.
static REFUSED: AtomicBool = AtomicBool::new(false);

/// Takes note of an error of the database.
pub(super) fn note(kind: DbError) {
    if kind == DbError::Storage {
        REFUSED.store(true, Ordering::Relaxed);
    }
}

impl Store {
    /// Tries to write if an earlier write could not be stored.
    pub(super) async fn retry_writing(&self) -> Result<()> {
        if !REFUSED.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.try_writing().await?;
        REFUSED.store(false, Ordering::Relaxed);
        tracing::info!("the database can be written to again");
        Ok(())
    }

    /// Writes a row and takes it away again, in one transaction: nobody ever sees it.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn try_writing(&self) -> Result<()> {
        let mut tx = self.transaction().await?;
        execute!(tx.conn, sql::PROBE_WRITE, vec![0_u8; TRIAL])?;
        execute!(tx.conn, sql::PROBE_CLEAR)?;
        tx.commit().await
    }
}
