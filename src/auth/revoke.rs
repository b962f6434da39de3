//! Revocation of a token by its holder (RFC 7009).

use std::sync::Arc;

use crate::error::Result;
use crate::limits::{Source, Throttle};
use crate::sessions::{Sessions, may_act};
use crate::store::{EndReason, Store};
use crate::tokens::RefreshToken;

/// The revocation flow.
pub struct Revoke {
    store: Store,
    limits: Arc<Throttle>,
    sessions: Arc<Sessions>,
}

impl Revoke {
    /// The flow over these services.
    #[must_use]
    pub const fn new(store: Store, limits: Arc<Throttle>, sessions: Arc<Sessions>) -> Self {
        Self {
            store,
            limits,
            sessions,
        }
    }

    /// Ends the session of a refresh token, also of one that was exchanged already, or of an access
    /// token. Does nothing for a token that is not valid: its holder must not learn which it is.
    ///
    /// # Errors
    /// [`Error::RateLimited`](crate::error::Error::RateLimited), and when the database does not answer.
    pub async fn revoke(&self, source: &Source, token: &str) -> Result<()> {
        self.limits.revoke(source).await?;
        let (user, session) = if let Some(token) = RefreshToken::parse(token) {
            let Some(place) = self.store.session_of_token(token.hash()).await? else {
                return Ok(());
            };
            (place.user, place.session)
        } else {
            let Some(owner) = self.sessions.of_access_token(token) else {
                return Ok(());
            };
            owner
        };
        if may_act(user) {
            let reason = EndReason::Revocation;
            self.sessions.end(user, session, reason).await?;
        }
        Ok(())
    }
}
