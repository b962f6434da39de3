//! Authorization: the policy, its changes, and the attempts to reach beyond one's permissions.

use crate::dashboard::{Dashboard, Panel, Row, Unit, View};
use crate::select::{RANGE, SHOWN, per_second};

/// The dashboard.
pub(super) fn dashboard() -> Dashboard {
    let row = |title, panels| Row { title, panels };
    Dashboard {
        uid: "auth-authorization",
        title: "Authorization",
        description: "The policy on every replica, its changes, and attempts to reach beyond one's permissions.",
        variables: Vec::new(),
        rows: vec![
            row("Policy", policy()),
            row("Changes", changes()),
            row("Shadow policy", shadow()),
        ],
    }
}

fn policy() -> Vec<Panel> {
    vec![
        Panel::new(
            View::TimeSeries,
            Unit::Count,
            "Policy version",
            "The version of the policy that each replica decides by. They differ for less than a second \
             after a change.",
        )
        .runbook(&["policy"])
        .query(
            "{{instance}}",
            format!("max by (instance) (auth_rbac_policy_version{{{SHOWN}}})"),
        )
        .query(
            "permissions without a label",
            format!("max(auth_rbac_permissions_unlabelled{{{SHOWN}}})"),
        )
        .decimals(0)
        .size(12, 7),
        Panel::new(
            View::TimeSeries,
            Unit::Seconds,
            "Policy last read",
            "Age of the comparison of the slowest replica with the database. Below a second is normal. More: \
             its database does not answer (*Dependency up* on Dependencies), or the policy has a fault: the \
             log says which. Failures are readings that failed, a second.",
        )
        .runbook(&["policy"])
        .query(
            "age",
            format!("time() - min(auth_rbac_policy_last_read_timestamp_seconds{{{SHOWN}}} != 0)"),
        )
        .query(
            "failures",
            per_second("", "auth_rbac_policy_reloads_total", r#"outcome="failed""#),
        )
        .size(12, 7),
    ]
}

fn shadow() -> Vec<Panel> {
    vec![
        Panel::new(
            View::TimeSeries,
            Unit::EventRate,
            "Shadow divergences",
            "Decisions for other services that the policy in `SHADOW_POLICY` would change. gain: it would \
             allow what is denied; loss: it would deny what is allowed. The cases are at \
             /admin/policy/shadow.",
        )
        .runbook(&["shadow"])
        .query(
            "{{permission}} {{direction}}",
            per_second("permission, direction", "auth_rbac_shadow_divergences_total", ""),
        )
        .quiet("no divergence")
        .size(12, 7),
        Panel::new(
            View::TimeSeries,
            Unit::EventRate,
            "Decisions compared",
            "Decisions that were made by both policies, a second. loaded: 1 while there is a shadow \
             policy. *Shadow divergences* shows those that differ.",
        )
        .query("compared", per_second("", "auth_rbac_shadow_compared_total", ""))
        .query("loaded", format!("min(auth_rbac_shadow_loaded{{{SHOWN}}})"))
        .size(12, 7),
    ]
}

fn changes() -> Vec<Panel> {
    vec![
        Panel::new(
            View::TimeSeries,
            Unit::Count,
            "Escalations refused",
            "Changes that reach beyond the permissions of the account that asked for them, by what was \
             tried. Nothing came of them. Several in a row are a plan: find the account by its id in the \
             log.",
        )
        .runbook(&["escalation"])
        .query(
            "{{attempt}}",
            format!(
                "sum by (attempt) (increase(auth_rbac_escalations_refused_total{{{SHOWN}}}[{RANGE}]))"
            ),
        )
        .decimals(0),
        Panel::new(
            View::TimeSeries,
            Unit::Count,
            "Policy changes",
            "Permissions, roles and sets of exclusive roles that were created, changed and deleted. The log \
             names them and the account. *Policy version* shows whether every replica has followed.",
        )
        .query(
            "{{part}} {{action}}",
            format!(
                "sum by (part, action) (increase(auth_rbac_policy_changes_total{{{SHOWN}}}[{RANGE}]))"
            ),
        )
        .decimals(0),
    ]
}
