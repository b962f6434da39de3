//! Roles of accounts.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::connection::Conn;
use super::rows::{User, UserRow};
use super::{PROBE_ACCOUNT, Store, Tx, execute, fetch_optional, sql};
use crate::error::{Error, Result};
use crate::rbac::names::is_role_name;
use crate::rbac::{Assignment, BuiltIn, Reach};

/// Whether an enabled account other than `except` and the synthetic probe's holds the role. With `at`, only
/// one that may log in then counts: its password is no initial one that has expired.
pub(super) async fn other_holder(
    conn: &mut Conn,
    role: BuiltIn,
    except: Uuid,
    at: Option<DateTime<Utc>>,
) -> Result<bool> {
    let row = fetch_optional!(
        conn,
        sql::OTHER_HOLDERS => (i64,),
        role.name(),
        except,
        PROBE_ACCOUNT,
        at
    )?;
    Ok(row.is_some())
}

impl Tx {
    /// Assigns a role. One that the account holds everywhere gets the end given, or loses it. Returns whether
    /// that changed anything.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such account or role, [`Error::Conflict`] when the last
    /// administrator would get an end.
    pub async fn assign_role(
        &mut self,
        user: Uuid,
        given: &Assignment,
        by: Option<Uuid>,
        at: DateTime<Utc>,
    ) -> Result<bool> {
        let role = &given.role;
        let (kind, id) = given.reach.parts();
        let everywhere = given.reach == Reach::Everywhere;
        if everywhere && given.expires_at.is_some() {
            self.lock_for_revocation(user, role, at).await?;
            execute!(self.conn, sql::REVOKE_ROLE, user, role)?;
        } else {
            self.lock_user_and_find_role(user, role).await?;
        }
        if everywhere && given.expires_at.is_none() {
            let ends = execute!(self.conn, sql::REVOKE_LIMITED_ROLE, user, role, kind, id)?;
            let given = execute!(self.conn, sql::GRANT_ROLE, user, role, at, by)?;
            return Ok(ends + given > 0);
        }
        let ends = given.expires_at;
        let statement = &sql::GRANT_LIMITED_ROLE;
        let changed = execute!(self.conn, statement, user, role, kind, id, ends, at, by)?;
        Ok(changed > 0)
    }

    /// Revokes a role: all of its assignments to the account, or those of this reach. Returns whether that
    /// changed anything.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such account or role, [`Error::Conflict`] when it would
    /// be taken from the last administrator.
    pub async fn revoke_role(
        &mut self,
        user: Uuid,
        role: &str,
        reach: Option<&Reach>,
        at: DateTime<Utc>,
    ) -> Result<bool> {
        let (kind, id) = reach.map_or(("", ""), Reach::parts);
        let mut changed = 0;
        if reach.is_none_or(|reach| *reach == Reach::Everywhere) {
            self.lock_for_revocation(user, role, at).await?;
            changed += execute!(self.conn, sql::REVOKE_ROLE, user, role)?;
        } else {
            self.lock_user_and_find_role(user, role).await?;
        }
        changed += match reach {
            None => execute!(self.conn, sql::REVOKE_LIMITED_ROLES, user, role)?,
            Some(_) => execute!(self.conn, sql::REVOKE_LIMITED_ROLE, user, role, kind, id)?,
        };
        Ok(changed > 0)
    }

    /// The account, within the transaction.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn user(&mut self, id: Uuid) -> Result<User> {
        let row = fetch_optional!(self.conn, sql::USER_BY_ID => UserRow, id)?;
        row.map(User::from).ok_or(Error::NotFound("user"))
    }

    /// Locks what a revocation of the role changes. Locks are always taken in this order: the role's, then the
    /// account's.
    async fn lock_for_revocation(
        &mut self,
        user: Uuid,
        role: &str,
        at: DateTime<Utc>,
    ) -> Result<()> {
        if role == BuiltIn::Admin.name() {
            self.keep_an_admin(user, at).await?;
        }
        self.lock_user_and_find_role(user, role).await
    }

    /// Refuses if `leaving` is the last administrator who can log in. Locks the role, so that of two
    /// administrators who revoke each other's role at the same time one is refused, then the account.
    pub(super) async fn keep_an_admin(&mut self, leaving: Uuid, at: DateTime<Utc>) -> Result<()> {
        let admin = BuiltIn::Admin;
        execute!(self.conn, sql::LOCK_ROLE, admin.name())?;
        execute!(self.conn, sql::LOCK_USER, leaving)?;
        let row = fetch_optional!(self.conn, sql::USER_BY_ID => UserRow, leaving)?;
        let user: User = row.ok_or(Error::NotFound("user"))?.into();
        let may_log_in = !user.disabled && !user.initial_password_expired(at);
        let is_admin = may_log_in && user.roles.iter().any(|role| role == admin.name());
        if is_admin && !other_holder(&mut self.conn, admin, leaving, Some(at)).await? {
            return Err(Error::Conflict(
                "this is the last administrator: create another one first",
            ));
        }
        Ok(())
    }

    async fn lock_user_and_find_role(&mut self, user: Uuid, role: &str) -> Result<()> {
        if !is_role_name(role) {
            return Err(Error::NotFound("role"));
        }
        if execute!(self.conn, sql::LOCK_USER, user)? == 0 {
            return Err(Error::NotFound("user"));
        }
        fetch_optional!(self.conn, sql::ROLE_EXISTS => (i64,), role)?
            .ok_or(Error::NotFound("role"))?;
        Ok(())
    }
}

impl Store {
    /// Whether there is a role of this name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn role_exists(&self, role: &str) -> Result<bool> {
        if !is_role_name(role) {
            return Ok(false);
        }
        let mut conn = self.reader().await?;
        Ok(fetch_optional!(conn, sql::ROLE_EXISTS => (i64,), role)?.is_some())
    }
}
