//! Rotation of refresh tokens. A session is a family of them, of which one is current.
//! [`super::replay`] decides about one that was rotated before.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::replay::{Past, Replay, Verdict};
use super::rows::from_row;
use super::rows::{User, UserRow};
use super::{EndReason, Store, Tx, execute, fetch_optional, sql};
use crate::error::Result;
use crate::rbac::Scope;

/// A refresh token that a client presented, and its successor.
#[derive(Clone, Debug)]
pub struct RotationRequest {
    /// SHA-256 of the presented token.
    pub presented: [u8; 32],
    /// SHA-256 of the successor.
    pub next: [u8; 32],
    /// The successor, sealed with the presented token.
    pub sealed_next: Vec<u8>,
    /// When the request came in.
    pub at: DateTime<Utc>,
    /// The idle timeout of the session.
    pub idle_ttl: TimeDelta,
    /// How long a rotated token is honoured although its successor was used.
    pub grace: TimeDelta,
    /// The client's mark: equal for clients of the same kind in the same network.
    pub client: [u8; 16],
    /// The requested scope; it only narrows the session's.
    pub scope: Scope,
}

/// The place of a refresh token. It never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenPlace {
    /// Its session.
    pub session: Uuid,
    /// The session's owner.
    pub user: Uuid,
    /// Its generation in the session.
    pub generation: i64,
}

/// A session whose refresh is answered with tokens.
#[derive(Clone, Debug)]
pub struct Refreshed {
    /// The session.
    pub session: Uuid,
    /// Its owner.
    pub user: User,
    /// The generation of its current refresh token.
    pub generation: i64,
    /// When the session expires at the latest.
    pub ends_at: DateTime<Utc>,
    /// The session's share of the account's permissions.
    pub scope: Scope,
}

/// The outcome of a rotation.
#[derive(Clone, Debug)]
pub enum Rotation {
    /// The successor is now the current token.
    Rotated(Refreshed),
    /// The presented token is the immediately previous one, and its successor is still the current
    /// token.
    Replayed {
        /// The session.
        refreshed: Refreshed,
        /// The current token, sealed with the presented token.
        sealed_successor: Vec<u8>,
        /// Why the replay is honoured.
        replay: Replay,
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
        /// Whether its successor, or an access token issued with it, had been used.
        successor_used: bool,
    },
}

impl Rotation {
    /// The session that gets tokens, unless the refresh is refused.
    #[must_use]
    pub const fn refreshed(&self) -> Option<&Refreshed> {
        match self {
            Self::Rotated(refreshed) | Self::Replayed { refreshed, .. } => Some(refreshed),
            Self::Unknown
            | Self::Expired { .. }
            | Self::Ended { .. }
            | Self::Disabled { .. }
            | Self::Reused { .. } => None,
        }
    }

    /// The account whose token was presented; `None` if the token is unknown.
    #[must_use]
    pub const fn user(&self) -> Option<Uuid> {
        match self {
            Self::Rotated(refreshed) | Self::Replayed { refreshed, .. } => Some(refreshed.user.id),
            Self::Expired { user }
            | Self::Ended { user }
            | Self::Disabled { user }
            | Self::Reused { user, .. } => Some(*user),
            Self::Unknown => None,
        }
    }

    /// Whether the rotation must be committed; a refusal without effect is rolled back.
    #[must_use]
    pub const fn must_commit(&self) -> bool {
        match self {
            // A replay sets when the session was last used, and reuse ends it.
            Self::Rotated(_) | Self::Replayed { .. } | Self::Reused { .. } => true,
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
    used_generation: i64,
    used_at: Option<DateTime<Utc>>,
    refreshed_by: Option<Vec<u8>>,
    replayed_generation: Option<i64>,
    scope: Option<String>,
}

from_row!(Family {
    id,
    user_id,
    generation,
    idle_expires_at,
    expires_at,
    ended_at,
    used_generation,
    used_at,
    refreshed_by,
    replayed_generation,
    scope
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
    /// Rotates a refresh token. The family's lock is held until the end of the transaction, so that of
    /// any number of parallel calls with one token exactly one rotates and the others see its result.
    /// Commit if [`Rotation::must_commit`]. A caller that refuses the account rolls back in any case,
    /// and the presented token stays valid.
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
        let user_id = family.user_id;
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
            return self.advance(&family, user, request).await;
        }
        self.replay(&family, token, user, request).await
    }

    /// Makes the successor of the current token the current one.
    async fn advance(
        &mut self,
        family: &Family,
        user: User,
        request: &RotationRequest,
    ) -> Result<Rotation> {
        let (presented, now, session) = (&request.presented[..], request.at, family.id);
        let generation = family.generation + 1;
        // The idle deadline never outlives the session itself.
        let idle_expires_at = (now + request.idle_ttl).min(family.expires_at);
        let sealed = &request.sealed_next;
        execute!(self.conn, sql::MARK_ROTATED, presented, now, sealed)?;
        execute!(
            self.conn,
            sql::INSERT_REFRESH_TOKEN,
            &request.next[..],
            session,
            generation,
            now
        )?;
        execute!(
            self.conn,
            sql::ADVANCE_FAMILY,
            session,
            generation,
            idle_expires_at,
            &request.client[..]
        )?;
        let scope = self.narrow(family, request.scope).await?;
        Ok(Rotation::Rotated(Refreshed {
            session,
            user,
            generation,
            ends_at: family.expires_at,
            scope,
        }))
    }

    /// Narrows the session permanently, including its older access tokens.
    async fn narrow(&mut self, family: &Family, to: Scope) -> Result<Scope> {
        let before = Scope::stored(family.scope.as_deref());
        let scope = before.narrowed(to);
        if scope != before {
            execute!(self.conn, sql::NARROW_SESSION, family.id, scope.text())?;
        }
        Ok(scope)
    }

    /// Answers a token that was rotated before, or ends its session.
    async fn replay(
        &mut self,
        family: &Family,
        token: TokenRow,
        user: User,
        request: &RotationRequest,
    ) -> Result<Rotation> {
        let (session, generation, now) = (family.id, family.generation, request.at);
        let verdict = Past {
            is_parent: token.generation == generation - 1,
            // A use after this request came in does not count: of two tabs that refresh at once, the
            // second may wait for the first, whose answer is used meanwhile.
            was_used: family.used_generation >= generation
                && family.used_at.is_none_or(|used| used <= now),
            in_grace: token
                .rotated_at
                .is_some_and(|rotated| now - rotated <= request.grace),
            // The client is unknown for generations that an older version made.
            same_client: family
                .refreshed_by
                .as_ref()
                .is_none_or(|client| client[..] == request.client),
            generations_since_suspicion: family.replayed_generation.map(|last| generation - last),
        }
        .judge();
        match (verdict, token.successor) {
            (Verdict::Honour { replay, suspicious }, Some(sealed_successor)) => {
                if suspicious {
                    execute!(self.conn, sql::MARK_REPLAYED, session, generation)?;
                }
                let scope = self.narrow(family, request.scope).await?;
                Ok(Rotation::Replayed {
                    refreshed: Refreshed {
                        session,
                        user,
                        generation,
                        ends_at: family.expires_at,
                        scope,
                    },
                    sealed_successor,
                    replay,
                })
            }
            (verdict, _) => {
                let reason = EndReason::Reuse.word();
                execute!(self.conn, sql::END_SESSION, session, user.id, now, reason)?;
                Ok(Rotation::Reused {
                    session,
                    user: user.id,
                    successor_used: verdict
                        == Verdict::End {
                            successor_used: true,
                        },
                })
            }
        }
    }
}

impl Store {
    /// The place of a refresh token, whatever the state of its session.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn session_of_token(&self, token_hash: [u8; 32]) -> Result<Option<TokenPlace>> {
        let mut conn = self.reader().await?;
        let hash = &token_hash[..];
        let row = fetch_optional!(conn, sql::SESSION_OF_TOKEN => (Uuid, Uuid, i64), hash)?;
        Ok(row.map(|(session, user, generation)| TokenPlace {
            session,
            user,
            generation,
        }))
    }

    /// Notes that an access token of this generation of a session was used.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn mark_used(&self, session: Uuid, generation: i64, at: DateTime<Utc>) -> Result<()> {
        let mut conn = self.writer().await?;
        execute!(conn, sql::MARK_USED, session, generation, at)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_refusals_only_that_of_a_reuse_is_stored() {
        let (session, user) = (Uuid::now_v7(), Uuid::now_v7());
        for refused in [
            Rotation::Unknown,
            Rotation::Expired { user },
            Rotation::Ended { user },
            Rotation::Disabled { user },
        ] {
            assert!(!refused.must_commit());
        }
        let reused = Rotation::Reused {
            session,
            user,
            successor_used: true,
        };
        assert!(reused.must_commit());
    }
}
