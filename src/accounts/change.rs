//! Changing and removing accounts.

use uuid::Uuid;

use super::{Accounts, Actor, validation};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::hashing::Password;
use crate::metrics::UserAction;
use crate::sessions::{Caller, ended_event};
use crate::store::{EndReason, ProfileChange, Tx, User};

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
        let mut tx = self.store.transaction().await?;
        let changed = self.update_in(&mut tx, actor, id, &change).await;
        let (user, ended, events) = tx.finish(changed).await?;
        self.sessions.invalidate_account(id).await;
        self.sessions.invalidate(id, &ended).await;
        events.into_iter().for_each(Event::emit);
        Ok(user)
    }

    /// The changed account, the sessions that end, and what has happened.
    async fn update_in(
        &self,
        tx: &mut Tx,
        actor: Actor<'_>,
        id: Uuid,
        change: &ProfileChange,
    ) -> Result<(User, Vec<Uuid>, Vec<Event>)> {
        let (before, after, ended) = tx.update_user(id, change, self.clock.now()).await?;
        let mut events = Vec::new();
        if before.username != after.username || before.email != after.email {
            events.push(actor.event(UserAction::Updated, id));
        }
        if before.disabled != after.disabled {
            let action = if after.disabled {
                UserAction::Disabled
            } else {
                UserAction::Enabled
            };
            events.push(actor.event(action, id));
        }
        events.extend(ended_event(id, &ended, EndReason::Disabled));
        Ok((after, ended, events))
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
        let mut tx = self.store.transaction().await?;
        let deleted = self.delete_in(&mut tx, actor, id).await;
        let (ended, events) = tx.finish(deleted).await?;
        self.sessions.invalidate_account(id).await;
        self.sessions.invalidate(id, &ended).await;
        events.into_iter().for_each(Event::emit);
        Ok(())
    }

    /// The sessions that end, and what has happened.
    async fn delete_in(
        &self,
        tx: &mut Tx,
        actor: Actor<'_>,
        id: Uuid,
    ) -> Result<(Vec<Uuid>, Vec<Event>)> {
        let ended = tx.delete_user(id, self.clock.now()).await?;
        let mut events = vec![actor.event(UserAction::Deleted, id)];
        events.extend(ended_event(id, &ended, EndReason::Deleted));
        Ok((ended, events))
    }
}
