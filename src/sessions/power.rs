//! What accounts may do by the live policy, and that none reaches beyond that.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Account, KnownAccount, Sessions};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::metrics::Escalation;
use crate::policies::{Live, Policies, Power};
use crate::rbac::{Assignment, Authority, Permission, Scope};
use crate::store::User;

impl Account {
    /// What it may do by this policy in its session, at a time in microseconds since 1970.
    #[must_use]
    pub fn power_by(&self, live: &Live, now: i64) -> Power {
        let Power { authority, held } = live.power(&self.user.assignments(), now);
        Power {
            authority: authority.within(self.scope),
            held: if self.scope == Scope::EVERYTHING {
                held
            } else {
                Arc::new(held.emptied())
            },
        }
    }
}

impl Sessions {
    /// The live policy.
    #[must_use]
    pub const fn policies(&self) -> &Arc<Policies> {
        &self.policies
    }

    /// An account, by the caches of principals.
    ///
    /// # Errors
    /// When it is not cached and the database does not answer.
    pub async fn account(&self, id: Uuid) -> Result<KnownAccount> {
        let now = self.clock.now();
        self.principals.account(&self.store, id, now).await
    }

    /// Notes the grant by which an account did something at this service.
    pub(super) fn note_use(&self, account: &Account, permission: Permission, now: DateTime<Utc>) {
        let live = self.policies.current();
        // A session of a narrow scope does not know its roles' grants.
        if account
            .held
            .is_current(&live.snapshot, now.timestamp_micros())
        {
            live.snapshot.note_built_in(&account.held, permission);
        }
    }

    /// What an account may do at this service, at this time.
    #[must_use]
    pub fn authority(&self, user: &User, at: DateTime<Utc>) -> Authority {
        let live = self.policies.current();
        let power = live.power(&user.assignments(), at.timestamp_micros());
        power.authority
    }

    /// Checks that an account holds everything that another one does, so that it may administer it. Accounts
    /// that may grant what they do not hold may administer any.
    ///
    /// # Errors
    /// [`Error::Escalation`].
    pub fn check_reach(&self, actor: &Account, user: &User) -> Result<()> {
        if actor.user.id == user.id {
            return Ok(());
        }
        let live = self.policies.current();
        let attempt = Escalation::ActOnAccount;
        self.check_within(actor, &live, &user.assignments(), attempt)
    }

    /// Checks that an account holds everything that this assignment gives.
    ///
    /// # Errors
    /// [`Error::Escalation`].
    pub fn check_may_grant(&self, actor: &Account, live: &Live, given: &Assignment) -> Result<()> {
        let given = std::slice::from_ref(given);
        self.check_within(actor, live, given, Escalation::GrantRole)
    }

    fn check_within(
        &self,
        actor: &Account,
        live: &Live,
        assignments: &[Assignment],
        attempt: Escalation,
    ) -> Result<()> {
        let now = self.clock.micros();
        let own = actor.power_by(live, now);
        if own.authority.allows(Permission::RolesAssignAny) {
            return Ok(());
        }
        let other = live.power(assignments, now).held;
        let beyond = live.snapshot.beyond(&own.authority, &own.held, &other);
        beyond.map_or(Ok(()), |permission| {
            Err(escalation(actor, attempt, permission))
        })
    }
}

/// Reports an attempt of an account to reach beyond its own permissions, and gives the error for it.
pub fn escalation(actor: &Account, attempt: Escalation, permission: &str) -> Error {
    Event::Escalation {
        attempt,
        permission: permission.to_owned(),
        by: actor.user.id,
    }
    .emit();
    Error::Escalation {
        permission: permission.to_owned(),
    }
}
