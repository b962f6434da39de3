//! The unit of work: changes that are stored together or not at all.

use super::Store;
use super::connection::Conn;
use crate::error::Result;

/// A transaction. Its methods stand with their tables: those of accounts in `users`, of roles in
/// `roles`, of sessions in `sessions`. None of them commits. A caller reads as
///
/// ```text
/// let mut tx = store.transaction().await?;
/// let changed = tx.update_user(id, &change, now).await;
/// let (before, after, ended) = tx.finish(changed).await?;
/// ```
///
/// One that is dropped, as when its request is cancelled, is rolled back in the background.
#[must_use = "a transaction that is neither committed nor rolled back holds its locks until it is dropped"]
pub struct Tx {
    pub(super) conn: Conn,
}

impl Tx {
    /// Stores the changes.
    ///
    /// # Errors
    /// When the database does not answer. Whether the changes were stored is unknown then.
    pub async fn commit(mut self) -> Result<()> {
        self.conn.commit().await
    }

    /// Undoes the changes, and releases the locks before it returns. This cannot fail: a connection
    /// that cannot roll back is closed, which rolls back.
    pub async fn rollback(mut self) {
        self.conn.rollback().await;
    }

    /// Commits after a success, rolls back after an error.
    ///
    /// # Errors
    /// The error given, or that of the commit.
    pub async fn finish<T>(self, outcome: Result<T>) -> Result<T> {
        match outcome {
            Ok(value) => self.commit().await.map(|()| value),
            Err(error) => {
                self.rollback().await;
                Err(error)
            }
        }
    }
}

impl Store {
    /// Begins a transaction that may write.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn transaction(&self) -> Result<Tx> {
        let mut conn = self.writer().await?;
        conn.begin().await?;
        Ok(Tx { conn })
    }
}
