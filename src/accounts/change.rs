//! Changing and removing accounts.

use uuid::Uuid;

use super::{Accounts, Actor, validation};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::hashing::Password;
use crate::metrics::{RevocationReason, UserAction};
use crate::sessions::Caller;
use crate::store::{ProfileChange, User};

impl Accounts {
    /// Changes an account. Disabling ends its sessions at once.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`], [`Error::Taken`], and [`Error::Conflict`] when the
    /// last administrator would be disabled.
    pub async fn update(&self, actor: Actor<'_>, id: Uuid, change: ProfileChange) -> Result<User> {
        if let Some(username) = &change.username {
            validation::check_username(username)?;
        }
        if let Some(email) = &change.email {
            validation::check_email(email)?;
        }
        let (before, after, ended) = self
            .store
            .update_user(id, &change, self.clock.now())
            .await?;
        self.sessions.invalidate_account(id).await;
        if before.username != after.username || before.email != after.email {
            changed(UserAction::Updated, actor, id);
        }
        if before.disabled != after.disabled {
            let action = if after.disabled {
                UserAction::Disabled
            } else {
                UserAction::Enabled
            };
            changed(action, actor, id);
            let reason = RevocationReason::Disabled;
            self.sessions.ended(id, &ended, reason).await;
        }
        Ok(after)
    }

    /// Changes the caller's own account. Another e-mail address takes the current password: it
    /// receives the account's mail, so whoever sets it can take the account over (ASVS 7.5.1).
    ///
    /// # Errors
    /// As [`Accounts::update`], and [`Error::WrongPassword`], [`Error::RateLimited`].
    pub async fn update_own(
        &self,
        caller: &Caller,
        change: ProfileChange,
        current_password: Option<Password>,
    ) -> Result<User> {
        let own = &caller.account.user;
        let another = |email: &String| *email != own.email;
        if change.email.as_ref().is_some_and(another) {
            let current = current_password.ok_or_else(|| Error::Invalid {
                field: "current_password",
                rule: "is needed to change the e-mail address".to_owned(),
            })?;
            self.prove_password(own.id, current).await?;
        }
        self.update(Actor::Owner(&caller.account), own.id, change)
            .await
    }

    /// Removes an account and everything that belongs to it.
    ///
    /// # Errors
    /// [`Error::NotFound`], and [`Error::Conflict`] for the last administrator.
    pub async fn delete(&self, actor: Actor<'_>, id: Uuid) -> Result<()> {
        let ended = self.store.delete_user(id, self.clock.now()).await?;
        self.sessions.invalidate_account(id).await;
        let reason = RevocationReason::Deleted;
        self.sessions.ended(id, &ended, reason).await;
        changed(UserAction::Deleted, actor, id);
        Ok(())
    }
}

fn changed(action: UserAction, actor: Actor<'_>, user: Uuid) {
    Event::UserChange {
        action,
        actor: actor.label(),
        by: actor.id(),
        user,
    }
    .emit();
}
