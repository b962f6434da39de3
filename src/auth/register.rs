//! Registration.

use std::sync::Arc;

use crate::accounts::{Accounts, Actor, NewAccount};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::hashing::HashGate;
use crate::limits::{Source, Throttle};
use crate::metrics::RegistrationResult;
use crate::store::User;

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

    /// Makes an account. A role above `user` takes an actor who may assign roles.
    ///
    /// # Errors
    /// [`Error::RateLimited`], [`Error::Invalid`], [`Error::WeakPassword`], [`Error::Taken`],
    /// [`Error::Forbidden`], [`Error::Overloaded`].
    pub async fn register(
        &self,
        source: &Source,
        account: NewAccount,
        actor: Actor<'_>,
    ) -> Result<User> {
        let outcome = match self.admit(source, &account).await {
            Ok(()) => self.accounts.make(account, actor).await,
            Err(error) => Err(error),
        };
        let (result, user) = match &outcome {
            Ok(user) => (RegistrationResult::Success, Some(user.id)),
            Err(error) => (label(error), None),
        };
        Event::Registration { result, user }.emit();
        outcome
    }

    /// Load shedding before limits, limits before anything is looked up.
    async fn admit(&self, source: &Source, account: &NewAccount) -> Result<()> {
        self.hashing.check_capacity()?;
        self.limits
            .register(source, &account.username, &account.email)
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
