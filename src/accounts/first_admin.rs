//! Administrators created by the operator: the first one at the first start, others by command. A command also
//! gives accounts a new initial password.

use zeroize::Zeroizing;

use super::{Accounts, Actor, NewAccount, not_the_probe};
use crate::error::{Error, Result};
use crate::hashing::Password;
use crate::metrics::UserAction;
use crate::rbac::{Assignment, BuiltIn};
use crate::secrets::random;
use crate::sessions::AfterCommit;
use crate::store::{EndReason, User};

/// The outcome of creating the first administrator.
#[derive(Debug, PartialEq, Eq)]
pub enum FirstAdmin {
    /// An administrator exists already.
    Exists,
    /// Created with the password from the configuration.
    Configured,
    /// Created with this generated password, which is shown once.
    Generated(String),
}

impl Accounts {
    /// Creates an administrator if there is no enabled one.
    ///
    /// # Errors
    /// As a registration: the configured name, address or password may break a rule, or the name or
    /// address may belong to another account.
    pub async fn ensure_admin(
        &self,
        username: &str,
        email: &str,
        password: Option<&str>,
    ) -> Result<FirstAdmin> {
        if self.store.has_admin().await? {
            return Ok(FirstAdmin::Exists);
        }
        let generated = if password.is_none() {
            Some(random::password()?)
        } else {
            None
        };
        let chosen = password
            .or(generated.as_ref().map(|text| text.as_str()))
            .unwrap_or_default();
        match self
            .create_admin(username, email, Password::new(chosen), generated.is_some())
            .await
        {
            Ok(_) => {}
            // Another replica, started at the same moment, created it first.
            Err(Error::Taken { .. }) if self.store.has_admin().await? => {
                return Ok(FirstAdmin::Exists);
            }
            Err(error) => return Err(error),
        }
        Ok(generated.map_or(FirstAdmin::Configured, |text| {
            FirstAdmin::Generated(text.to_string())
        }))
    }

    /// Creates an administrator, as the operator. An initial password must be changed; one that the
    /// operator chose stays.
    ///
    /// # Errors
    /// As a registration.
    pub async fn create_admin(
        &self,
        username: &str,
        email: &str,
        password: Password,
        initial: bool,
    ) -> Result<User> {
        let account = NewAccount {
            username: username.to_owned(),
            email: email.to_owned(),
            password,
            role: BuiltIn::Admin.name().to_owned(),
            initial,
        };
        self.create(account, Actor::Operator).await
    }

    /// The account with this username or e-mail address.
    async fn named(&self, name: &str) -> Result<User> {
        let found = self.store.credentials(name).await?;
        Ok(found.ok_or(Error::NotFound("user"))?.user)
    }

    /// Gives an existing account a new initial password, as the operator, and ends its sessions. Returns
    /// the password.
    ///
    /// # Errors
    /// [`Error::NotFound`], and [`Error::Conflict`] for the synthetic probe's account.
    pub async fn reset_password(&self, name: &str) -> Result<(User, Zeroizing<String>)> {
        let user = self.named(name).await?;
        not_the_probe(user.id)?;
        let generated = random::password()?;
        let hash = self.hashing.hash(Password::new(generated.as_str())).await?;
        let now = self.clock.now();
        let until = now + self.initial_password_ttl;
        let mut tx = self.store.transaction().await?;
        let set = tx.set_initial_password(user.id, &hash, until, now).await;
        let due = tx.finish(set.map(|ended| {
            AfterCommit::of(user.id)
                .account_changed()
                .event(Actor::Operator.event(UserAction::Updated, user.id))
                .sessions_ended(ended, EndReason::Admin)
        }));
        self.sessions.carry_out(due.await?).await;
        Ok((user, generated))
    }

    /// Grants an existing account the role `admin`, as the operator.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn promote(&self, name: &str) -> Result<User> {
        let user = self.named(name).await?;
        let admin = Assignment::everywhere(BuiltIn::Admin.name());
        self.assign_role(Actor::Operator, user.id, &admin).await?;
        self.user(user.id).await
    }
}
