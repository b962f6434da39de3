//! Sessions: families of refresh tokens, each with one living member.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::rows::{User, UserRow};
use super::{Lease, Store, execute, fetch_all, fetch_optional, sql};
use crate::error::Result;
use crate::metrics::RevocationReason;

/// A session to be started.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// UUIDv7.
    pub id: Uuid,
    /// Whose.
    pub user: Uuid,
    /// SHA-256 of the first refresh token.
    pub token_hash: [u8; 32],
    /// What the client calls itself.
    pub user_agent: String,
    /// When.
    pub at: DateTime<Utc>,
    /// When it ends if it is not refreshed.
    pub idle_expires_at: DateTime<Utc>,
    /// When it ends at the latest.
    pub expires_at: DateTime<Utc>,
}

/// A living session, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Session {
    /// The session's id, `sid` in its access tokens.
    pub id: Uuid,
    /// What the client called itself.
    pub user_agent: String,
    /// When it started.
    pub created_at: DateTime<Utc>,
    /// When it was last refreshed.
    pub last_used_at: DateTime<Utc>,
    /// When it ends at the latest.
    pub expires_at: DateTime<Utc>,
}

/// Who stands behind a living session.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The account, which is not disabled.
    pub user: User,
    /// When the session ends unless it is refreshed before; never after its absolute end.
    pub session_expires_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct PrincipalRow {
    #[sqlx(flatten)]
    user: UserRow,
    session_expires_at: DateTime<Utc>,
}

/// A refresh token that was presented, and what shall follow it.
#[derive(Clone, Debug)]
pub struct RotationRequest {
    /// SHA-256 of the presented token.
    pub presented: [u8; 32],
    /// SHA-256 of the next token.
    pub next: [u8; 32],
    /// The next token, sealed with the presented one.
    pub sealed_next: Vec<u8>,
    /// When.
    pub at: DateTime<Utc>,
    /// How long the session then lives without another refresh.
    pub idle_ttl: TimeDelta,
    /// How long the immediately previous token is still honoured.
    pub grace: TimeDelta,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum Rotation {
    /// The next token took the presented one's place.
    Rotated {
        /// The session.
        session: Uuid,
        /// Its owner.
        user: User,
        /// When the session ends at the latest.
        ends_at: DateTime<Utc>,
    },
    /// The presented token is the immediately previous one, within the grace period: its successor,
    /// sealed with it, is still the living one.
    Replayed {
        /// The session.
        session: Uuid,
        /// Its owner.
        user: User,
        /// When the session ends at the latest.
        ends_at: DateTime<Utc>,
        /// The living token, sealed with the presented one.
        sealed_successor: Vec<u8>,
    },
    /// No such token.
    Unknown,
    /// The session is past its lifetime.
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
    /// The token had been used: the session was ended now.
    Reused {
        /// The session.
        session: Uuid,
        /// Its owner.
        user: Uuid,
    },
}

#[derive(sqlx::FromRow)]
struct Family {
    id: Uuid,
    user_id: Uuid,
    generation: i64,
    idle_expires_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

#[derive(sqlx::FromRow)]
struct TokenRow {
    generation: i64,
    rotated_at: Option<DateTime<Utc>>,
    successor: Option<Vec<u8>>,
}

/// Ends every living session of an account but `keep`; returns their ids.
pub(super) async fn end_all(
    tx: &mut Lease,
    user: Uuid,
    keep: Option<Uuid>,
    reason: RevocationReason,
    at: DateTime<Utc>,
) -> Result<Vec<Uuid>> {
    let keep = keep.unwrap_or(Uuid::nil());
    let rows = fetch_all!(tx, sql::END_SESSIONS => (Uuid,), user, at, reason.word(), keep)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

impl Store {
    /// Starts a session if the account may still log in with the hash that was verified; writes the
    /// renewed hash if there is one. Returns whether it was started.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn start_session(
        &self,
        new: &NewSession,
        verified_hash: &str,
        renewed_hash: Option<&str>,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        let hash = renewed_hash.unwrap_or(verified_hash);
        if execute!(
            tx,
            sql::CONFIRM_LOGIN,
            new.user,
            verified_hash,
            new.at,
            hash
        )? == 0
        {
            return Ok(false);
        }
        execute!(
            tx,
            sql::INSERT_SESSION,
            new.id,
            new.user,
            &new.user_agent,
            new.at,
            new.idle_expires_at,
            new.expires_at,
        )?;
        execute!(
            tx,
            sql::INSERT_REFRESH_TOKEN,
            &new.token_hash[..],
            new.id,
            0_i64,
            new.at
        )?;
        tx.commit().await?;
        Ok(true)
    }

    /// Rotates a refresh token: one transaction, so that of any number of parallel calls with one
    /// token exactly one rotates and the others see its result.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn rotate(&self, request: &RotationRequest) -> Result<Rotation> {
        let mut tx = self.begin().await?;
        let presented = &request.presented[..];
        let now = request.at;
        let Some(family) = fetch_optional!(tx, sql::LOCK_FAMILY => Family, presented, now)? else {
            return Ok(Rotation::Unknown);
        };
        let Some(token) = fetch_optional!(tx, sql::REFRESH_TOKEN => TokenRow, presented)? else {
            return Ok(Rotation::Unknown);
        };
        let (session, user_id) = (family.id, family.user_id);
        if family.ended_at.is_some() {
            return Ok(Rotation::Ended { user: user_id });
        }
        if family.expires_at <= now || family.idle_expires_at <= now {
            return Ok(Rotation::Expired { user: user_id });
        }
        let Some(user) = fetch_optional!(tx, sql::USER_BY_ID => UserRow, user_id)? else {
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
            execute!(tx, sql::MARK_ROTATED, presented, now, &request.sealed_next)?;
            execute!(
                tx,
                sql::INSERT_REFRESH_TOKEN,
                &request.next[..],
                session,
                next,
                now
            )?;
            execute!(tx, sql::ADVANCE_FAMILY, session, next, idle_expires_at)?;
            tx.commit().await?;
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
            tx.commit().await?;
            return Ok(Rotation::Replayed {
                session,
                user,
                ends_at: family.expires_at,
                sealed_successor,
            });
        }
        let reason = RevocationReason::Reuse.word();
        execute!(tx, sql::END_SESSION, session, user_id, now, reason)?;
        tx.commit().await?;
        Ok(Rotation::Reused {
            session,
            user: user_id,
        })
    }

    /// Who stands behind a session, if it lives and its owner may log in.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn principal(&self, session: Uuid, now: DateTime<Utc>) -> Result<Option<Principal>> {
        let mut conn = self.reader().await?;
        let row = fetch_optional!(conn, sql::PRINCIPAL => PrincipalRow, session, now)?;
        Ok(row.map(|row| Principal {
            user: row.user.into(),
            session_expires_at: row.session_expires_at,
        }))
    }

    /// The living sessions of an account, the newest first, at most 200.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sessions(&self, user: Uuid, now: DateTime<Utc>) -> Result<Vec<Session>> {
        let mut conn = self.reader().await?;
        fetch_all!(conn, sql::LIST_SESSIONS => Session, user, now)
    }

    /// Ends one session of an account. Returns whether it lived.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_session(
        &self,
        session: Uuid,
        user: Uuid,
        reason: RevocationReason,
        at: DateTime<Utc>,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        let ended = execute!(tx, sql::END_SESSION, session, user, at, reason.word())? > 0;
        tx.commit().await?;
        Ok(ended)
    }

    /// Removes one session of an account and its tokens, if it was ended. Returns whether it was.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn remove_session(&self, session: Uuid, user: Uuid) -> Result<bool> {
        let mut tx = self.begin().await?;
        let removed = execute!(tx, sql::REMOVE_SESSION, session, user)? > 0;
        tx.commit().await?;
        Ok(removed)
    }

    /// Ends every session of an account; returns their ids.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_sessions(
        &self,
        user: Uuid,
        reason: RevocationReason,
        at: DateTime<Utc>,
    ) -> Result<Vec<Uuid>> {
        let mut tx = self.begin().await?;
        let ended = end_all(&mut tx, user, None, reason, at).await?;
        tx.commit().await?;
        Ok(ended)
    }

    /// The session and the account that a refresh token belongs to, whatever their state.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn session_of_token(&self, token_hash: [u8; 32]) -> Result<Option<(Uuid, Uuid)>> {
        let mut conn = self.reader().await?;
        fetch_optional!(conn, sql::SESSION_OF_TOKEN => (Uuid, Uuid), &token_hash[..])
    }

    /// How many sessions live.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_sessions(&self, now: DateTime<Utc>) -> Result<u64> {
        let mut conn = self.reader().await?;
        let count = fetch_optional!(conn, sql::COUNT_SESSIONS => (i64,), now)?;
        Ok(count.unwrap_or_default().0.unsigned_abs())
    }
}
