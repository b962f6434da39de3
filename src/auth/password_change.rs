//! Changing one's own password.

use std::sync::Arc;

use uuid::Uuid;

use crate::accounts::Accounts;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::hashing::Password;
use crate::metrics::PasswordChangeResult;
use crate::sessions::{AfterCommit, Caller, Sessions, TokenPair};
use crate::store::{EndReason, NewSession, Store, Tx, User};

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

    /// Changes the caller's password. Ends every session of the account, including the caller's,
    /// because an attacker who knew the password may have its tokens. The caller gets a new session.
    ///
    /// # Errors
    /// [`Error::WrongPassword`], [`Error::WeakPassword`], [`Error::Overloaded`],
    /// [`Error::RateLimited`].
    pub async fn change(
        &self,
        caller: &Caller,
        current: Password,
        new: Password,
        user_agent: &str,
    ) -> Result<TokenPair> {
        let outcome = self.try_change(caller, current, new, user_agent).await;
        let result = match &outcome {
            Ok(_) => PasswordChangeResult::Success,
            Err(Error::WrongPassword) => PasswordChangeResult::BadPassword,
            Err(Error::WeakPassword { .. }) => PasswordChangeResult::WeakPassword,
            Err(Error::Overloaded { .. }) => PasswordChangeResult::Overloaded,
            Err(Error::RateLimited(_)) => PasswordChangeResult::RateLimited,
            Err(_) => PasswordChangeResult::Error,
        };
        Event::PasswordChange {
            result,
            user: caller.id(),
            session: outcome.as_ref().ok().map(|(session, _)| *session),
        }
        .emit();
        outcome.map(|(_, pair)| pair)
    }

    async fn try_change(
        &self,
        caller: &Caller,
        current: Password,
        new: Password,
        user_agent: &str,
    ) -> Result<(Uuid, TokenPair)> {
        let user = &caller.account.user;
        self.accounts
            .check_password("new_password", &new, &user.username, &user.email)?;
        let same = new == current;
        let proven = self.accounts.prove_password(user.id, current).await?;
        if same {
            return Err(Error::WeakPassword {
                field: "new_password",
                rule: "must differ from the current password".to_owned(),
            });
        }
        let hash = self.accounts.hash_new("new_password", new).await?;
        let now = self.clock.now();
        // A limited session stays limited.
        let scope = caller.account.scope;
        let sessions = &self.sessions;
        let (session, token) = sessions.new_session(user.id, user_agent, scope, now)?;
        let mut tx = self.store.transaction().await?;
        let changed = change_in(&mut tx, &session, &proven, &hash).await;
        let due = tx.finish(changed).await?;
        self.sessions.carry_out(due).await;
        let user = User {
            initial_password_until: None,
            ..user.clone()
        };
        let pair = sessions.issue_first(&user, &session, token)?;
        Ok((session.id, pair))
    }
}

/// Changes the password and starts the new session. Returns the work due after the commit.
async fn change_in(
    tx: &mut Tx,
    next: &NewSession,
    proven: &str,
    hash: &str,
) -> Result<AfterCommit> {
    let ended = tx
        .change_password(next.user, proven, hash, next.at)
        .await?
        // Another request changed it meanwhile: the verified password is no longer current.
        .ok_or(Error::WrongPassword)?;
    tx.insert_session(next).await?;
    Ok(AfterCommit::of(next.user)
        .account_changed()
        .sessions_ended(ended, EndReason::PasswordChange))
}
