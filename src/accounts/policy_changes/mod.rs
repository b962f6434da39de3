//! Changing the policy: permissions, roles, and sets of roles that exclude each other.
//!
//! Every change runs under the policy's lock: the stored policy is read, changed in memory, checked as a
//! whole, and what differs is stored. So a single role and a whole file of them follow the same rules.

mod etag;
mod exclusions;
mod file;
mod growth;
mod permissions;
mod roles;
mod usage;

use std::sync::Arc;

use super::Actor;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::metrics::{PolicyAction, PolicyPart};
use crate::policies::{Live, Policies};
use crate::rbac::PolicyFault;
use crate::store::{Store, StoredPolicy, Tx};

pub use self::etag::Precondition;
pub use self::exclusions::ExclusionView;
pub use self::permissions::PermissionView;
pub use self::roles::{RoleChange, RoleView};
pub use self::usage::Idle;

/// Longest description, in characters.
pub const LONGEST_DESCRIPTION: usize = 500;

/// Changes the policy.
pub struct PolicyChanges {
    store: Store,
    policies: Arc<Policies>,
    clock: Clock,
}

/// A change for the log and the metrics.
struct Changed {
    part: PolicyPart,
    action: PolicyAction,
    name: String,
}

/// A change that was made within a transaction.
struct Change {
    changed: Vec<Changed>,
    before: Arc<Live>,
    after: Live,
}

impl PolicyChanges {
    /// Changes the policy in this store, which these policies follow.
    #[must_use]
    pub const fn new(store: Store, policies: Arc<Policies>, clock: Clock) -> Self {
        Self {
            store,
            policies,
            clock,
        }
    }

    /// Changes the policy. `edit` changes the rows and says what it changed.
    ///
    /// # Errors
    /// Those of `edit`; [`Error::Invalid`] and [`Error::Conflict`] for a policy with a fault;
    /// [`Error::Escalation`].
    async fn change<T>(
        &self,
        actor: Actor<'_>,
        edit: impl FnOnce(&Live, &mut StoredPolicy) -> Result<(T, Vec<Changed>)>,
    ) -> Result<T> {
        let mut tx = self.store.transaction().await?;
        let changed = self.change_in(&mut tx, actor, edit).await;
        let (value, change) = tx.finish(changed).await?;
        if let Some(change) = change {
            self.made(actor, change).await;
        }
        Ok(value)
    }

    /// The work due once a change is stored: it is used and reported.
    async fn made(&self, actor: Actor<'_>, change: Change) {
        self.policies.changed(change.after).await;
        for Changed { part, action, name } in change.changed {
            let by = actor.id();
            Event::PolicyChange {
                part,
                action,
                name,
                by,
            }
            .emit();
        }
    }

    async fn change_in<T>(
        &self,
        tx: &mut Tx,
        actor: Actor<'_>,
        edit: impl FnOnce(&Live, &mut StoredPolicy) -> Result<(T, Vec<Changed>)>,
    ) -> Result<(T, Option<Change>)> {
        tx.lock_policy().await?;
        let before = tx.policy().await?;
        let version = before.version.unsigned_abs();
        let live = self.policies.kept();
        let live = if live.snapshot.version() == version {
            live
        } else {
            Arc::new(Live::of(before.clone())?)
        };
        let mut after = before.clone();
        let (value, changed) = edit(&live, &mut after)?;
        if changed.is_empty() {
            return Ok((value, None));
        }
        after.version += 1;
        let next = checked(after.clone())?;
        growth::check(actor, &live, &next, self.clock.micros())?;
        let now = self.clock.now();
        tx.change_policy(&before, &after, now).await?;
        if before.parents != after.parents || before.excluded != after.excluded {
            for name in next.exclusions.keys() {
                if tx.breaks_exclusion(name, now).await? {
                    return Err(Error::Conflict(
                        "an account holds two roles that would exclude each other",
                    ));
                }
            }
        }
        let change = Change {
            changed,
            before: live,
            after: next,
        };
        Ok((value, Some(change)))
    }
}

/// The policy, if it has no fault.
fn checked(stored: StoredPolicy) -> Result<Live> {
    let live = Live::of_change(stored).map_err(|fault| refusal(&fault))?;
    for exclusion in live.exclusions.values() {
        let excluded = |role: &String| {
            let inherited = live.snapshot.inherited([role.as_str()].into_iter());
            let members = exclusion.roles.iter();
            members
                .filter(|member| inherited.contains(&member.as_str()))
                .count()
                > 1
        };
        if live.roles.keys().any(excluded) {
            return Err(Error::Conflict(
                "a role would inherit two roles that exclude each other",
            ));
        }
    }
    Ok(live)
}

/// The error of a policy with a fault.
fn refusal(fault: &PolicyFault) -> Error {
    let invalid = |field, rule: &str| Error::Invalid {
        field,
        rule: rule.to_owned(),
    };
    match fault {
        PolicyFault::Name(_) => invalid(
            "name",
            "must be lower-case letters, digits, `_`, `.` and `-`, up to 63",
        ),
        PolicyFault::Twice(_) => invalid("name", "must be unique"),
        PolicyFault::UnknownParent { .. } => invalid("parents", "must be names of existing roles"),
        PolicyFault::UnknownPermission { .. } => {
            invalid("grants", "must name registered permissions or `resource:*`")
        }
        PolicyFault::Condition(_) => invalid("grants", "have a condition that cannot be read"),
        PolicyFault::Cycle(_) => Error::Conflict("a role would be its own ancestor"),
        PolicyFault::TooDeep(_) => {
            Error::Conflict("roles would inherit over more than 16 generations")
        }
    }
}

/// Checks a description.
fn check_description(text: &str) -> Result<()> {
    let sound = text.chars().count() <= LONGEST_DESCRIPTION && !text.contains(char::is_control);
    if sound {
        Ok(())
    } else {
        Err(Error::Invalid {
            field: "description",
            rule: format!(
                "must be at most {LONGEST_DESCRIPTION} characters without control characters"
            ),
        })
    }
}
