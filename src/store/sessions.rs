//! Sessions: starting, listing and ending them.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::rows::from_row;
use super::rows::{User, UserRow};
use super::{EndReason, Store, Tx, execute, fetch_all, fetch_optional, sql};
use crate::error::Result;
use crate::rbac::Scope;

/// A session to be started.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// A UUIDv7.
    pub id: Uuid,
    /// The owner.
    pub user: Uuid,
    /// SHA-256 of the first refresh token.
    pub token_hash: [u8; 32],
    /// The client's `User-Agent`.
    pub user_agent: String,
    /// The start.
    pub at: DateTime<Utc>,
    /// When it expires unless it is refreshed.
    pub idle_expires_at: DateTime<Utc>,
    /// When it expires at the latest.
    pub expires_at: DateTime<Utc>,
    /// The session's share of the account's permissions.
    pub scope: Scope,
}

/// An active session, as its owner sees it: neither ended nor expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The session's id, `sid` in its access tokens.
    pub id: Uuid,
    /// The client's `User-Agent` at login.
    pub user_agent: String,
    /// The time of the login.
    pub created_at: DateTime<Utc>,
    /// The time of the last refresh.
    pub last_used_at: DateTime<Utc>,
    /// When it expires at the latest.
    pub expires_at: DateTime<Utc>,
}

from_row!(Session {
    id,
    user_agent,
    created_at,
    last_used_at,
    expires_at
});

/// The account behind an active session.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The account, which is enabled.
    pub user: User,
    /// When the session expires unless it is refreshed.
    pub session_expires_at: DateTime<Utc>,
    /// The session's share of the account's permissions.
    pub scope: Scope,
    /// The version of the policy at that time.
    pub policy_version: i64,
}

struct PrincipalRow {
    user: UserRow,
    session_expires_at: DateTime<Utc>,
    scope: Option<String>,
    policy_version: i64,
}

from_row!(PrincipalRow { session_expires_at, scope, policy_version } and user);

impl Tx {
    /// Starts a session if the account may still log in with the hash that was verified; replaces
    /// the hash by `renewed_hash` if there is one. Returns whether it was started; if not, nothing
    /// changed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn start_session(
        &mut self,
        new: &NewSession,
        verified_hash: &str,
        renewed_hash: Option<&str>,
    ) -> Result<bool> {
        let hash = renewed_hash.unwrap_or(verified_hash);
        let confirmed = execute!(
            self.conn,
            sql::CONFIRM_LOGIN,
            new.user,
            verified_hash,
            new.at,
            hash
        )?;
        if confirmed == 0 {
            return Ok(false);
        }
        self.insert_session(new).await?;
        Ok(true)
    }

    /// Starts a session of an account that proved its password in this transaction.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn insert_session(&mut self, new: &NewSession) -> Result<()> {
        execute!(
            self.conn,
            sql::INSERT_SESSION,
            new.id,
            new.user,
            &new.user_agent,
            new.at,
            new.idle_expires_at,
            new.expires_at,
            new.scope.text(),
        )?;
        execute!(
            self.conn,
            sql::INSERT_REFRESH_TOKEN,
            &new.token_hash[..],
            new.id,
            0_i64,
            new.at
        )?;
        Ok(())
    }

    /// Ends one session of an account. Returns whether it was active.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_session(
        &mut self,
        session: Uuid,
        user: Uuid,
        reason: EndReason,
        at: DateTime<Utc>,
    ) -> Result<bool> {
        let reason = reason.word();
        Ok(execute!(self.conn, sql::END_SESSION, session, user, at, reason)? > 0)
    }

    /// Ends every active session of an account; returns their ids.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_sessions(
        &mut self,
        user: Uuid,
        reason: EndReason,
        at: DateTime<Utc>,
    ) -> Result<Vec<Uuid>> {
        let reason = reason.word();
        let rows = fetch_all!(self.conn, sql::END_SESSIONS => (Uuid,), user, at, reason)?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// Ends the oldest active sessions of an account beyond `most`; returns their ids. The account's
    /// row is locked, as after [`Tx::start_session`], so that concurrent logins count each other's
    /// sessions.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_oldest_sessions(
        &mut self,
        user: Uuid,
        most: u32,
        at: DateTime<Utc>,
    ) -> Result<Vec<Uuid>> {
        let (reason, most) = (EndReason::SessionLimit.word(), i64::from(most));
        let statement = &sql::END_OLDEST_SESSIONS;
        let rows = fetch_all!(self.conn, statement => (Uuid,), user, at, reason, most)?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// Removes one session of an account and its tokens, if it has ended. Returns whether it had.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn remove_session(&mut self, session: Uuid, user: Uuid) -> Result<bool> {
        Ok(execute!(self.conn, sql::REMOVE_SESSION, session, user)? > 0)
    }
}

impl Store {
    /// The account behind a session, if the session is active and the account enabled.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn principal(&self, session: Uuid, now: DateTime<Utc>) -> Result<Option<Principal>> {
        let mut conn = self.reader().await?;
        let row = fetch_optional!(conn, sql::PRINCIPAL => PrincipalRow, session, now)?;
        Ok(row.map(|row| Principal {
            user: row.user.into(),
            session_expires_at: row.session_expires_at,
            scope: Scope::stored(row.scope.as_deref()),
            policy_version: row.policy_version,
        }))
    }

    /// The newest active sessions of an account, newest first, at most 200.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sessions(&self, user: Uuid, now: DateTime<Utc>) -> Result<Vec<Session>> {
        let mut conn = self.reader().await?;
        fetch_all!(conn, sql::LIST_SESSIONS => Session, user, now)
    }

    /// The number of active sessions.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_sessions(&self, now: DateTime<Utc>) -> Result<u64> {
        let mut conn = self.reader().await?;
        let count = fetch_optional!(conn, sql::COUNT_SESSIONS => (i64,), now)?;
        Ok(count.unwrap_or_default().0.unsigned_abs())
    }
}
