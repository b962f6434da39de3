//! Administrators made by the operator: the first one at the first start, others by command.

use super::{Accounts, Actor, NewAccount};
use crate::error::{Error, Result};
use crate::hashing::Password;
use crate::rbac::BuiltIn;
use crate::secrets::random;
use crate::store::User;

/// How the first administrator came about.
#[derive(Debug, PartialEq, Eq)]
pub enum FirstAdmin {
    /// There is one already.
    Exists,
    /// Made with the password from the configuration.
    Configured,
    /// Made with this password, which is shown once.
    Generated(String),
}

impl Accounts {
    /// Makes an administrator if there is none who may log in.
    ///
    /// # Errors
    /// As a registration: the configured name, address or password may break a rule, or belong to
    /// an account that is no administrator.
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
            // Another replica, started at the same moment, was faster.
            Err(Error::Taken { .. }) if self.store.has_admin().await? => {
                return Ok(FirstAdmin::Exists);
            }
            Err(error) => return Err(error),
        }
        Ok(generated.map_or(FirstAdmin::Configured, |text| {
            FirstAdmin::Generated(text.to_string())
        }))
    }

    /// Makes an administrator, as the operator. An initial password has to be changed; one that the
    /// operator chose is theirs.
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

    /// Gives an existing account the role `admin`, as the operator.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn promote(&self, name: &str) -> Result<User> {
        let user = self
            .store
            .credentials(name)
            .await?
            .ok_or(Error::NotFound("user"))?
            .user;
        self.grant_role(Actor::Operator, user.id, BuiltIn::Admin.name())
            .await?;
        self.user(user.id).await
    }
}
