//! Domain events. [`Event::emit`] turns one into its counters and its log line, in one exhaustive
//! match: the two cannot disagree, and no outcome is left out.
//!
//! A file per domain holds how its events are counted and logged; [`names`] lists their names in
//! the log. Accounts appear by id, never by name or address.
//!
//! To add an event: a variant here, a function in the file of its domain, a line in [`names`].

mod access;
mod account;
mod fold;
mod login;
mod session;

pub use self::fold::{end_all_windows, end_windows};
pub use catalogue::event_names as names;

use std::fmt;

use tracing::debug;
use uuid::Uuid;

use crate::metrics::{
    self, Actor, Backend, Grant, Limiter, LoginResult, Outcome, PasswordChangeResult,
    RefreshResult, RegistrationResult, ReuseAction, RevocationReason, RoleAction, RoleLabel,
    TokenType, UserAction, VerificationResult,
};
use crate::request_context::{is_synthetic, note_logged};

/// A domain event.
#[derive(Debug)]
pub enum Event {
    /// A registration ended.
    Registration {
        /// Its outcome.
        result: RegistrationResult,
        /// The new account.
        user: Option<Uuid>,
    },
    /// A login ended.
    Login {
        /// Its outcome.
        result: LoginResult,
        /// The account, if there is one by that name.
        user: Option<Uuid>,
        /// The new session.
        session: Option<Uuid>,
    },
    /// A refresh ended.
    Refresh {
        /// Its outcome.
        result: RefreshResult,
        /// The account, if known.
        user: Option<Uuid>,
        /// The session, if known.
        session: Option<Uuid>,
        /// The action taken for a token that was presented again.
        replay: Option<ReuseAction>,
    },
    /// Sessions were ended before they expired.
    SessionsEnded {
        /// The reason.
        reason: RevocationReason,
        /// Their account.
        user: Uuid,
        /// The number of sessions.
        count: u64,
    },
    /// A change of one's own password ended.
    PasswordChange {
        /// Its outcome.
        result: PasswordChangeResult,
        /// The account.
        user: Uuid,
        /// The new session.
        session: Option<Uuid>,
    },
    /// A stored hash was renewed at login, or could not be.
    Rehash {
        /// Whether it worked.
        outcome: Outcome,
        /// The account.
        user: Uuid,
    },
    /// An account was created, changed or deleted.
    UserChange {
        /// The kind of change.
        action: UserAction,
        /// The kind of actor.
        actor: Actor,
        /// The actor's account; the operator when absent.
        by: Option<Uuid>,
        /// The account that was changed.
        user: Uuid,
    },
    /// A role was granted or revoked.
    RoleChange {
        /// Granted or revoked.
        action: RoleAction,
        /// The role.
        role: RoleLabel,
        /// The actor's account; the operator when absent.
        by: Option<Uuid>,
        /// The account that has or had the role.
        user: Uuid,
    },
    /// The policy was changed.
    PolicyChange {
        /// The part.
        part: metrics::PolicyPart,
        /// The kind of change.
        action: metrics::PolicyAction,
        /// The name of what was changed.
        name: String,
        /// The actor's account; the operator when absent.
        by: Option<Uuid>,
    },
    /// A change was refused that reaches beyond the permissions of its actor.
    Escalation {
        /// The attempt.
        attempt: metrics::Escalation,
        /// A permission that the actor lacks.
        permission: String,
        /// The actor's account.
        by: Uuid,
    },
    /// A rate limit refused a request.
    RateLimited {
        /// The limit.
        limiter: Limiter,
        /// Whether it counts by source or by account.
        dimension: &'static str,
        /// Where it is counted.
        backend: Backend,
    },
    /// The guard refused a request for a missing permission.
    Denied {
        /// The permission.
        permission: &'static str,
        /// The account.
        user: Uuid,
    },
    /// The policy refused a request of a proxy.
    ForwardDenied(Forwarded),
    /// The guard refused an access token.
    TokenRefused {
        /// Why.
        reason: VerificationResult,
    },
    /// A request was refused, and no other event says so.
    Refused {
        /// The code of its problem, or RFC 6749's.
        reason: &'static str,
    },
}

/// A request that a proxy holds, of a caller that lacks the permission.
#[derive(Debug)]
pub struct Forwarded {
    /// The permission.
    pub permission: String,
    /// The account.
    pub user: Uuid,
    /// Its method, if a trusted proxy says so.
    pub method: Option<String>,
    /// Its path, if a trusted proxy says so.
    pub path: Option<String>,
}

impl Event {
    /// Counts and logs the event; only logs it, at `debug`, for the synthetic probe.
    pub fn emit(self) {
        if is_synthetic() {
            debug!(what = ?self, "synthetic probe");
            return;
        }
        note_logged();
        match self {
            Self::Registration { result, user } => account::registration(result, user),
            Self::Login {
                result,
                user,
                session,
            } => login::login(result, user, session),
            Self::Refresh {
                result,
                user,
                session,
                replay,
            } => session::refresh(result, user, session, replay),
            Self::SessionsEnded {
                reason,
                user,
                count,
            } => session::ended(reason, user, count),
            Self::PasswordChange {
                result,
                user,
                session,
            } => login::password_change(result, user, session),
            Self::Rehash { outcome, user } => login::rehash(outcome, user),
            Self::UserChange {
                action,
                actor,
                by,
                user,
            } => account::change(action, actor, by, user),
            Self::RoleChange {
                action,
                role,
                by,
                user,
            } => account::role(action, role, by, user),
            Self::PolicyChange {
                part,
                action,
                name,
                by,
            } => account::policy(part, action, &name, by),
            Self::Escalation {
                attempt,
                permission,
                by,
            } => access::escalation(attempt, &permission, by),
            Self::RateLimited {
                limiter,
                dimension,
                backend,
            } => access::rate_limited(limiter, dimension, backend),
            Self::Denied { permission, user } => access::denied(permission, user),
            Self::ForwardDenied(forwarded) => access::forward_denied(&forwarded),
            Self::TokenRefused { reason } => access::token_refused(reason),
            Self::Refused { reason } => access::refused(reason),
        }
    }
}

/// Counts an access token and a refresh token.
fn issued(grant: Grant) {
    metrics::TOKENS_ISSUED.inc((TokenType::Access, grant));
    metrics::TOKENS_ISSUED.inc((TokenType::Refresh, grant));
}

/// An id as a log field, `-` when absent.
struct Id(Option<Uuid>);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(id) => id.fmt(f),
            None => f.write_str("-"),
        }
    }
}
