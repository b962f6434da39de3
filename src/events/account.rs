//! Events of accounts: registration, changes, roles.

use tracing::info;
use uuid::Uuid;

use super::{Id, fold, names};
use crate::metrics::{
    self, Actor, PolicyAction, PolicyPart, RegistrationResult, RoleAction, RoleLabel, UserAction,
};

pub(super) fn registration(result: RegistrationResult, user: Option<Uuid>) {
    metrics::REGISTRATIONS.inc(result);
    if result == RegistrationResult::Success {
        info!(event = names::REGISTRATION, user = %Id(user), "registration");
    } else if result != RegistrationResult::RateLimited {
        let reason = result.word();
        if let Some(refusals) = fold::refusal(names::REGISTRATION_REFUSED, reason) {
            info!(
                event = names::REGISTRATION_REFUSED,
                reason, refusals, "registration refused"
            );
        }
    }
}

pub(super) fn change(action: UserAction, actor: Actor, by: Option<Uuid>, user: Uuid) {
    metrics::USER_CHANGES.inc((action, actor));
    info!(event = names::USER_CHANGE, action = action.word(), actor = actor.word(), by = %Id(by), user = %user, "account changed");
}

pub(super) fn policy(part: PolicyPart, action: PolicyAction, name: &str, by: Option<Uuid>) {
    metrics::POLICY_CHANGES.inc((part, action));
    info!(event = names::POLICY_CHANGE, part = part.word(), action = action.word(), name, by = %Id(by), "policy changed");
}

pub(super) fn role(action: RoleAction, role: RoleLabel, by: Option<Uuid>, user: Uuid) {
    metrics::ROLE_CHANGES.inc((action, role));
    info!(event = names::ROLE_CHANGE, action = action.word(), role = role.word(), by = %Id(by), user = %user, "role changed");
}
