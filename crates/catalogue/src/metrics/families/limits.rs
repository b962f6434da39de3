//! Rate limits.

use metrics::Counter;

use super::buckets::NONE;
use super::families;
use crate::metrics::family::Family;
use crate::metrics::labels::{Backend, LimitDecision, Limiter};

families! {
    RATE_LIMITS: Family<Counter, (Limiter, (LimitDecision, Backend))> = (
        "auth_rate_limit_decisions_total", "",
        "Rate limit decisions, by limit and by where they were counted.", NONE);
}
