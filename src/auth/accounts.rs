//! What owners and administrators do to accounts.

use uuid::Uuid;

use super::bootstrap::random_password;
use super::hash_gate::Verdict;
use super::password::Password;
use super::{Account, Auth, Caller, Registration, gate_error, identity};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::metrics::{
    Actor, PasswordChangeResult, RevocationReason, RoleAction, RoleLabel, UserAction,
};
use crate::rbac::{BuiltIn, Permission};
use crate::store::{ProfileChange, User, UserPage};

/// What may be changed about an account; absent fields stay.
#[derive(Debug, Default)]
pub struct UserChange {
    /// A new name.
    pub username: Option<String>,
    /// A new address.
    pub email: Option<String>,
    /// Disable or enable.
    pub disabled: Option<bool>,
}

impl Auth {
    /// The account with this id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn user(&self, id: Uuid) -> Result<User> {
        self.store.user(id).await?.ok_or(Error::NotFound("user"))
    }

    /// A page of accounts in order of creation, after the account `after`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn users(&self, after: Option<Uuid>, limit: u32) -> Result<UserPage<Uuid>> {
        self.store.list_users(after, limit).await
    }

    /// A page of the accounts whose name or address begins so, after the name or address `after`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn search_users(
        &self,
        beginning: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<UserPage<String>> {
        self.store.search_users(beginning, after, limit).await
    }

    /// Makes an account for somebody else, with a generated password that is returned once: an
    /// administrator does not choose passwords (ASVS 6.4.6). Roles other than `user` take the
    /// permission to assign them.
    ///
    /// # Errors
    /// As a registration.
    pub async fn create_user(
        &self,
        caller: &Account,
        username: String,
        email: String,
        role: Option<String>,
    ) -> Result<(User, String)> {
        let role = role.unwrap_or_else(|| BuiltIn::User.name().to_owned());
        if role != BuiltIn::User.name() && !caller.authority.allows(Permission::RolesAssign) {
            return Err(Error::Forbidden(Permission::RolesAssign.name()));
        }
        let generated = random_password()?;
        let password = Password::new(generated.as_str());
        let registration = Registration {
            username,
            email,
            password,
            role: None,
        };
        let user = self
            .make_account(registration, vec![role], Some(caller.user.id))
            .await?;
        changed(
            UserAction::Created,
            Actor::Admin,
            Some(caller.user.id),
            user.id,
        );
        Ok((user, generated))
    }

    /// Changes an account. Disabling ends its sessions at once.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`], [`Error::Taken`], and [`Error::Conflict`] when the
    /// last administrator would be disabled.
    pub async fn update_user(
        &self,
        by: &Account,
        actor: Actor,
        id: Uuid,
        change: UserChange,
    ) -> Result<User> {
        if let Some(username) = &change.username {
            identity::check_username(username)?;
        }
        if let Some(email) = &change.email {
            identity::check_email(email)?;
        }
        let change = ProfileChange {
            username: change.username,
            email: change.email,
            disabled: change.disabled,
        };
        let (before, after, ended) = self
            .store
            .update_user(id, &change, self.clock.now())
            .await?;
        self.principals.forget_account(id).await;
        let by = Some(by.user.id);
        if before.username != after.username || before.email != after.email {
            changed(UserAction::Updated, actor, by, id);
        }
        if before.disabled != after.disabled {
            let action = if after.disabled {
                UserAction::Disabled
            } else {
                UserAction::Enabled
            };
            changed(action, actor, by, id);
            self.ended(id, &ended, RevocationReason::Disabled).await;
        }
        Ok(after)
    }

    /// Changes the caller's own account. Another e-mail address takes the current password: who
    /// receives the account's mail can take the account over (ASVS 7.5.1).
    ///
    /// # Errors
    /// As [`Auth::update_user`], and [`Error::WrongPassword`], [`Error::RateLimited`].
    pub async fn update_own(
        &self,
        caller: &Caller,
        change: UserChange,
        current_password: Option<Password>,
    ) -> Result<User> {
        let own = &caller.account.user;
        if change
            .email
            .as_ref()
            .is_some_and(|email| *email != own.email)
        {
            let current = current_password.ok_or_else(|| Error::Invalid {
                field: "current_password",
                rule: "is needed to change the e-mail address".to_owned(),
            })?;
            self.prove(own.id, current).await?;
        }
        self.update_user(&caller.account, Actor::Owner, own.id, change)
            .await
    }

    /// Checks the current password of an account; gives the hash that it matched.
    async fn prove(&self, user: Uuid, current: Password) -> Result<String> {
        self.ask_gate()?;
        self.throttle.password(user).await?;
        let stored = self
            .store
            .credentials_of(user)
            .await?
            .ok_or(Error::NotFound("user"))?
            .password_hash;
        match self
            .gate
            .verify(current, stored.clone())
            .await
            .map_err(gate_error)?
        {
            Verdict::Match { .. } => Ok(stored),
            Verdict::Mismatch => Err(Error::WrongPassword),
        }
    }

    /// Removes an account and everything that belongs to it.
    ///
    /// # Errors
    /// [`Error::NotFound`], and [`Error::Conflict`] for the last administrator.
    pub async fn delete_user(&self, by: &Account, actor: Actor, id: Uuid) -> Result<()> {
        let ended = self.store.delete_user(id, self.clock.now()).await?;
        self.principals.forget_account(id).await;
        self.ended(id, &ended, RevocationReason::Deleted).await;
        changed(UserAction::Deleted, actor, Some(by.user.id), id);
        Ok(())
    }

    /// Gives a role; giving it twice is no error.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn grant_role(&self, by: &Account, user: Uuid, role: &str) -> Result<()> {
        let at = self.clock.now();
        if self
            .store
            .grant_role(user, role, Some(by.user.id), at)
            .await?
        {
            self.role_changed(RoleAction::Grant, role, by, user).await;
        }
        Ok(())
    }

    /// Takes a role; taking what is not there is no error.
    ///
    /// # Errors
    /// [`Error::NotFound`], and [`Error::Conflict`] for the last administrator.
    pub async fn revoke_role(&self, by: &Account, user: Uuid, role: &str) -> Result<()> {
        if self.store.revoke_role(user, role).await? {
            self.role_changed(RoleAction::Revoke, role, by, user).await;
        }
        Ok(())
    }

    async fn role_changed(&self, action: RoleAction, role: &str, by: &Account, user: Uuid) {
        self.principals.forget_account(user).await;
        let role = BuiltIn::parse(role).map_or(RoleLabel::Custom, BuiltIn::label);
        Event::RoleChange {
            action,
            role,
            by: Some(by.user.id),
            user,
        }
        .emit();
    }

    /// Changes the caller's password; every other session of the account ends.
    ///
    /// # Errors
    /// [`Error::WrongPassword`], [`Error::WeakPassword`], [`Error::Overloaded`],
    /// [`Error::RateLimited`].
    pub async fn change_password(
        &self,
        caller: &Caller,
        current: Password,
        new: Password,
    ) -> Result<()> {
        let outcome = self.try_change_password(caller, current, new).await;
        let result = match &outcome {
            Ok(()) => PasswordChangeResult::Success,
            Err(Error::WrongPassword) => PasswordChangeResult::BadPassword,
            Err(Error::WeakPassword { .. }) => PasswordChangeResult::WeakPassword,
            Err(Error::Overloaded { .. }) => PasswordChangeResult::Overloaded,
            Err(Error::RateLimited(_)) => PasswordChangeResult::RateLimited,
            Err(_) => PasswordChangeResult::Error,
        };
        Event::PasswordChange {
            result,
            user: caller.id(),
        }
        .emit();
        outcome
    }

    async fn try_change_password(
        &self,
        caller: &Caller,
        current: Password,
        new: Password,
    ) -> Result<()> {
        let user = &caller.account.user;
        self.check_password("new_password", &new, &user.username, &user.email)?;
        let proven = self.prove(user.id, current).await?;
        let hash = self.hash_new(&new).await?;
        let ended = self
            .store
            .change_password(user.id, &proven, &hash, caller.session, self.clock.now())
            .await?
            // Somebody else changed it meanwhile: what was verified is not the password any more.
            .ok_or(Error::WrongPassword)?;
        self.principals.forget_account(user.id).await;
        self.ended(user.id, &ended, RevocationReason::PasswordChange)
            .await;
        Ok(())
    }
}

fn changed(action: UserAction, actor: Actor, by: Option<Uuid>, user: Uuid) {
    Event::UserChange {
        action,
        actor,
        by,
        user,
    }
    .emit();
}
