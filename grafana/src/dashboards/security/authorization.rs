//! Authorization decisions, and the changes of accounts and roles.

use crate::dashboard::{Panel, Unit, View};
use crate::select::{RANGE, SHOWN, over_range, per_second};

/// The row of panels.
pub(super) fn authorization() -> Vec<Panel> {
    let decisions = "auth_rbac_decisions_total";
    let access = "auth_access_decisions_total";
    let denied = over_range("permission, role", decisions, r#"outcome="deny""#);
    vec![
        Panel::new(
            View::TimeSeries,
            Unit::EventRate,
            "RBAC decisions",
            "deny rising: an account probes for permissions, or a client requests more than its \
             role permits; *Top denied permissions* shows which.",
        )
        .query("{{outcome}}", per_second("outcome", decisions, "")),
        Panel::new(
            View::BarGauge,
            Unit::Count,
            "Top denied permissions",
            "Denials in the time shown, by the caller's role. Many denials of an administrator's \
             permission to users are probing: find the accounts by their ids in the log; *RBAC \
             decisions* shows when it began.",
        )
        .runbook(&["admin-denied"])
        .query("{{permission}} {{role}}", format!("topk(8, {denied} > 0)"))
        .decimals(0)
        .quiet("nothing was denied"),
        Panel::new(
            View::TimeSeries,
            Unit::Count,
            "Role and account changes",
            "Roles granted and revoked, and accounts created, changed and deleted, by kind of \
             actor. A change that no administrator confirms is an incident: the log has the ids of \
             both accounts, *Administrators made* counts new administrators.",
        )
        .runbook(&["admin-grant"])
        .query(
            "{{action}} {{role}}",
            format!(
                "sum by (action, role) (increase(auth_role_changes_total{{{SHOWN}}}[{RANGE}]))"
            ),
        )
        .query(
            "{{action}} by {{actor}}",
            format!(
                "sum by (action, actor) (increase(auth_user_changes_total{{{SHOWN}}}[{RANGE}]))"
            ),
        ),
        Panel::new(
            View::TimeSeries,
            Unit::Count,
            "Accounts",
            "Each replica counts about once a minute; the panel shows the largest count. A jump is \
             automated registration: *Registrations by reason*.",
        )
        .query(
            "{{state}}",
            format!("max by (state) (auth_users{{{SHOWN}}})"),
        )
        .missing("not counted yet")
        .size(12, 7),
        Panel::new(
            View::TimeSeries,
            Unit::Count,
            "Sessions alive",
            "Sessions neither ended nor expired. A sudden fall to almost 0: a mass revocation, see \
             *Sessions revoked by reason*. Steady growth: clients log in instead of refreshing, \
             see *Tokens issued*.",
        )
        .query("sessions", format!("max(auth_sessions_active{{{SHOWN}}})"))
        .missing("not counted yet")
        .size(12, 7),
        Panel::new(
            View::Stacked,
            Unit::EventRate,
            "Decisions for other services",
            "Evaluations, each item of a list, and forward authentication. unknown_permission rising: a \
             service asks for a permission that nobody registered, or misspells it. invalid: it sends \
             questions that are none. not_granted rising: roles were taken, see *Role and account \
             changes*; POST /access/v1/explain says why one question is denied.",
        )
        .query(
            "{{decision}} {{reason}}",
            per_second("decision, reason", access, ""),
        )
        .size(24, 7),
    ]
}
