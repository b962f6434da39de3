//! What accounts hold: their roles and the permissions that follow.

use uuid::Uuid;

use super::Accounts;
use crate::error::Result;
use crate::rbac::{Assignment, Effective, Permission, Scope};
use crate::sessions::Caller;
use crate::store::User;

/// Most permissions that are listed for one account.
const MOST: usize = 2000;

impl Accounts {
    /// The assignments of an account that hold now.
    ///
    /// # Errors
    /// [`crate::error::Error::NotFound`].
    pub async fn assignments(&self, id: Uuid) -> Result<Vec<Assignment>> {
        let mut assignments = self.user(id).await?.assignments();
        let now = self.clock.micros();
        assignments.retain(|given| given.lives(now));
        Ok(assignments)
    }

    /// What an account may do, and whether there is more than is listed.
    #[must_use]
    pub fn permissions_of(&self, user: &User) -> (Vec<Effective>, bool) {
        let live = self.sessions.policies().current();
        let now = self.clock.micros();
        live.snapshot.effective_of(&user.assignments(), now, MOST)
    }

    /// What a caller may do with the token of this request.
    #[must_use]
    pub fn own_permissions(&self, caller: &Caller) -> (Vec<Effective>, bool) {
        let account = &caller.account;
        let (mut held, truncated) = self.permissions_of(&account.user);
        if account.scope != Scope::EVERYTHING {
            // A scope names permissions of this service only.
            let allowed = |name: &str| {
                let mut all = Permission::ALL.iter();
                all.any(|own| own.name() == name && account.authority.allows(*own))
            };
            held.retain(|held| allowed(&held.permission));
        }
        (held, truncated)
    }
}
