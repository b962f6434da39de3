//! Counts the guard's decisions.

use std::sync::OnceLock;

use metrics::Counter;

use crate::metrics::{Decision, RBAC_DECISIONS, RoleLabel};
use crate::rbac::Permission;

/// Counts a decision about a caller whose strongest role is this one.
pub(super) fn count(permission: Permission, role: RoleLabel, decision: Decision) {
    counters()[index(permission, role, decision)].increment(1);
}

/// Makes the counters. Call once, after the recorder is set.
pub fn initialise() {
    counters();
}

fn index(permission: Permission, role: RoleLabel, decision: Decision) -> usize {
    (permission as usize * RoleLabel::ALL.len() + role as usize) * Decision::ALL.len()
        + decision as usize
}

/// One counter for every permission, role and decision, made at start so that each exists at 0.
fn counters() -> &'static [Counter] {
    static COUNTERS: OnceLock<Vec<Counter>> = OnceLock::new();
    COUNTERS.get_or_init(|| {
        let mut counters = Vec::new();
        for permission in Permission::ALL {
            for role in RoleLabel::ALL {
                for decision in Decision::ALL {
                    let values = [permission.name(), role.word(), decision.word()];
                    counters.push(RBAC_DECISIONS.series(&values));
                }
            }
        }
        counters
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decision_counters_have_distinct_places() {
        let mut seen = std::collections::HashSet::new();
        for permission in Permission::ALL {
            for role in RoleLabel::ALL {
                for decision in Decision::ALL {
                    assert!(seen.insert(index(*permission, *role, *decision)));
                }
            }
        }
        assert_eq!(seen.iter().max(), Some(&(seen.len() - 1)));
    }
}
