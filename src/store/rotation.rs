//! Rotation of refresh tokens. A session is a family of them, of which one is current.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::rows::from_row;
use super::rows::{User, UserRow};
use super::{EndReason, Tx, execute, fetch_optional, sql};
use crate::error::Result;

/// A refresh token that a client presented, and its successor.
#[derive(Clone, Debug)]
pub struct RotationRequest {
    /// SHA-256 of the presented token.
    pub presented: [u8; 32],
    /// SHA-256 of the successor.
    pub next: [u8; 32],
    /// The successor, sealed with the presented token.
    pub sealed_next: Vec<u8>,
    /// The current time.
    pub at: DateTime<Utc>,
    /// How long the session then lasts unless it is refreshed again.
    pub idle_ttl: TimeDelta,
    /// How long a token that was just rotated is answered with its successor.
    pub grace: TimeDelta,
}

/// The outcome of a rotation.
#[derive(Clone, Debug)]
pub enum Rotation {
    /// The successor is the current token from now on.
    Rotated {
        /// The session.
        session: Uuid,
        /// Its owner.
        user: User,
        /// When the session expires at the latest.
        ends_at: DateTime<Utc>,
    },
    /// The presented token is the immediately previous one, within the grace period; its successor is
    /// still the current token.
    Replayed {
        /// The session.
        session: Uuid,
        /// Its owner.
        user: User,
        /// When the session expires at the latest.
        ends_at: DateTime<Utc>,
        /// The current token, sealed with the presented token.
        sealed_successor: Vec<u8>,
    },
    /// No such token.
    Unknown,
    /// The session has expired.
    Expired {
        /// Its owner.
        user: Uuid,
    },
    /// The session had been ended.
    Ended {
        /// Its owner.
        user: Uuid,
    },
    /// The account is disabled.
    Disabled {
        /// The account.
        user: Uuid,
    },
    /// The token had been used before: this rotation ended the session.
    Reused {
        /// The session.
        session: Uuid,
        /// Its owner.
        user: Uuid,
    },
}

impl Rotation {
    /// The account whose token was presented, where there is one.
    #[must_use]
    pub const fn user(&self) -> Option<Uuid> {
        match self {
            Self::Rotated { user, .. } | Self::Replayed { user, .. } => Some(user.id),
            Self::Expired { user }
            | Self::Ended { user }
            | Self::Disabled { user }
            | Self::Reused { user, .. } => Some(*user),
            Self::Unknown => None,
        }
    }

    /// Whether the rotation has to be committed; a refusal without effect is rolled back.
    #[must_use]
    pub const fn must_commit(&self) -> bool {
        match self {
            // A replay sets when the session was last used, and reuse ends it.
            Self::Rotated { .. } | Self::Replayed { .. } | Self::Reused { .. } => true,
            Self::Unknown | Self::Expired { .. } | Self::Ended { .. } | Self::Disabled { .. } => {
                false
            }
        }
    }
}

struct Family {
    id: Uuid,
    user_id: Uuid,
    generation: i64,
    idle_expires_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

from_row!(Family {
    id,
    user_id,
    generation,
    idle_expires_at,
    expires_at,
    ended_at
});

struct TokenRow {
    generation: i64,
    rotated_at: Option<DateTime<Utc>>,
    successor: Option<Vec<u8>>,
}

from_row!(TokenRow {
    generation,
    rotated_at,
    successor
});

impl Tx {
    /// Rotates a refresh token. The family's lock is held until the end of the transaction, so that
    /// of any number of parallel calls with one token exactly one rotates and the others see its
    /// result. [`Rotation::must_commit`] tells how to end the transaction; a caller who refuses the
    /// account rolls back in any case, and the presented token stays as good as it was.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn rotate(&mut self, request: &RotationRequest) -> Result<Rotation> {
        let presented = &request.presented[..];
        let now = request.at;
        let Some(family) = fetch_optional!(self.conn, sql::LOCK_FAMILY => Family, presented, now)?
        else {
            return Ok(Rotation::Unknown);
        };
        let Some(token) = fetch_optional!(self.conn, sql::REFRESH_TOKEN => TokenRow, presented)?
        else {
            return Ok(Rotation::Unknown);
        };
        let (session, user_id) = (family.id, family.user_id);
        if family.ended_at.is_some() {
            return Ok(Rotation::Ended { user: user_id });
        }
        if family.expires_at <= now || family.idle_expires_at <= now {
            return Ok(Rotation::Expired { user: user_id });
        }
        let Some(user) = fetch_optional!(self.conn, sql::USER_BY_ID => UserRow, user_id)? else {
            return Ok(Rotation::Unknown);
        };
        let user = User::from(user);
        if user.disabled {
            return Ok(Rotation::Disabled { user: user_id });
        }
        if token.generation == family.generation {
            let next = family.generation + 1;
            // The idle deadline never outlives the session itself.
            let idle_expires_at = (now + request.idle_ttl).min(family.expires_at);
            execute!(
                self.conn,
                sql::MARK_ROTATED,
                presented,
                now,
                &request.sealed_next
            )?;
            execute!(
                self.conn,
                sql::INSERT_REFRESH_TOKEN,
                &request.next[..],
                session,
                next,
                now
            )?;
            execute!(
                self.conn,
                sql::ADVANCE_FAMILY,
                session,
                next,
                idle_expires_at
            )?;
            let ends_at = family.expires_at;
            return Ok(Rotation::Rotated {
                session,
                user,
                ends_at,
            });
        }
        let previous = token.generation == family.generation - 1;
        let in_grace = token
            .rotated_at
            .is_some_and(|rotated| now - rotated <= request.grace);
        if let Some(sealed_successor) = token.successor
            && previous
            && in_grace
        {
            return Ok(Rotation::Replayed {
                session,
                user,
                ends_at: family.expires_at,
                sealed_successor,
            });
        }
        let reason = EndReason::Reuse.word();
        execute!(self.conn, sql::END_SESSION, session, user_id, now, reason)?;
        Ok(Rotation::Reused {
            session,
            user: user_id,
        })
    }
}
