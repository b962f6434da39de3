//! Assigning and revoking roles: one rule, one event and one invalidation for every caller.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Accounts, Actor, not_the_probe};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::metrics::{RoleAction, RoleLabel};
use crate::policies::Live;
use crate::rbac::{Assignment, BuiltIn, EVERYONE, Permission, Reach};
use crate::sessions::AfterCommit;
use crate::store::Tx;

impl Actor<'_> {
    /// Checks that the actor may grant this role: the operator and accounts with `roles:assign` may
    /// grant any, others only `user`, which each new account gets.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub(super) fn check_may_give(&self, role: &str) -> Result<()> {
        let permission = Permission::RolesAssign;
        let may = match self {
            Self::Operator => true,
            Self::Stranger => false,
            Self::Owner(account) | Self::Admin(account) => account.authority.allows(permission),
        };
        if may || role == BuiltIn::User.name() {
            Ok(())
        } else {
            Err(Error::Forbidden(permission.name()))
        }
    }

    /// The work due after a role of this account changed.
    pub(super) fn role_changed(&self, action: RoleAction, role: &str, user: Uuid) -> AfterCommit {
        AfterCommit::of(user)
            .account_changed()
            .event(Event::RoleChange {
                action,
                role: BuiltIn::parse(role).map_or(RoleLabel::Custom, BuiltIn::label),
                by: self.id(),
                user,
            })
    }
}

impl Accounts {
    /// Assigns a role; assigning it twice is not an error. An assignment of the same reach gets the new end.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`], [`Error::Escalation`], [`Error::Invalid`] for an end in the
    /// past, and [`Error::Conflict`] where roles exclude each other, and for an end of the last administrator.
    pub async fn assign_role(
        &self,
        actor: Actor<'_>,
        user: Uuid,
        given: &Assignment,
    ) -> Result<()> {
        actor.check_may_give(&given.role)?;
        not_the_probe(user)?;
        let now = self.clock.now();
        if !given.lives(now.timestamp_micros()) {
            return Err(Error::Invalid {
                field: "expires_at",
                rule: "must be in the future".to_owned(),
            });
        }
        if given.role == EVERYONE {
            return Err(Error::Conflict(
                "everybody has this role: nobody is given it",
            ));
        }
        let mut tx = self.store.transaction().await?;
        let assigned = self.assign_in(&mut tx, actor, user, given, now).await;
        if let Some(due) = tx.finish(assigned).await? {
            self.sessions.carry_out(due).await;
        }
        Ok(())
    }

    /// Checks that the actor holds everything that the assignment gives. Everybody may give `user`, which
    /// each account has.
    pub(super) fn check_may_grant(
        &self,
        actor: Actor<'_>,
        live: &Live,
        given: &Assignment,
    ) -> Result<()> {
        match actor {
            Actor::Admin(actor) | Actor::Owner(actor) if given.role != BuiltIn::User.name() => {
                self.sessions.check_may_grant(actor, live, given)
            }
            _ => Ok(()),
        }
    }

    /// The work due after the commit, if anything changed.
    async fn assign_in(
        &self,
        tx: &mut Tx,
        actor: Actor<'_>,
        user: Uuid,
        given: &Assignment,
        now: DateTime<Utc>,
    ) -> Result<Option<AfterCommit>> {
        // Under the lock nobody changes what the role grants or which roles exclude each other.
        let version = tx.lock_policy().await?;
        let live = self.sessions.policies().at_least(version).await?;
        self.check_reach(tx, actor, user).await?;
        self.check_may_grant(actor, &live, given)?;
        if !tx.assign_role(user, given, actor.id(), now).await? {
            return Ok(None);
        }
        let after = tx.user(user).await?;
        if live.is_excluded(&after.assignments(), now.timestamp_micros()) {
            return Err(Error::Conflict(
                "the account would have two roles that exclude each other",
            ));
        }
        let due = actor.role_changed(RoleAction::Grant, &given.role, user);
        Ok(Some(due))
    }

    /// Revokes a role, or its assignments of this reach; revoking one that is not held is not an error.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Escalation`], and [`Error::Conflict`] for the last administrator.
    pub async fn revoke_role(
        &self,
        actor: Actor<'_>,
        user: Uuid,
        role: &str,
        reach: Option<&Reach>,
    ) -> Result<()> {
        let mut tx = self.store.transaction().await?;
        let taken = self.revoke_in(&mut tx, actor, user, role, reach).await;
        if let Some(due) = tx.finish(taken).await? {
            self.sessions.carry_out(due).await;
        }
        Ok(())
    }

    async fn revoke_in(
        &self,
        tx: &mut Tx,
        actor: Actor<'_>,
        user: Uuid,
        role: &str,
        reach: Option<&Reach>,
    ) -> Result<Option<AfterCommit>> {
        self.check_reach(tx, actor, user).await?;
        let taken = tx.revoke_role(user, role, reach, self.clock.now()).await?;
        Ok(taken.then(|| actor.role_changed(RoleAction::Revoke, role, user)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::policies::Live;
    use crate::sessions::Account;
    use crate::store::{StoredPolicy, User};

    fn account(role: BuiltIn) -> Arc<Account> {
        let user = User {
            id: Uuid::nil(),
            username: "alice".to_owned(),
            email: "alice@example.com".to_owned(),
            disabled: false,
            roles: vec![role.name().to_owned()],
            limited_roles: Vec::new(),
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            last_login_at: None,
            initial_password_until: None,
        };
        let live = Live::of(StoredPolicy::default()).expect("the built-in policy");
        Account::of(user, &live, 0)
    }

    #[test]
    fn role_other_than_user_takes_the_permission_to_assign() {
        let (admin, user) = (account(BuiltIn::Admin), account(BuiltIn::User));
        for (actor, may) in [
            (Actor::Stranger, false),
            (Actor::Owner(&user), false),
            (Actor::Admin(&user), false),
            (Actor::Owner(&admin), true),
            (Actor::Admin(&admin), true),
            (Actor::Operator, true),
        ] {
            for role in ["admin", "auditor", ""] {
                let given = actor.check_may_give(role);
                assert_eq!(given.is_ok(), may, "{actor:?} gives {role:?}");
                if let Err(error) = given {
                    assert!(matches!(error, Error::Forbidden("roles:assign")), "{error}");
                }
            }
            assert!(actor.check_may_give("user").is_ok(), "{actor:?}");
        }
    }
}
