//! Alerts on attacks.

use super::super::{Alert, Severity, minutes};

/// Logins that reached the lookup. Rate-limited ones are excluded from every share: a flood of them
/// would hide an attack.
const LOOKED_UP: &str = r#"reason=~"none|bad_password|unknown_user|disabled""#;
/// Failed logins among those.
const FAILED: &str = r#"reason=~"bad_password|unknown_user|disabled""#;
const SUCCEEDED: &str = r#"outcome="success""#;
const UNKNOWN: &str = r#"reason="unknown_user""#;

pub(super) fn alerts() -> Vec<Alert> {
    vec![
        stuffing(),
        stuffing_success(),
        reuse(),
        admin_denied(),
        admin_grant(),
        escalation(),
    ]
}

/// Logins in the last ten minutes.
fn now(which: &str) -> String {
    format!("sum by (job) (increase(auth_logins_total{{{which}}}[10m]))")
}

/// Logins in ten minutes yesterday: a sixth of the hour around this time. 0 on the first day, when
/// anything is more than usual: so every condition on it is joined by one without it.
fn yesterday(which: &str) -> String {
    let hour = format!("sum by (job) (increase(auth_logins_total{{{which}}}[1h] offset 23h30m))");
    format!("({hour} / 6 or 0 * {})", now(which))
}

fn stuffing() -> Alert {
    let unknown = format!("{}\n/\n{}", now(UNKNOWN), now(LOOKED_UP));
    let (failed, usual) = (now(FAILED), yesterday(FAILED));
    Alert::new(
        Severity::Page,
        "AuthCredentialStuffing",
        // An attack that ran at this time yesterday as well does not exceed yesterday: a share that
        // users never reach is enough without the comparison.
        format!(
            "(\n{unknown} > 0.3\nand\n{failed} > 3 * {usual}\nor\n{unknown} > 0.6\n)\n\
             and\n{failed} > 100"
        ),
    )
    .lasts(minutes(5))
    .text(
        "{{ $labels.job }}: {{ $value | humanizePercentage }} of logins name accounts that \
         do not exist",
        "More than a hundred logins failed in ten minutes, far more than at this time yesterday: \
         an attacker tries a list of names and passwords.",
    )
    .links("credential-stuffing", "auth-security")
}

fn stuffing_success() -> Alert {
    let (succeeded, failed) = (now(SUCCEEDED), now(FAILED));
    let (usual_success, usual_failure) = (yesterday(SUCCEEDED), yesterday(FAILED));
    Alert::new(
        Severity::Page,
        "AuthSuccessAfterFailureSurge",
        // In credential stuffing few passwords fit, so failures outnumber successes; with real users
        // most fit.
        format!(
            "{succeeded} > 2 * {usual_success}\nand\n{failed} > 3 * {usual_failure}\n\
             and\n{failed} > {succeeded}\nand\n{failed} > 100"
        ),
    )
    .lasts(minutes(10))
    .text(
        "{{ $labels.job }}: {{ $value | printf \"%.0f\" }} logins succeeded in ten minutes \
         amid a surge of failures",
        "Hundreds of logins fail, more than succeed, and still more succeed than usual: an \
         attacker may have taken over accounts.",
    )
    .links("stuffing-success", "auth-security")
}

fn reuse() -> Alert {
    Alert::new(
        Severity::Page,
        "AuthRefreshTokenReuse",
        "sum by (job) (\n  \
         increase(auth_refresh_reuse_detected_total{action=\"family_revoked\"}[15m])\n) > 0",
    )
    .text(
        "{{ $labels.job }}: {{ $value | printf \"%.0f\" }} used refresh tokens were presented \
         again in 15 minutes",
        "Two parties hold the same refresh token, and its successor was already used: one of them \
         stole it. Each such session was ended.",
    )
    .links("refresh-reuse", "auth-security")
}

fn admin_denied() -> Alert {
    Alert::new(
        Severity::Ticket,
        "AuthAdminDeniedSpike",
        // Everybody has `authenticated`; the other permissions are administrators'.
        "sum by (job, permission) (\n  \
         increase(auth_rbac_decisions_total{permission!=\"authenticated\", \
         outcome=\"deny\"}[10m])\n) > 20",
    )
    .text(
        "{{ $labels.job }}: {{ $labels.permission }} was denied \
         {{ $value | printf \"%.0f\" }} times in ten minutes",
        "A logged-in user tries operations of administrators, or a client requests what its role \
         does not permit.",
    )
    .links("admin-denied", "auth-security")
}

fn admin_grant() -> Alert {
    Alert::new(
        Severity::Info,
        "AuthPrivilegeGrant",
        "sum by (job) (\n  \
         increase(auth_role_changes_total{action=\"grant\", role=\"admin\"}[5m])\n) > 0",
    )
    .text(
        "{{ $labels.job }}: {{ $value | printf \"%.0f\" }} accounts became administrators",
        "An administrator granted the role. Confirm with that administrator that it was intended.",
    )
    .links("admin-grant", "auth-security")
}

fn escalation() -> Alert {
    Alert::new(
        Severity::Ticket,
        "AuthEscalationRefused",
        // One is a slip; several are a plan.
        "sum by (job) (\n  \
         increase(auth_rbac_escalations_refused_total[30m])\n) > 2",
    )
    .text(
        "{{ $labels.job }}: {{ $value | printf \"%.0f\" }} changes in half an hour reach beyond the \
         permissions of the account that asked for them",
        "An account with some permissions of administration tries to gain or grant others, or to change an \
         account that has more.",
    )
    .links("escalation", "auth-authorization")
}
