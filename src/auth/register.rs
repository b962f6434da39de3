//! Registration.

use std::sync::Arc;

use crate::accounts::{Accounts, Actor, NewAccount};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::hashing::HashGate;
use crate::limits::{Source, Throttle};
use crate::metrics::RegistrationResult;
use crate::rbac::Permission;
use crate::sessions::Account;
use crate::store::User;

const FOR_OTHERS: &str = "registration creates one's own account: use POST /admin/users for somebody else, with a role and a generated password";

/// The registration flow.
pub struct Register {
    hashing: HashGate,
    limits: Arc<Throttle>,
    accounts: Arc<Accounts>,
}

impl Register {
    /// The flow over these services.
    #[must_use]
    pub const fn new(hashing: HashGate, limits: Arc<Throttle>, accounts: Arc<Accounts>) -> Self {
        Self {
            hashing,
            limits,
            accounts,
        }
    }

    /// Creates an account for the client, with the role `user`. Administrators create accounts with
    /// another operation, where they do not choose passwords (ASVS 6.4.6).
    ///
    /// # Errors
    /// [`Error::RateLimited`], [`Error::Invalid`], [`Error::WeakPassword`], [`Error::Taken`],
    /// [`Error::Forbidden`], [`Error::Overloaded`].
    pub async fn register(
        &self,
        source: &Source,
        account: NewAccount,
        caller: Option<&Account>,
    ) -> Result<User> {
        let outcome = match self.admit(source, &account, caller).await {
            Ok(()) => self.accounts.make(account, Actor::Stranger).await,
            Err(error) => Err(error),
        };
        let (result, user) = match &outcome {
            Ok(user) => (RegistrationResult::Success, Some(user.id)),
            Err(error) => (label(error), None),
        };
        Event::Registration { result, user }.emit();
        outcome
    }

    /// Load shedding before limits, limits before any lookup.
    async fn admit(
        &self,
        source: &Source,
        account: &NewAccount,
        caller: Option<&Account>,
    ) -> Result<()> {
        self.hashing.check_capacity()?;
        self.limits
            .register(source, &account.username, &account.email)
            .await?;
        let for_others = [Permission::UsersWrite, Permission::RolesAssign];
        let may = |account: &Account| for_others.map(|one| account.authority.allows(one));
        if caller.is_some_and(|caller| may(caller).contains(&true)) {
            return Err(Error::Refused(FOR_OTHERS));
        }
        Ok(())
    }
}

fn label(error: &Error) -> RegistrationResult {
    match error {
        Error::Taken { .. } => RegistrationResult::Duplicate,
        Error::WeakPassword { .. } => RegistrationResult::WeakPassword,
        Error::Invalid { .. } | Error::Several(_) => RegistrationResult::InvalidInput,
        Error::Refused(_) => RegistrationResult::ForAnother,
        Error::Forbidden(_) | Error::Escalation { .. } => RegistrationResult::ForbiddenRole,
        Error::Overloaded { .. } => RegistrationResult::Overloaded,
        Error::RateLimited(_) => RegistrationResult::RateLimited,
        Error::Conflict(_)
        | Error::Merge(_)
        | Error::PreconditionFailed
        | Error::NotFound(_)
        | Error::WrongPassword
        | Error::Unavailable
        | Error::Internal(_) => RegistrationResult::Error,
    }
}
