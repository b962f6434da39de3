//! Events of refused access: rate limits, missing permissions, tokens, and whatever else is refused.

use tracing::{info, warn};
use uuid::Uuid;

use super::{Forwarded, fold, names};
use crate::metrics::{self, Backend, LimitDecision, Limiter, VerificationResult};

/// The reason for a refusal of a page of a foreign origin, as in the code of its problem.
pub(super) const FOREIGN_ORIGIN: &str = "foreign-origin";

pub(super) fn rate_limited(limiter: Limiter, dimension: &'static str, backend: Backend) {
    metrics::RATE_LIMITS.inc((limiter, (LimitDecision::Deny, backend)));
    let limiter = limiter.word();
    if let Some(refusals) = fold::refusal(names::RATE_LIMITED, limiter) {
        info!(
            event = names::RATE_LIMITED,
            limiter, dimension, refusals, "rate limit exceeded"
        );
    }
}

pub(super) fn denied(permission: &'static str, user: Uuid) {
    if let Some(refusals) = fold::refusal(names::DENIED, permission) {
        info!(event = names::DENIED, permission, refusals, user = %user, "permission denied");
    }
}

pub(super) fn forward_denied(forwarded: &Forwarded) {
    let Forwarded {
        permission,
        user,
        method,
        path,
    } = forwarded;
    // One for all permissions: they are as many as the policy has.
    if let Some(refusals) = fold::refusal(names::DENIED, "forward") {
        let (method, path) = (method.as_deref(), path.as_deref());
        info!(
            event = names::DENIED,
            permission, refusals, user = %user, method, path, "permission denied by forward authentication"
        );
    }
}

pub(super) fn escalation(attempt: metrics::Escalation, permission: &str, by: Uuid) {
    metrics::ESCALATIONS_REFUSED.inc(attempt);
    let attempt = attempt.word();
    if let Some(refusals) = fold::refusal(names::ESCALATION, attempt) {
        warn!(event = names::ESCALATION, attempt, permission, refusals, by = %by, "escalation refused");
    }
}

pub(super) fn token_refused(reason: VerificationResult) {
    let reason = reason.word();
    if let Some(refusals) = fold::refusal(names::TOKEN_REFUSED, reason) {
        info!(
            event = names::TOKEN_REFUSED,
            reason, refusals, "access token refused"
        );
    }
}

pub(super) fn refused(reason: &'static str) {
    if let Some(refusals) = fold::refusal(names::REQUEST_REFUSED, reason) {
        info!(
            event = names::REQUEST_REFUSED,
            reason, refusals, "request refused"
        );
    }
}
