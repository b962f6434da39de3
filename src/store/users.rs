//! Accounts.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::lookup::{former_email_key, key, login_keys};
use super::rows::from_row;
use super::rows::{User, UserRow};
use super::{EndReason, Store, Tx, execute, fetch_all, fetch_optional, findable, roles, sql};
use crate::error::{Error, Result};
use crate::rbac::BuiltIn;

/// An account and its password hash.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The account.
    pub user: User,
    /// A PHC string.
    pub password_hash: String,
}

struct CredentialsRow {
    user: UserRow,
    password_hash: String,
}

from_row!(CredentialsRow { password_hash } and user);

impl From<CredentialsRow> for Credentials {
    fn from(row: CredentialsRow) -> Self {
        Self {
            user: row.user.into(),
            password_hash: row.password_hash,
        }
    }
}

/// An account to be created.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// A UUIDv7.
    pub id: Uuid,
    /// As its owner wrote it.
    pub username: String,
    /// As its owner wrote it.
    pub email: String,
    /// A PHC string.
    pub password_hash: String,
    /// Names of existing roles.
    pub roles: Vec<String>,
    /// The account that created it; `None` for a registration.
    pub by: Option<Uuid>,
    /// The time of creation.
    pub at: DateTime<Utc>,
    /// The end of an initial password's validity.
    pub initial_password_until: Option<DateTime<Utc>>,
}

/// A change of an account; fields that are `None` stay.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// The new username.
    pub username: Option<String>,
    /// The new e-mail address.
    pub email: Option<String>,
    /// `true` disables the account, which ends its sessions; `false` enables it.
    pub disabled: Option<bool>,
}

/// One page of accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPage<P> {
    /// In the order of the list.
    pub users: Vec<User>,
    /// Where the next page starts, if there is one.
    pub next: Option<P>,
}

impl<P> UserPage<P> {
    /// A page of rows, of which there is one more than `limit` if there is a next page.
    pub(super) fn new(rows: Vec<UserRow>, limit: u32, position: impl Fn(&User) -> P) -> Self {
        let mut users: Vec<User> = rows.into_iter().map(User::from).collect();
        let more = users.len() > limit as usize;
        users.truncate(limit as usize);
        let next = more.then(|| users.last().map(position)).flatten();
        Self { users, next }
    }
}

impl Tx {
    /// Creates an account with its roles.
    ///
    /// # Errors
    /// [`Error::Taken`] when another account has the username or e-mail address.
    pub async fn insert_user(&mut self, new: &NewUser) -> Result<User> {
        self.check_former_email(new.id, &new.email).await?;
        execute!(
            self.conn,
            sql::INSERT_USER,
            new.id,
            &new.username,
            key(&new.username),
            &new.email,
            key(&new.email),
            &new.password_hash,
            new.at,
            new.initial_password_until,
        )?;
        for role in &new.roles {
            execute!(self.conn, sql::GRANT_ROLE, new.id, role, new.at, new.by)?;
        }
        let mut roles = new.roles.clone();
        roles.sort_unstable();
        Ok(User {
            id: new.id,
            username: new.username.clone(),
            email: new.email.clone(),
            disabled: false,
            roles,
            limited_roles: Vec::new(),
            created_at: new.at,
            updated_at: new.at,
            last_login_at: None,
            initial_password_until: new.initial_password_until,
        })
    }

    /// Refuses an address that another account has in the form of earlier versions.
    async fn check_former_email(&mut self, id: Uuid, email: &str) -> Result<()> {
        let Some(former) = former_email_key(email) else {
            return Ok(());
        };
        let row = fetch_optional!(self.conn, sql::CREDENTIALS_BY_EMAIL => CredentialsRow, former)?;
        let holder = row.map(Credentials::from);
        if holder.is_some_and(|holder| holder.user.id != id) {
            return Err(Error::Taken { field: "email" });
        }
        Ok(())
    }

    /// Changes an account, and ends its sessions when it gets disabled. Returns the account before
    /// and after, and the sessions that ended.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Taken`], and [`Error::Conflict`] when the last administrator
    /// would be disabled.
    pub async fn update_user(
        &mut self,
        id: Uuid,
        change: &ProfileChange,
        at: DateTime<Utc>,
    ) -> Result<(User, User, Vec<Uuid>)> {
        if change.disabled == Some(true) {
            self.keep_an_admin(id, at).await?;
        } else {
            execute!(self.conn, sql::LOCK_USER, id)?;
        }
        let row = fetch_optional!(self.conn, sql::USER_BY_ID => UserRow, id)?;
        let before: User = row.ok_or(Error::NotFound("user"))?.into();
        let mut after = before.clone();
        let mut ended = Vec::new();
        if let Some(username) = &change.username {
            after.username.clone_from(username);
        }
        if let Some(email) = &change.email {
            after.email.clone_from(email);
        }
        if after.email != before.email {
            self.check_former_email(id, &after.email).await?;
        }
        if after != before {
            after.updated_at = at;
            execute!(
                self.conn,
                sql::UPDATE_PROFILE,
                id,
                &after.username,
                key(&after.username),
                &after.email,
                key(&after.email),
                at,
            )?;
        }
        if let Some(disabled) = change.disabled
            && execute!(self.conn, sql::UPDATE_DISABLED, id, disabled, at)? > 0
        {
            after.disabled = disabled;
            after.updated_at = at;
            if disabled {
                ended = self.end_sessions(id, EndReason::Disabled, at).await?;
            }
        }
        Ok((before, after, ended))
    }

    /// Replaces the password hash `old` by `new`, and ends every session. Returns the
    /// sessions that ended, or `None`, having changed nothing, when the stored hash is not `old` any
    /// more.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn change_password(
        &mut self,
        id: Uuid,
        old: &str,
        new: &str,
        at: DateTime<Utc>,
    ) -> Result<Option<Vec<Uuid>>> {
        if execute!(self.conn, sql::UPDATE_PASSWORD, id, old, new, at)? == 0 {
            return Ok(None);
        }
        let reason = EndReason::PasswordChange;
        Ok(Some(self.end_sessions(id, reason, at).await?))
    }

    /// Gives an account the hash of an initial password, valid until `until`, and ends every
    /// session. Returns the sessions that ended.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn set_initial_password(
        &mut self,
        id: Uuid,
        hash: &str,
        until: DateTime<Utc>,
        at: DateTime<Utc>,
    ) -> Result<Vec<Uuid>> {
        if execute!(self.conn, sql::SET_INITIAL_PASSWORD, id, hash, until, at)? == 0 {
            return Err(Error::NotFound("user"));
        }
        self.end_sessions(id, EndReason::Admin, at).await
    }

    /// Deletes an account and everything that belongs to it. Returns the sessions that were active.
    ///
    /// # Errors
    /// [`Error::NotFound`], and [`Error::Conflict`] for the last administrator.
    pub async fn delete_user(&mut self, id: Uuid, at: DateTime<Utc>) -> Result<Vec<Uuid>> {
        self.keep_an_admin(id, at).await?;
        let ended = self.end_sessions(id, EndReason::Deleted, at).await?;
        if execute!(self.conn, sql::DELETE_USER, id)? == 0 {
            return Err(Error::NotFound("user"));
        }
        Ok(ended)
    }
}

impl Store {
    /// The account with this id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn user(&self, id: Uuid) -> Result<Option<User>> {
        let mut conn = self.reader().await?;
        let row = fetch_optional!(conn, sql::USER_BY_ID => UserRow, id)?;
        Ok(row.map(User::from))
    }

    /// The account with this login name: its e-mail address if it has an `@` (usernames never do), else
    /// its username. Case is ignored.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn credentials(&self, name: &str) -> Result<Option<Credentials>> {
        if !findable(name) {
            return Ok(None);
        }
        let mut conn = self.reader().await?;
        if !name.contains('@') {
            let row =
                fetch_optional!(conn, sql::CREDENTIALS_BY_USERNAME => CredentialsRow, key(name))?;
            return Ok(row.map(Credentials::from));
        }
        for key in login_keys(name) {
            let row = fetch_optional!(conn, sql::CREDENTIALS_BY_EMAIL => CredentialsRow, key)?;
            if row.is_some() {
                return Ok(row.map(Credentials::from));
            }
        }
        Ok(None)
    }

    /// The credentials of the account with this id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn credentials_of(&self, id: Uuid) -> Result<Option<Credentials>> {
        let mut conn = self.reader().await?;
        let row = fetch_optional!(conn, sql::CREDENTIALS_BY_ID => CredentialsRow, id)?;
        Ok(row.map(Credentials::from))
    }

    /// A page of all accounts in order of creation, after the account `after`, which may be gone.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_users(&self, after: Option<Uuid>, limit: u32) -> Result<UserPage<Uuid>> {
        let mut conn = self.reader().await?;
        let after = after.unwrap_or(Uuid::nil());
        // One more than the page holds, to know whether there is a next one.
        let take = i64::from(limit) + 1;
        let rows = fetch_all!(conn, sql::LIST_USERS => UserRow, after, take)?;
        Ok(UserPage::new(rows, limit, |user| user.id))
    }

    /// The number of accounts, and of those that are disabled.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_users(&self) -> Result<(u64, u64)> {
        let mut conn = self.reader().await?;
        let counts = fetch_optional!(conn, sql::COUNT_USERS => super::Counts)?;
        Ok(counts.unwrap_or_default().get())
    }

    /// Whether an enabled administrator exists. One whose initial password has expired counts: the operator
    /// renews it, and the first start is over.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn has_admin(&self) -> Result<bool> {
        let mut conn = self.reader().await?;
        roles::other_holder(&mut conn, BuiltIn::Admin, Uuid::nil(), None).await
    }
}
