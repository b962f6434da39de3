//! Counts decisions by permission and reason.

use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use metrics::Counter;

use crate::metrics::{ACCESS_DECISIONS, AccessDecision, Direction, SHADOW_DIVERGENCES};
use crate::rbac::Decided;

/// The permissions that have counters of their own over the life of the process. The live policy labels far
/// fewer at a time, but names change.
const MOST: usize = 1000;
/// Stands for the others.
const OTHER: &str = "other";
/// Stands for none.
const UNKNOWN: &str = "unknown";

/// The counters of one permission, one for each reason.
type Counters = [Counter; AccessDecision::ALL.len()];

static COUNTERS: LazyLock<RwLock<HashMap<Box<str>, Counters>>> = LazyLock::new(|| {
    let shared = [OTHER, UNKNOWN].map(|label| (label.into(), counters(label)));
    RwLock::new(HashMap::from(shared))
});

/// A decision as a label.
#[must_use]
pub const fn label(decided: Decided) -> AccessDecision {
    match decided {
        Decided::Granted => AccessDecision::Granted,
        Decided::ConditionHolds => AccessDecision::ConditionHolds,
        Decided::UnknownPermission => AccessDecision::UnknownPermission,
        Decided::NotGranted => AccessDecision::NotGranted,
        Decided::ConditionFails => AccessDecision::ConditionFails,
        Decided::SubjectDisabled => AccessDecision::SubjectDisabled,
    }
}

/// Creates the counters that every policy needs. Call once, after the recorder is set.
pub fn initialise() {
    LazyLock::force(&COUNTERS);
    for direction in Direction::ALL {
        // Exists at 0, so that the first divergence is a rise.
        drop(SHADOW_DIVERGENCES.series(&[UNKNOWN, direction.word()]));
    }
}

/// Counts the denial of a question that is none.
pub fn count_invalid() {
    count(UNKNOWN, AccessDecision::Invalid);
}

/// Counts a decision about a permission, by its label.
pub(super) fn count(permission: &str, decision: AccessDecision) {
    let at = decision as usize;
    let known = COUNTERS.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(counters) = known.get(permission) {
        counters[at].increment(1);
        return;
    }
    drop(known);
    let mut known = COUNTERS.write().unwrap_or_else(PoisonError::into_inner);
    let label = if known.len() < MOST {
        permission
    } else {
        OTHER
    };
    let counters = known.entry(label.into()).or_insert_with(|| counters(label));
    counters[at].increment(1);
}

fn counters(permission: &str) -> Counters {
    std::array::from_fn(|at| {
        let decision = AccessDecision::ALL[at].label_values();
        ACCESS_DECISIONS.series(&[&[permission], decision].concat())
    })
}
