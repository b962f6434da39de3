//! Registration.

use uuid::Uuid;

use super::password::Password;
use super::throttle::Source;
use super::{Account, Auth, identity};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::metrics::RegistrationResult;
use crate::rbac::{BuiltIn, Permission};
use crate::store::{NewUser, User};

/// Somebody who wants an account.
#[derive(Debug)]
pub struct Registration {
    /// The name that they want.
    pub username: String,
    /// Their address.
    pub email: String,
    /// Their password.
    pub password: Password,
    /// The role that they want; `user` when absent.
    pub role: Option<String>,
}

impl Auth {
    /// Makes an account. A role above `user` takes a caller who may assign roles.
    ///
    /// # Errors
    /// [`Error::RateLimited`], [`Error::Invalid`], [`Error::WeakPassword`], [`Error::Taken`],
    /// [`Error::Forbidden`], [`Error::Overloaded`].
    pub async fn register(
        &self,
        source: &Source,
        registration: Registration,
        caller: Option<&Account>,
    ) -> Result<User> {
        let Registration {
            username, email, ..
        } = &registration;
        let result = match self.admit_registration(source, username, email).await {
            Ok(()) => self.try_register(registration, caller).await,
            Err(error) => Err(error),
        };
        let (label, user) = match &result {
            Ok(user) => (RegistrationResult::Success, Some(user.id)),
            Err(error) => (label(error), None),
        };
        Event::Registration {
            result: label,
            user,
        }
        .emit();
        result
    }

    async fn admit_registration(&self, source: &Source, username: &str, email: &str) -> Result<()> {
        self.ask_gate()?;
        self.throttle.register(source, username, email).await
    }

    async fn try_register(
        &self,
        registration: Registration,
        caller: Option<&Account>,
    ) -> Result<User> {
        let role = registration.role.as_deref().unwrap_or(BuiltIn::User.name());
        let may_assign =
            caller.is_some_and(|caller| caller.authority.allows(Permission::RolesAssign));
        if role != BuiltIn::User.name() && !may_assign {
            return Err(Error::Forbidden(Permission::RolesAssign.name()));
        }
        let roles = vec![role.to_owned()];
        self.make_account(registration, roles, caller.map(|caller| caller.user.id))
            .await
    }

    /// Checks every field, hashes, and inserts: the one way to an account.
    pub(super) async fn make_account(
        &self,
        registration: Registration,
        roles: Vec<String>,
        by: Option<Uuid>,
    ) -> Result<User> {
        let Registration {
            username,
            email,
            password,
            ..
        } = registration;
        identity::check_username(&username)?;
        identity::check_email(&email)?;
        self.check_password("password", &password, &username, &email)?;
        for role in &roles {
            if !self.store.role_exists(role).await? {
                return Err(Error::Invalid {
                    field: "role",
                    rule: "must be the name of an existing role".to_owned(),
                });
            }
        }
        let password_hash = self.hash_new(&password).await?;
        let at = self.clock.now();
        let id = Uuid::now_v7();
        self.store
            .insert_user(&NewUser {
                id,
                username,
                email,
                password_hash,
                roles,
                by,
                at,
            })
            .await
    }
}

fn label(error: &Error) -> RegistrationResult {
    match error {
        Error::Taken { .. } => RegistrationResult::Duplicate,
        Error::WeakPassword { .. } => RegistrationResult::WeakPassword,
        Error::Invalid { .. } => RegistrationResult::InvalidInput,
        Error::Forbidden(_) => RegistrationResult::ForbiddenRole,
        Error::Overloaded { .. } => RegistrationResult::Overloaded,
        Error::RateLimited(_) => RegistrationResult::RateLimited,
        Error::Conflict(_)
        | Error::NotFound(_)
        | Error::WrongPassword
        | Error::Unavailable
        | Error::Internal(_) => RegistrationResult::Error,
    }
}
