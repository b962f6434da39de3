//! Accounts: creating, changing and deleting them, and their roles.

mod change;
mod create;
mod email;
mod first_admin;
mod held;
mod password_policy;
pub mod policy_changes;
mod roles;
mod seeding;
pub mod validation;

use std::sync::Arc;

use chrono::TimeDelta;
use uuid::Uuid;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::hashing::{HashGate, Password, Verdict};
use crate::limits::Throttle;
use crate::metrics::{self, UserAction};
use crate::sessions::{Account, Sessions};
use crate::store::{PROBE_ACCOUNT, Store, User, UserPage};

pub use self::create::NewAccount;
pub use self::first_admin::FirstAdmin;
pub use self::password_policy::PasswordPolicy;
use self::password_policy::WeakPassword;

/// The actor that creates or changes an account.
#[derive(Clone, Copy, Debug)]
pub enum Actor<'a> {
    /// A client that registers.
    Stranger,
    /// The account's owner.
    Owner(&'a Account),
    /// Another account, by its permissions.
    Admin(&'a Account),
    /// The operator, by the command line or the configuration.
    Operator,
}

impl Actor<'_> {
    /// The acting account, if there is one.
    #[must_use]
    pub fn id(&self) -> Option<Uuid> {
        match self {
            Self::Owner(account) | Self::Admin(account) => Some(account.user.id),
            Self::Stranger | Self::Operator => None,
        }
    }

    /// The event of a change by this actor.
    fn event(&self, action: UserAction, user: Uuid) -> Event {
        Event::UserChange {
            action,
            actor: self.label(),
            by: self.id(),
            user,
        }
    }

    const fn label(&self) -> metrics::Actor {
        match self {
            Self::Stranger | Self::Owner(_) => metrics::Actor::Owner,
            Self::Admin(_) => metrics::Actor::Admin,
            Self::Operator => metrics::Actor::Operator,
        }
    }
}

/// The accounts.
pub struct Accounts {
    store: Store,
    hashing: HashGate,
    limits: Arc<Throttle>,
    sessions: Arc<Sessions>,
    policy: PasswordPolicy,
    /// The lifetime of an initial password.
    initial_password_ttl: TimeDelta,
    clock: Clock,
}

impl Accounts {
    /// Accounts over these services; new passwords follow the policy.
    #[must_use]
    pub const fn new(
        store: Store,
        hashing: HashGate,
        limits: Arc<Throttle>,
        sessions: Arc<Sessions>,
        policy: PasswordPolicy,
        initial_password_ttl: TimeDelta,
        clock: Clock,
    ) -> Self {
        Self {
            store,
            hashing,
            limits,
            sessions,
            policy,
            initial_password_ttl,
            clock,
        }
    }

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
    pub async fn list(&self, after: Option<Uuid>, limit: u32) -> Result<UserPage<Uuid>> {
        self.store.list_users(after, limit).await
    }

    /// A page of the accounts whose username or e-mail address begins with the text, after the name or
    /// address `after`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn search(
        &self,
        beginning: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<UserPage<String>> {
        self.store.search_users(beginning, after, limit).await
    }

    /// Checks the current password of an account; returns the stored hash that it matched.
    ///
    /// # Errors
    /// [`Error::WrongPassword`], [`Error::RateLimited`], [`Error::Overloaded`], [`Error::NotFound`].
    pub async fn prove_password(&self, user: Uuid, current: Password) -> Result<String> {
        self.hashing.check_capacity()?;
        self.limits.password(user).await?;
        let stored = self
            .store
            .credentials_of(user)
            .await?
            .ok_or(Error::NotFound("user"))?
            .password_hash;
        match self.hashing.verify(current, stored.clone()).await? {
            Verdict::Match { .. } => Ok(stored),
            Verdict::Mismatch => Err(Error::WrongPassword),
        }
    }

    /// Checks a new password of an account against the cheap rules of the policy;
    /// [`Accounts::hash_new`] checks the rest.
    ///
    /// # Errors
    /// [`Error::WeakPassword`] for this field.
    pub fn check_password(
        &self,
        field: &'static str,
        password: &Password,
        username: &str,
        email: &str,
    ) -> Result<()> {
        self.policy
            .check(password, username, email)
            .map_err(|weak| weak.error(field))
    }

    /// Hashes a new password that [`Accounts::check_password`] accepted, unless the strength estimate
    /// is too low. Both run in the hash gate: the estimate takes milliseconds and would block the
    /// runtime's threads.
    ///
    /// # Errors
    /// [`Error::WeakPassword`] for this field, [`Error::Overloaded`].
    pub async fn hash_new(&self, field: &'static str, password: Password) -> Result<String> {
        if self.policy.wants_estimate(&password) {
            let judged = password.clone();
            let judge = move || PasswordPolicy::is_guessable(&judged);
            if self.hashing.estimate(judge).await? {
                return Err(WeakPassword::Common.error(field));
            }
        }
        Ok(self.hashing.hash(password).await?)
    }
}

/// Refuses the synthetic probe's account: it has no roles and its name cannot be changed.
fn not_the_probe(user: Uuid) -> Result<()> {
    if user == PROBE_ACCOUNT {
        return Err(Error::Conflict(
            "this is the service's own account: it cannot have roles and its name cannot be \
             changed",
        ));
    }
    Ok(())
}
