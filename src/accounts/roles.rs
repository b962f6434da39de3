//! Granting and revoking roles: one rule, one event and one invalidation for every caller.

use uuid::Uuid;

use super::{Accounts, Actor, not_the_probe};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::metrics::{RoleAction, RoleLabel};
use crate::rbac::{BuiltIn, Permission};
use crate::sessions::AfterCommit;

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
    /// Grants a role; granting it twice is not an error.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`].
    pub async fn grant_role(&self, actor: Actor<'_>, user: Uuid, role: &str) -> Result<()> {
        actor.check_may_give(role)?;
        not_the_probe(user)?;
        let at = self.clock.now();
        let mut tx = self.store.transaction().await?;
        let given = tx
            .grant_role(user, role, actor.id(), at)
            .await
            .map(|given| given.then(|| actor.role_changed(RoleAction::Grant, role, user)));
        if let Some(due) = tx.finish(given).await? {
            self.sessions.carry_out(due).await;
        }
        Ok(())
    }

    /// Revokes a role; revoking one that is not held is not an error.
    ///
    /// # Errors
    /// [`Error::NotFound`], and [`Error::Conflict`] for the last administrator.
    pub async fn revoke_role(&self, actor: Actor<'_>, user: Uuid, role: &str) -> Result<()> {
        let mut tx = self.store.transaction().await?;
        let taken = tx
            .revoke_role(user, role, self.clock.now())
            .await
            .map(|taken| taken.then(|| actor.role_changed(RoleAction::Revoke, role, user)));
        if let Some(due) = tx.finish(taken).await? {
            self.sessions.carry_out(due).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::rbac::Authority;
    use crate::sessions::Account;
    use crate::store::User;

    fn account(role: BuiltIn) -> Account {
        let roles = vec![role.name().to_owned()];
        Account {
            authority: Authority::of(&roles),
            user: User {
                id: Uuid::nil(),
                username: "alice".to_owned(),
                email: "alice@example.com".to_owned(),
                disabled: false,
                roles,
                created_at: DateTime::UNIX_EPOCH,
                updated_at: DateTime::UNIX_EPOCH,
                last_login_at: None,
                initial_password_until: None,
            },
        }
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
