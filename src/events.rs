//! What happened, as one enum. One function turns an event into its counters and its log line,
//! from one value in one exhaustive match: the two cannot disagree, and no outcome can be skipped.
//!
//! Event names follow the OWASP Logging Vocabulary. Accounts appear by id, never by name or
//! address.

use std::fmt;
use std::future::Future;

use tracing::{debug, info, warn};
use uuid::Uuid;

use crate::metrics::{
    self, Actor, Backend, Grant, LimitDecision, Limiter, LoginMethod, LoginResult, Outcome,
    PasswordChangeResult, RefreshResult, RegistrationResult, ReuseAction, RevocationReason,
    RoleAction, RoleLabel, TokenType, UserAction,
};

/// What identifies the request that is being answered, for every log line written meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct RequestContext {
    /// The request's id.
    pub id: RequestId,
    /// The route's template, as in the metrics.
    pub route: &'static str,
    /// The service's own canary makes it. What it does is not what users do: no counter of theirs
    /// shows it, and the log at `debug` alone.
    pub synthetic: bool,
}

/// A request id: 32 hexadecimal digits, the shape of a W3C trace id, or what the client sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId {
    bytes: [u8; Self::MAX],
    len: u8,
}

impl RequestId {
    const MAX: usize = 64;

    /// An id from a process-wide random prefix and a counter: unique and cheap, not a secret.
    #[must_use]
    pub fn new(prefix: u64, counter: u64) -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut bytes = [0; Self::MAX];
        let value = (u128::from(prefix) << 64) | u128::from(counter);
        for (position, byte) in bytes.iter_mut().take(32).enumerate() {
            *byte = HEX[(value >> (124 - 4 * position)) as usize & 0xf];
        }
        Self { bytes, len: 32 }
    }

    /// A client's own id, if it is 1 to 64 letters, digits, dots, dashes or underscores: anything
    /// else could forge log lines.
    #[must_use]
    pub fn from_client(value: &[u8]) -> Option<Self> {
        let sound = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
        if value.is_empty() || value.len() > Self::MAX || !value.iter().all(sound) {
            return None;
        }
        let mut bytes = [0; Self::MAX];
        bytes[..value.len()].copy_from_slice(value);
        let len = u8::try_from(value.len()).ok()?;
        Some(Self { bytes, len })
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

tokio::task_local! {
    static REQUEST: RequestContext;
}

/// Runs `work` so that every log line in it carries the request's id and route.
pub fn in_request<F: Future>(context: RequestContext, work: F) -> impl Future<Output = F::Output> {
    REQUEST.scope(context, work)
}

/// The request that is being answered by the current task.
#[must_use]
pub fn current_request() -> Option<RequestContext> {
    REQUEST.try_with(|context| *context).ok()
}

/// Whether the canary makes the request that is being answered.
#[must_use]
pub fn is_synthetic() -> bool {
    current_request().is_some_and(|context| context.synthetic)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_hex_and_unique_by_counter() {
        let id = RequestId::new(0xabc, 1);
        assert_eq!(id.as_str(), "0000000000000abc0000000000000001");
        assert_ne!(id, RequestId::new(0xabc, 2));
    }

    #[test]
    fn client_ids_that_could_forge_log_lines_are_refused() {
        assert_eq!(
            RequestId::from_client(b"a-1.b_2").expect("sound").as_str(),
            "a-1.b_2"
        );
        for bad in [
            &b""[..],
            b"a b",
            b"a\nb",
            b"\"",
            &[b'a'; 65],
            "é".as_bytes(),
        ] {
            assert!(RequestId::from_client(bad).is_none(), "{bad:?}");
        }
    }
}
