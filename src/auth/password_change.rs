//! Changing one's own password.

use std::sync::Arc;

use crate::accounts::Accounts;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::hashing::Password;
use crate::metrics::PasswordChangeResult;
use crate::sessions::{AfterCommit, Caller, Sessions};
use crate::store::{EndReason, Store, Tx};

/// The flow of a password change.
pub struct PasswordChange {
    store: Store,
    accounts: Arc<Accounts>,
    sessions: Arc<Sessions>,
    clock: Clock,
}

impl PasswordChange {
    /// The flow over these services.
    #[must_use]
    pub const fn new(
        store: Store,
        accounts: Arc<Accounts>,
        sessions: Arc<Sessions>,
        clock: Clock,
    ) -> Self {
        Self {
            store,
            accounts,
            sessions,
            clock,
        }
    }

    /// Changes the caller's password; every other session of the account ends.
    ///
    /// # Errors
    /// [`Error::WrongPassword`], [`Error::WeakPassword`], [`Error::Overloaded`],
    /// [`Error::RateLimited`].
    pub async fn change(&self, caller: &Caller, current: Password, new: Password) -> Result<()> {
        let outcome = self.try_change(caller, current, new).await;
        let result = match &outcome {
            Ok(()) => PasswordChangeResult::Success,
            Err(Error::WrongPassword) => PasswordChangeResult::BadPassword,
            Err(Error::WeakPassword { .. }) => PasswordChangeResult::WeakPassword,
            Err(Error::Overloaded { .. }) => PasswordChangeResult::Overloaded,
            Err(Error::RateLimited(_)) => PasswordChangeResult::RateLimited,
            Err(_) => PasswordChangeResult::Error,
        };
        Event::PasswordChange {
            result,
            user: caller.id(),
        }
        .emit();
        outcome
    }

    async fn try_change(&self, caller: &Caller, current: Password, new: Password) -> Result<()> {
        let user = &caller.account.user;
        self.accounts
            .check_password("new_password", &new, &user.username, &user.email)?;
        let proven = self.accounts.prove_password(user.id, current).await?;
        let hash = self.accounts.hash_new("new_password", new).await?;
        let mut tx = self.store.transaction().await?;
        let changed = self.change_in(&mut tx, caller, &proven, &hash).await;
        let due = tx.finish(changed).await?;
        self.sessions.carry_out(due).await;
        Ok(())
    }

    /// What is due after the commit.
    async fn change_in(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        proven: &str,
        hash: &str,
    ) -> Result<AfterCommit> {
        let (user, now) = (caller.id(), self.clock.now());
        let ended = tx
            .change_password(user, proven, hash, Some(caller.session), now)
            .await?
            // Changed meanwhile by another request: what was verified is not the password any more.
            .ok_or(Error::WrongPassword)?;
        Ok(AfterCommit::of(user)
            .account_changed()
            .sessions_ended(ended, EndReason::PasswordChange))
    }
}
