//! Sessions after they started: listing and ending them.

use uuid::Uuid;

use super::{Auth, Caller};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::metrics::RevocationReason;
use crate::request_context::is_synthetic;
use crate::store::Session;

impl Auth {
    /// The caller's living sessions, the newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sessions(&self, caller: &Caller) -> Result<Vec<Session>> {
        self.store.sessions(caller.id(), self.clock.now()).await
    }

    /// Logs out: the session of the caller's token, and that of the refresh token if one is given
    /// and belongs to the caller; or every session of the account.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn logout(
        &self,
        caller: &Caller,
        refresh_token: Option<&str>,
        all: bool,
    ) -> Result<()> {
        if all {
            return self.end_all(caller.id(), RevocationReason::LogoutAll).await;
        }
        let user = caller.id();
        let mut sessions = vec![caller.session];
        if let Some(token) = refresh_token
            && let Some((session, owner)) = self.session_of(token).await?
            && owner == user
            && session != caller.session
        {
            sessions.push(session);
        }
        for session in sessions {
            self.end_one(user, session, RevocationReason::Logout)
                .await?;
            // Thousands a day, of which nobody will ask for one again.
            if is_synthetic() {
                self.store.remove_session(session, user).await?;
            }
        }
        Ok(())
    }

    /// Ends one of the caller's sessions.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not a living session of the caller.
    pub async fn end_session(&self, caller: &Caller, session: Uuid) -> Result<()> {
        if self
            .end_one(caller.id(), session, RevocationReason::SessionEnded)
            .await?
        {
            Ok(())
        } else {
            Err(Error::NotFound("session"))
        }
    }

    /// Ends every session of an account, as an administrator.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such account.
    pub async fn end_sessions_of(&self, user: Uuid) -> Result<()> {
        self.store
            .user(user)
            .await?
            .ok_or(Error::NotFound("user"))?;
        self.end_all(user, RevocationReason::Admin).await
    }

    async fn end_one(&self, user: Uuid, session: Uuid, reason: RevocationReason) -> Result<bool> {
        let ended = self
            .store
            .end_session(session, user, reason, self.clock.now())
            .await?;
        if ended {
            self.ended(user, &[session], reason).await;
        }
        Ok(ended)
    }

    async fn end_all(&self, user: Uuid, reason: RevocationReason) -> Result<()> {
        let ended = self
            .store
            .end_sessions(user, reason, self.clock.now())
            .await?;
        self.ended(user, &ended, reason).await;
        Ok(())
    }

    /// Forgets sessions that ended, and says so.
    pub(super) async fn ended(&self, user: Uuid, sessions: &[Uuid], reason: RevocationReason) {
        if sessions.is_empty() {
            return;
        }
        self.principals.forget_sessions(user, sessions).await;
        Event::SessionsEnded {
            reason,
            user,
            count: sessions.len() as u64,
        }
        .emit();
    }
}
