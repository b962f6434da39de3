//! Changing and deleting accounts.

use uuid::Uuid;

use super::{Accounts, Actor, not_the_probe, validation};
use crate::error::{Error, Faults, Result};
use crate::hashing::Password;
use crate::limits::Source;
use crate::metrics::UserAction;
use crate::sessions::{AfterCommit, Caller};
use crate::store::{EndReason, ProfileChange, Tx, User};

impl Accounts {
    /// Changes an account. Disabling ends its sessions at once.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`], [`Error::Several`], [`Error::Taken`], and
    /// [`Error::Conflict`] for disabling the last administrator.
    pub async fn update(
        &self,
        actor: Actor<'_>,
        id: Uuid,
        mut change: ProfileChange,
    ) -> Result<User> {
        if change.username.is_some() || change.email.is_some() {
            not_the_probe(id)?;
        }
        let mut faults = Faults::default();
        check_names(&mut faults, &mut change)?;
        faults.result()?;
        let mut tx = self.store.transaction().await?;
        let changed = self.update_in(&mut tx, actor, id, &change).await;
        let (user, due) = tx.finish(changed).await?;
        self.sessions.carry_out(due).await;
        Ok(user)
    }

    /// The changed account, and the work due after the commit.
    async fn update_in(
        &self,
        tx: &mut Tx,
        actor: Actor<'_>,
        id: Uuid,
        change: &ProfileChange,
    ) -> Result<(User, AfterCommit)> {
        self.check_reach(tx, actor, id).await?;
        let (before, after, ended) = tx.update_user(id, change, self.clock.now()).await?;
        let mut due = AfterCommit::of(id).account_changed();
        if before.username != after.username || before.email != after.email {
            due = due.event(actor.event(UserAction::Updated, id));
        }
        if before.disabled != after.disabled {
            let action = if after.disabled {
                UserAction::Disabled
            } else {
                UserAction::Enabled
            };
            due = due.event(actor.event(action, id));
        }
        Ok((after, due.sessions_ended(ended, EndReason::Disabled)))
    }

    /// Changes the caller's own account. A new username or e-mail address needs the current password:
    /// both are login names, and control of the address can lead to account takeover (ASVS 7.5.1). The
    /// response reveals which names and addresses are taken, so the change is rate limited like a
    /// registration.
    ///
    /// # Errors
    /// As [`Accounts::update`], and [`Error::WrongPassword`], [`Error::RateLimited`].
    pub async fn update_own(
        &self,
        caller: &Caller,
        source: &Source,
        mut change: ProfileChange,
        current_password: Option<Password>,
    ) -> Result<User> {
        let mut faults = Faults::default();
        check_names(&mut faults, &mut change)?;
        let own = &caller.account.user;
        let username = change.username.as_deref();
        let username = username.filter(|username| *username != own.username);
        let email = change.email.as_deref();
        let email = email.filter(|email| *email != own.email);
        let current = if username.is_some() || email.is_some() {
            let what = "is needed to change the username or the e-mail address";
            faults.check(needed(current_password, what))?
        } else {
            None
        };
        faults.result()?;
        if let Some(current) = current {
            self.limits.profile(source, own.id, username, email).await?;
            self.prove_password(own.id, current).await?;
        }
        self.update(Actor::Owner(&caller.account), own.id, change)
            .await
    }

    /// Deletes the caller's own account. Needs the current password.
    ///
    /// # Errors
    /// As [`Accounts::delete`], and [`Error::Invalid`], [`Error::WrongPassword`],
    /// [`Error::RateLimited`].
    pub async fn delete_own(
        &self,
        caller: &Caller,
        current_password: Option<Password>,
    ) -> Result<()> {
        let current = needed(current_password, "is needed to delete the account")?;
        self.prove_password(caller.id(), current).await?;
        self.delete(Actor::Owner(&caller.account), caller.id())
            .await
    }

    /// Deletes an account and everything that belongs to it.
    ///
    /// # Errors
    /// [`Error::NotFound`], and [`Error::Conflict`] for the last administrator.
    pub async fn delete(&self, actor: Actor<'_>, id: Uuid) -> Result<()> {
        let mut tx = self.store.transaction().await?;
        let deleted = self.delete_in(&mut tx, actor, id).await;
        let due = tx.finish(deleted).await?;
        self.sessions.carry_out(due).await;
        Ok(())
    }

    /// The work due after the commit.
    async fn delete_in(&self, tx: &mut Tx, actor: Actor<'_>, id: Uuid) -> Result<AfterCommit> {
        self.check_reach(tx, actor, id).await?;
        let ended = tx.delete_user(id, self.clock.now()).await?;
        Ok(AfterCommit::of(id)
            .account_changed()
            .event(actor.event(UserAction::Deleted, id))
            .sessions_ended(ended, EndReason::Deleted))
    }
}

impl Accounts {
    /// Checks that an administrator holds everything that the account does.
    pub(super) async fn check_reach(&self, tx: &mut Tx, actor: Actor<'_>, id: Uuid) -> Result<()> {
        match actor {
            Actor::Admin(actor) => self.sessions.check_reach(actor, &tx.user(id).await?),
            Actor::Stranger | Actor::Owner(_) | Actor::Operator => Ok(()),
        }
    }
}

/// Checks a new username and e-mail address, and brings the address into the form that is stored.
fn check_names(faults: &mut Faults, change: &mut ProfileChange) -> Result<()> {
    if let Some(username) = &change.username {
        faults.check(validation::check_username(username))?;
    }
    if let Some(email) = &mut change.email
        && let Some(stored) = faults.check(validation::stored_form(email))?
    {
        *email = stored;
    }
    Ok(())
}

/// The current password of a request that needs it.
fn needed(current_password: Option<Password>, rule: &str) -> Result<Password> {
    current_password.ok_or_else(|| Error::Invalid {
        field: "current_password",
        rule: rule.to_owned(),
    })
}
