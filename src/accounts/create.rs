//! Creating accounts.

use uuid::Uuid;

use super::{Accounts, Actor, validation};
use crate::error::{Error, Faults, Result};
use crate::hashing::Password;
use crate::metrics::{RoleAction, UserAction};
use crate::rbac::{Assignment, BuiltIn, EVERYONE};
use crate::secrets::random;
use crate::store::{NewUser, User};

/// An account to be created.
#[derive(Debug)]
pub struct NewAccount {
    /// Its username.
    pub username: String,
    /// Its owner's address.
    pub email: String,
    /// Its password.
    pub password: Password,
    /// Its role.
    pub role: String,
    /// Others know the password, so the owner must change it.
    pub initial: bool,
}

impl Accounts {
    /// Creates an account for another person, with a generated password that is returned once:
    /// administrators do not choose passwords (ASVS 6.4.6), and the owner must change it. The default
    /// role is `user`.
    ///
    /// # Errors
    /// As [`Accounts::create`].
    pub async fn create_with_generated_password(
        &self,
        actor: Actor<'_>,
        username: String,
        email: String,
        role: Option<String>,
    ) -> Result<(User, String)> {
        let generated = random::password()?;
        let account = NewAccount {
            username,
            email,
            password: Password::new(generated.as_str()),
            role: role.unwrap_or_else(|| BuiltIn::User.name().to_owned()),
            initial: true,
        };
        let user = self.create(account, actor).await?;
        Ok((user, generated.to_string()))
    }

    /// Creates an account and emits its event.
    ///
    /// # Errors
    /// As [`Accounts::make`].
    pub async fn create(&self, account: NewAccount, actor: Actor<'_>) -> Result<User> {
        let user = self.make(account, actor).await?;
        actor.event(UserAction::Created, user.id).emit();
        Ok(user)
    }

    /// Every account is created here: checks the role and every field, hashes, inserts. The caller
    /// emits the event of its flow; that of the role is emitted here.
    ///
    /// # Errors
    /// [`Error::Forbidden`] when the actor may not grant the role, [`Error::Invalid`],
    /// [`Error::WeakPassword`], [`Error::Several`], [`Error::Taken`], [`Error::Overloaded`].
    pub async fn make(&self, account: NewAccount, actor: Actor<'_>) -> Result<User> {
        let NewAccount {
            username,
            email,
            password,
            role,
            initial,
        } = account;
        actor.check_may_give(&role)?;
        let given = Assignment::everywhere(&role);
        self.check_may_grant(actor, &self.sessions.policies().current(), &given)?;
        let mut faults = Faults::default();
        faults.check(validation::check_username(&username))?;
        let stored_form = faults.check(validation::stored_form(&email))?;
        let email = stored_form.unwrap_or(email);
        faults.check(self.check_password("password", &password, &username, &email))?;
        if role == EVERYONE || !self.store.role_exists(&role).await? {
            faults.check::<()>(Err(Error::Invalid {
                field: "role",
                rule: "must be the name of an existing role".to_owned(),
            }))?;
        }
        faults.result()?;
        let password_hash = self.hash_new("password", password).await?;
        let now = self.clock.now();
        let new = NewUser {
            id: Uuid::now_v7(),
            username,
            email,
            password_hash,
            roles: vec![role.clone()],
            by: actor.id(),
            at: now,
            initial_password_until: initial.then(|| now + self.initial_password_ttl),
        };
        let mut tx = self.store.transaction().await?;
        let made = tx.insert_user(&new).await.map(|user| {
            // Every account gets `user`; another role is granted in addition.
            let given = (role != BuiltIn::User.name())
                .then(|| actor.role_changed(RoleAction::Grant, &role, user.id));
            (user, given)
        });
        let (user, given) = tx.finish(made).await?;
        if let Some(due) = given {
            self.sessions.carry_out(due).await;
        }
        Ok(user)
    }
}
