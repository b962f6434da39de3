//! What happened, as one enum. One function turns an event into its counters and its log line,
//! from one value in one exhaustive match: the two cannot disagree, and no outcome can be skipped.
//!
//! Event names follow the OWASP Logging Vocabulary. Accounts appear by id, never by name or
//! address.

use std::fmt;

use tracing::{debug, info, warn};
use uuid::Uuid;

use crate::metrics::{
    self, Actor, Backend, Grant, LimitDecision, Limiter, LoginMethod, LoginResult, Outcome,
    PasswordChangeResult, RefreshResult, RegistrationResult, ReuseAction, RevocationReason,
    RoleAction, RoleLabel, TokenType, UserAction,
};
use crate::request_context::is_synthetic;

/// Something that happened in the domain.
#[derive(Debug)]
pub enum Event {
    /// A registration ended.
    Registration {
        /// How.
        result: RegistrationResult,
        /// The new account.
        user: Option<Uuid>,
    },
    /// A login ended.
    Login {
        /// How.
        result: LoginResult,
        /// The account, where there is one.
        user: Option<Uuid>,
        /// The session, if one was started.
        session: Option<Uuid>,
    },
    /// A refresh ended.
    Refresh {
        /// How.
        result: RefreshResult,
        /// The account, where it is known.
        user: Option<Uuid>,
        /// The family, where it is known.
        session: Option<Uuid>,
        /// The previous token came again within the grace period.
        replay: bool,
    },
    /// Sessions were ended before their time.
    SessionsEnded {
        /// Why.
        reason: RevocationReason,
        /// Whose.
        user: Uuid,
        /// How many.
        count: u64,
    },
    /// A change of one's own password ended.
    PasswordChange {
        /// How.
        result: PasswordChangeResult,
        /// Whose.
        user: Uuid,
    },
    /// A stored hash was renewed at login, or could not be.
    Rehash {
        /// Whether it worked.
        outcome: Outcome,
        /// Whose.
        user: Uuid,
    },
    /// An account was made, changed or removed.
    UserChange {
        /// What was done.
        action: UserAction,
        /// By what kind of actor.
        actor: Actor,
        /// By whom.
        by: Option<Uuid>,
        /// To whom.
        user: Uuid,
    },
    /// A role was given or taken.
    RoleChange {
        /// Which of the two.
        action: RoleAction,
        /// Which role.
        role: RoleLabel,
        /// By whom; the operator when absent.
        by: Option<Uuid>,
        /// To or from whom.
        user: Uuid,
    },
    /// A rate limit refused a request.
    RateLimited {
        /// Which.
        limiter: Limiter,
        /// What it counts by.
        dimension: &'static str,
        /// Where.
        backend: Backend,
        /// For how many refusals to write a line: whoever floods the service shall not flood the
        /// log. The flow that was refused writes none of its own.
        line: Option<u64>,
    },
    /// The guard refused a caller.
    Denied {
        /// The permission that was missing.
        permission: &'static str,
        /// Whom.
        user: Uuid,
    },
}

impl Event {
    /// Counts and logs the event.
    pub fn emit(self) {
        if is_synthetic() {
            debug!(what = ?self, "canary");
            return;
        }
        match self {
            Self::Registration { result, user } => {
                metrics::REGISTRATIONS.inc(result);
                if result == RegistrationResult::Success {
                    info!(event = "user_created", user = %Id(user), "registration");
                } else if result != RegistrationResult::RateLimited {
                    info!(
                        event = "user_create_fail",
                        reason = result.word(),
                        "registration refused"
                    );
                }
            }
            Self::Login {
                result,
                user,
                session,
            } => {
                metrics::LOGINS.inc((LoginMethod::Password, result));
                if result == LoginResult::Success {
                    issued(Grant::Password);
                    info!(event = "authn_login_success", user = %Id(user), session = %Id(session), "login");
                } else if result != LoginResult::RateLimited {
                    info!(event = "authn_login_fail", reason = result.word(), user = %Id(user), "login refused");
                }
            }
            Self::Refresh {
                result,
                user,
                session,
                replay,
            } => refreshed(result, user, session, replay),
            Self::SessionsEnded {
                reason,
                user,
                count,
            } => {
                metrics::TOKENS_REVOKED.with(reason).increment(count);
                info!(event = "session_ended", reason = reason.word(), user = %user, count, "sessions ended");
            }
            Self::PasswordChange { result, user } => {
                metrics::PASSWORD_CHANGES.inc(result);
                if result != PasswordChangeResult::RateLimited {
                    info!(event = "authn_password_change", result = result.word(), user = %user, "password change");
                }
            }
            Self::Rehash { outcome, user } => {
                metrics::HASH_REHASHES.inc(outcome);
                info!(event = "authn_password_rehash", outcome = outcome.word(), user = %user, "password rehash");
            }
            Self::UserChange {
                action,
                actor,
                by,
                user,
            } => {
                metrics::USER_CHANGES.inc((action, actor));
                info!(event = "user_changed", action = action.word(), actor = actor.word(), by = %Id(by), user = %user, "account changed");
            }
            Self::RoleChange {
                action,
                role,
                by,
                user,
            } => {
                metrics::ROLE_CHANGES.inc((action, role));
                info!(event = "authz_change", action = action.word(), role = role.word(), by = %Id(by), user = %user, "role changed");
            }
            Self::RateLimited {
                limiter,
                dimension,
                backend,
                line,
            } => rate_limited(limiter, dimension, backend, line),
            Self::Denied { permission, user } => {
                info!(event = "authz_fail", permission, user = %user, "permission denied");
            }
        }
    }
}

fn refreshed(result: RefreshResult, user: Option<Uuid>, session: Option<Uuid>, replay: bool) {
    metrics::REFRESHES.inc(result);
    if replay {
        metrics::REFRESH_REUSE.inc(ReuseAction::GraceReplay);
    }
    match result {
        RefreshResult::Success => {
            issued(Grant::Refresh);
            info!(event = "authn_token_refreshed", user = %Id(user), session = %Id(session), replay, "refresh");
        }
        RefreshResult::Reused => {
            metrics::REFRESH_REUSE.inc(ReuseAction::FamilyRevoked);
            warn!(event = "authn_token_reuse", user = %Id(user), session = %Id(session),
                "a used refresh token came again: its family was ended");
        }
        RefreshResult::RateLimited => {}
        _ => {
            info!(event = "authn_token_refresh_fail", reason = result.word(), user = %Id(user), "refresh refused");
        }
    }
}

fn rate_limited(limiter: Limiter, dimension: &'static str, backend: Backend, line: Option<u64>) {
    metrics::RATE_LIMITS.inc((limiter, (LimitDecision::Deny, backend)));
    let limiter = limiter.word();
    if let Some(refusals) = line {
        info!(
            event = "excess_rate_limit_exceeded",
            limiter, dimension, refusals, "rate limit exceeded"
        );
    }
}

fn issued(grant: Grant) {
    metrics::TOKENS_ISSUED.inc((TokenType::Access, grant));
    metrics::TOKENS_ISSUED.inc((TokenType::Refresh, grant));
}

/// An id that may be absent, as a log field.
struct Id(Option<Uuid>);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(id) => id.fmt(f),
            None => f.write_str("-"),
        }
    }
}
