//! Logout.

use std::sync::Arc;

use crate::error::Result;
use crate::request_context::is_synthetic;
use crate::sessions::{Caller, Sessions};
use crate::store::{EndReason, Store};
use crate::tokens::RefreshToken;

/// The logout flow.
pub struct Logout {
    store: Store,
    sessions: Arc<Sessions>,
}

impl Logout {
    /// The flow over these services.
    #[must_use]
    pub const fn new(store: Store, sessions: Arc<Sessions>) -> Self {
        Self { store, sessions }
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
        let user = caller.id();
        if all {
            return self.sessions.end_all(user, EndReason::LogoutAll).await;
        }
        let mut sessions = vec![caller.session];
        if let Some(token) = refresh_token.and_then(RefreshToken::parse)
            && let Some(other) = self.store.session_of_token(token.hash()).await?
            && other.user == user
            && other.session != caller.session
        {
            sessions.push(other.session);
        }
        for session in sessions {
            self.sessions.end(user, session, EndReason::Logout).await?;
            // The probe ends thousands a day, and nobody reads them again.
            if is_synthetic() {
                let mut tx = self.store.transaction().await?;
                let removed = tx.remove_session(session, user).await;
                tx.finish(removed).await?;
            }
        }
        Ok(())
    }
}
