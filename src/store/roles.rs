//! Who holds which role.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::rows::{User, UserRow};
use super::{Lease, Store, execute, fetch_optional, findable, sql};
use crate::error::{Error, Result};
use crate::rbac::BuiltIn;

/// Whether anybody but `except` who may log in holds the role.
pub(super) async fn other_holder(conn: &mut Lease, role: BuiltIn, except: Uuid) -> Result<bool> {
    let row = fetch_optional!(conn, sql::OTHER_HOLDERS => (i64,), role.name(), except)?;
    Ok(row.is_some())
}

/// Refuses when `leaving` is the last administrator who may log in. Takes the role's lock, so that
/// two administrators who remove one another at the same time do not both succeed, then the
/// account's.
pub(super) async fn keep_an_admin(tx: &mut Lease, leaving: Uuid) -> Result<()> {
    let admin = BuiltIn::Admin;
    execute!(tx, sql::LOCK_ROLE, admin.name())?;
    execute!(tx, sql::LOCK_USER, leaving)?;
    let row = fetch_optional!(tx, sql::USER_BY_ID => UserRow, leaving)?;
    let user: User = row.ok_or(Error::NotFound("user"))?.into();
    let is_admin = !user.disabled && user.roles.iter().any(|role| role == admin.name());
    if is_admin && !other_holder(tx, admin, leaving).await? {
        return Err(Error::Conflict(
            "this is the last administrator: make another one first",
        ));
    }
    Ok(())
}

impl Store {
    /// Whether there is a role of this name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn role_exists(&self, role: &str) -> Result<bool> {
        if !findable(role) {
            return Ok(false);
        }
        let mut conn = self.reader().await?;
        Ok(fetch_optional!(conn, sql::ROLE_EXISTS => (i64,), role)?.is_some())
    }

    /// Gives a role. Returns whether that changed anything.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such account or role.
    pub async fn grant_role(
        &self,
        user: Uuid,
        role: &str,
        by: Option<Uuid>,
        at: DateTime<Utc>,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        self::exists(&mut tx, user, role).await?;
        let changed = execute!(tx, sql::GRANT_ROLE, user, role, at, by)? > 0;
        tx.commit().await?;
        Ok(changed)
    }

    /// Takes a role. Returns whether that changed anything.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such account or role, [`Error::Conflict`] when it would
    /// be taken from the last administrator.
    pub async fn revoke_role(&self, user: Uuid, role: &str) -> Result<bool> {
        let mut tx = self.begin().await?;
        // First, for its locks are taken in this order everywhere: the role's, then the account's.
        if role == BuiltIn::Admin.name() {
            keep_an_admin(&mut tx, user).await?;
        }
        self::exists(&mut tx, user, role).await?;
        let changed = execute!(tx, sql::REVOKE_ROLE, user, role)? > 0;
        tx.commit().await?;
        Ok(changed)
    }
}

async fn exists(tx: &mut Lease, user: Uuid, role: &str) -> Result<()> {
    if !findable(role) {
        return Err(Error::NotFound("role"));
    }
    if execute!(tx, sql::LOCK_USER, user)? == 0 {
        return Err(Error::NotFound("user"));
    }
    fetch_optional!(tx, sql::ROLE_EXISTS => (i64,), role)?.ok_or(Error::NotFound("role"))?;
    Ok(())
}
