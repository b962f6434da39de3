//! Events of credentials: login, change of one's own password, renewed hashes.

use tracing::info;
use uuid::Uuid;

use super::{Id, access, fold, issued, names};
use crate::metrics::{self, Grant, LoginMethod, LoginResult, Outcome, PasswordChangeResult};

pub(super) fn login(result: LoginResult, user: Option<Uuid>, session: Option<Uuid>) {
    metrics::LOGINS.inc((LoginMethod::Password, result));
    if result == LoginResult::Success {
        issued(Grant::Password);
        info!(event = names::LOGIN, user = %Id(user), session = %Id(session), "login");
    } else if result == LoginResult::ForeignOrigin {
        // Not as a refused login: the address is a victim's, and must not be blocked for it.
        access::refused(access::FOREIGN_ORIGIN);
    } else if result != LoginResult::RateLimited {
        let reason = result.word();
        if let Some(refusals) = fold::refusal(names::LOGIN_REFUSED, reason) {
            info!(event = names::LOGIN_REFUSED, reason, refusals, user = %Id(user), "login refused");
        }
    }
}

pub(super) fn password_change(result: PasswordChangeResult, user: Uuid, session: Option<Uuid>) {
    metrics::PASSWORD_CHANGES.inc(result);
    if result == PasswordChangeResult::Success {
        issued(Grant::PasswordChange);
    }
    let word = result.word();
    let lines = match result {
        PasswordChangeResult::RateLimited => None,
        PasswordChangeResult::Success => Some(1),
        _ => fold::refusal(names::PASSWORD_CHANGE, word),
    };
    if let Some(times) = lines {
        info!(event = names::PASSWORD_CHANGE, result = word, times, user = %user, session = %Id(session), "password change");
    }
}

pub(super) fn rehash(outcome: Outcome, user: Uuid) {
    metrics::HASH_REHASHES.inc(outcome);
    info!(event = names::REHASH, outcome = outcome.word(), user = %user, "password rehash");
}
