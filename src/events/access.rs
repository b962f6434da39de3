//! Events of refused access: rate limits and missing permissions.

use tracing::info;
use uuid::Uuid;

use super::names;
use crate::metrics::{self, Backend, LimitDecision, Limiter};

pub(super) fn rate_limited(
    limiter: Limiter,
    dimension: &'static str,
    backend: Backend,
    line: Option<u64>,
) {
    metrics::RATE_LIMITS.inc((limiter, (LimitDecision::Deny, backend)));
    let limiter = limiter.word();
    if let Some(refusals) = line {
        info!(
            event = names::RATE_LIMITED,
            limiter, dimension, refusals, "rate limit exceeded"
        );
    }
}

pub(super) fn denied(permission: &'static str, user: Uuid) {
    info!(event = names::DENIED, permission, user = %user, "permission denied");
}
