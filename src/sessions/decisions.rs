//! Counts the guard's decisions and reports denials.

use std::sync::OnceLock;

use metrics::Counter;

use super::Account;
use crate::events::Event;
use crate::metrics::{Decision, RBAC_DECISIONS, RoleLabel};
use crate::rbac::Permission;
use crate::request_context::is_synthetic;

/// Counts a decision about this account, and reports a denial. Returns whether it was allowed.
pub(super) fn decide(permission: Permission, account: &Account, decision: Decision) -> bool {
    if !is_synthetic() {
        let role = account.authority.role();
        counters()[index(permission, role, decision)].increment(1);
    }
    if decision == Decision::Deny {
        Event::Denied {
            permission: permission.name(),
            user: account.user.id,
        }
        .emit();
    }
    decision == Decision::Allow
}

/// Creates the counters. Call once, after the recorder is set.
pub fn initialise() {
    counters();
}

fn index(permission: Permission, role: RoleLabel, decision: Decision) -> usize {
    (permission as usize * RoleLabel::ALL.len() + role as usize) * Decision::ALL.len()
        + decision as usize
}

/// One counter for every permission, role and decision, created at start-up so that each exists at 0.
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
