//! Authentication and security: logins, tokens, sessions, limits, attacks.

use crate::dashboard::{Color, Dashboard, Panel, Row, Unit, View};
use crate::select::{RANGE, SHOWN, or_zero, over_range, per_second, ratio, shown_quantile};

const LOGINS: &str = "auth_logins_total";
const FAILED: &str = r#"outcome="failure""#;

/// The dashboard.
pub(super) fn dashboard() -> Dashboard {
    let row = |title, panels| Row { title, panels };
    Dashboard {
        uid: "auth-security",
        title: "Authentication and security",
        description: "Logins, tokens and decisions: who gets in, who does not, and attacks.",
        variables: Vec::new(),
        rows: vec![
            row("Now", now()),
            row("Logins and registrations", logins()),
            row("Rate limits", limits()),
            row("Tokens and sessions", tokens()),
            row("Authorization and accounts", authorization()),
        ],
    }
}

fn now() -> Vec<Panel> {
    let success = per_second("", LOGINS, r#"outcome="success""#);
    let all = per_second("", LOGINS, "");
    let grants = r#"action="grant", role="admin""#;
    vec![
        Panel::new(
            View::Stat,
            Unit::Ratio,
            "Login success ratio",
            "Falls when users cannot get in, also with no 5xx at all, and under attack. *Logins \
             by reason* tells which: bad_password from everybody at once is a broken client or an \
             attack, overloaded is *Hash work refused* on Dependencies.",
        )
        .runbook(&["credential-stuffing"])
        .query("", ratio(&success, &all))
        .rising_steps(&[(0.5, Color::Warn), (0.8, Color::Good)])
        .quiet("no logins"),
        Panel::new(
            View::Stat,
            Unit::Count,
            "Refresh reuse detected",
            "Used refresh tokens that came again, in the time shown. family_revoked is a stolen \
             token, or a client that keeps old ones: ask the account's owner. \
             family_revoked_unused is a client that changes networks and loses every answer, or a \
             thief who waits. unused_replay is a lost answer, grace_replay two tabs at once: \
             both harmless.",
        )
        .runbook(&["refresh-reuse"])
        .query(
            "{{action}}",
            over_range("action", "auth_refresh_reuse_detected_total", ""),
        )
        .steps(&[(0.5, Color::Warn)])
        .decimals(0),
        Panel::new(
            View::Stat,
            Unit::Seconds,
            "Signing-key age",
            "Of the key that signs now. Make a new one at least every 90 days, and at once if \
             `SECRET_KEY` or a backup of the database may have leaked; then watch *Token \
             verification failures*.",
        )
        .runbook(&["signing-keys"])
        .query(
            "",
            format!(
                "time() - max(auth_signing_key_created_timestamp_seconds{{{SHOWN}, state=\"active\"}})"
            ),
        )
        .steps(&[(80.0 * 86400.0, Color::Warn), (90.0 * 86400.0, Color::Bad)])
        .missing("no signing key"),
        Panel::new(
            View::Stat,
            Unit::Count,
            "Administrators made",
            "Times that the role admin was given in the time shown. If nobody knows of it, end \
             that account's sessions and take the role away, then look for who gave it in the \
             log: *Role and account changes* says when.",
        )
        .runbook(&["admin-grant"])
        .query("", over_range("", "auth_role_changes_total", grants))
        .steps(&[(0.5, Color::Warn)])
        .decimals(0),
    ]
}

fn logins() -> Vec<Panel> {
    let failed = per_second("", LOGINS, FAILED);
    let unknown = per_second("", LOGINS, r#"reason="unknown_user""#);
    let yesterday = format!("sum(rate({LOGINS}{{{SHOWN}, {FAILED}}}[{RANGE}] offset 1d))");
    vec![
        Panel::new(
            View::Stacked,
            Unit::EventRate,
            "Logins by reason",
            "unknown_user rising is stuffing. bad_password: accounts being guessed, see \
             *Rate-limit denials by limiter*. overloaded is *Hash work refused*, error is \
             *Dependency errors*, both on Dependencies.",
        )
        .runbook(&["credential-stuffing", "stuffing-success"])
        .query(
            "{{outcome}} {{reason}}",
            per_second("outcome, reason", LOGINS, ""),
        )
        .size(12, 8),
        Panel::new(
            View::Stacked,
            Unit::EventRate,
            "Registrations by reason",
            "Many successes at once is a robot that registers: lower \
             `RATE_LIMIT_REGISTER_SOURCE`. Many duplicates is somebody who asks which accounts \
             exist.",
        )
        .query(
            "{{outcome}} {{reason}}",
            per_second("outcome, reason", "auth_registrations_total", ""),
        )
        .size(12, 8),
        Panel::new(
            View::TimeSeries,
            Unit::Ratio,
            "Unknown-user share of logins",
            "People mistype their password more often than their name. Above 30 %, with many \
             failures in *Logins by reason*, somebody tries names from a list.",
        )
        .runbook(&["credential-stuffing"])
        .query("unknown user", ratio(&unknown, &per_second("", LOGINS, "")))
        .steps(&[(0.3, Color::Bad)])
        .quiet("no logins"),
        Panel::new(
            View::TimeSeries,
            Unit::EventRate,
            "Failed logins against the same hour yesterday",
            "Three times yesterday's and more is an attack or a broken client: *Unknown-user \
             share of logins* and *Rate-limit denials by limiter* tell which. Where there is no \
             yesterday yet it counts as none.",
        )
        .runbook(&["credential-stuffing"])
        .query("now", failed.clone())
        .query("yesterday", or_zero(&yesterday, &failed)),
        Panel::new(
            View::TimeSeries,
            Unit::EventRate,
            "Password changes and rehashes",
            "Many bad_password here: somebody sits at a session that is not theirs. Rehashes \
             follow a change of `HASH_MEMORY_KIB` or `HASH_ITERATIONS` and then fade; failures \
             among them mean that the database refuses writes.",
        )
        .query(
            "change {{outcome}} {{reason}}",
            per_second("outcome, reason", "auth_password_changes_total", ""),
        )
        .query(
            "rehash {{outcome}}",
            per_second("outcome", "auth_password_rehashes_total", ""),
        ),
    ]
}

fn limits() -> Vec<Panel> {
    let decisions = "auth_rate_limit_decisions_total";
    let all = per_second("", decisions, "");
    let local = per_second("", decisions, r#"backend="local""#);
    vec![
        Panel::new(
            View::TimeSeries,
            Unit::EventRate,
            "Rate-limit denials by limiter",
            "login and register: an attack, or many users behind one address: is \
             `TRUSTED_PROXIES` set? general: one client that is broken or hostile. Limits are \
             options: `RATE_LIMIT_LOGIN_SOURCE` and its kin.",
        )
        .runbook(&["rate-limit-denials"])
        .query(
            "{{limiter}}",
            per_second("limiter", decisions, r#"decision="deny""#),
        )
        .size(12, 8),
        Panel::new(
            View::TimeSeries,
            Unit::Ratio,
            "Rate limiter on local fallback",
            "The share of checks that each replica counted for itself because Redis does not \
             answer: together they admit more. See *Dependency up* and *Redis P95* on \
             Dependencies. Without `REDIS_URL` it stays 0.",
        )
        .runbook(&["rate-limit-local"])
        .query("local", ratio(&or_zero(&local, &all), &all))
        .steps(&[(0.01, Color::Warn)])
        .quiet("no traffic")
        .size(12, 8),
        Panel::new(
            View::TimeSeries,
            Unit::EventRate,
            "Rejected from Redis",
            "What no replica wrote, or what was put back, and was not believed. It is never \
             usual: mac and format are somebody else's writes or another `SECRET_KEY`, replayed \
             is an old value, clock a machine whose time is wrong.",
        )
        .runbook(&["redis-forged"])
        .query(
            "{{item}} {{reason}}",
            per_second("item, reason", "auth_shared_cache_rejected_total", ""),
        )
        .size(24, 7),
    ]
}

fn tokens() -> Vec<Panel> {
    let invalid = per_second(
        "reason",
        "auth_token_verifications_total",
        r#"outcome="invalid""#,
    );
    let decided = "auth_rbac_decision_duration_seconds";
    vec![
        Panel::new(
            View::TimeSeries,
            Unit::EventRate,
            "Tokens issued",
            "By login (password) and refresh. Logins without tokens: *Dependency errors* on \
             Dependencies, and the log at level error. Many more by password than by refresh: \
             clients throw their refresh tokens away.",
        )
        .query(
            "{{token_type}} by {{grant}}",
            per_second("token_type, grant", "auth_tokens_issued_total", ""),
        ),
        Panel::new(
            View::Stacked,
            Unit::EventRate,
            "Refresh outcomes",
            "reused is theft or a client that keeps old tokens; expired and unknown_token after a \
             break are usual; all failing at once: *Dependency up* on Dependencies.",
        )
        .runbook(&["refresh-reuse"])
        .query(
            "{{outcome}} {{reason}}",
            per_second("outcome, reason", "auth_token_refreshes_total", ""),
        ),
        Panel::new(
            View::TimeSeries,
            Unit::EventRate,
            "Sessions revoked by reason",
            "admin, disabled and deleted in number is somebody cleaning up, or somebody who got \
             hold of an administrator's account: see *Role and account changes*. reuse: *Refresh \
             reuse detected*.",
        )
        .query(
            "{{reason}}",
            per_second("reason", "auth_tokens_revoked_total", ""),
        ),
        Panel::new(
            View::TimeSeries,
            Unit::EventRate,
            "Token verification failures",
            "expired and revoked are usual. bad_signature and unknown_kid from all clients at \
             once is a wrong key, and shows as 401s that no error rate sees: was `SECRET_KEY`, \
             `SIGNING_ALG` or the database changed?",
        )
        .runbook(&["signing-keys"])
        .query("{{reason}}", invalid)
        .size(12, 8),
        Panel::new(
            View::TimeSeries,
            Unit::Seconds,
            "Token check and RBAC decision P99",
            "What every protected request pays. Decisions on a miss ask the database: when those \
             rise, look at *Statement P95*; when hits rise as well, at *Tokio scheduling delay \
             P99*, both on Dependencies.",
        )
        .query(
            "token",
            shown_quantile(0.99, "", "auth_token_verification_duration_seconds", ""),
        )
        .query(
            "decision {{cache}}",
            shown_quantile(0.99, "cache", decided, ""),
        )
        .quiet("no traffic")
        .size(12, 8),
    ]
}

fn authorization() -> Vec<Panel> {
    let decisions = "auth_rbac_decisions_total";
    let denied = over_range("permission, role", decisions, r#"outcome="deny""#);
    vec![
        Panel::new(
            View::TimeSeries,
            Unit::EventRate,
            "RBAC decisions",
            "A rise of deny is somebody who tries doors, or a client that asks for more than its \
             role may: *Top denied permissions* says which.",
        )
        .query("{{outcome}}", per_second("outcome", decisions, "")),
        Panel::new(
            View::BarGauge,
            Unit::Count,
            "Top denied permissions",
            "Denials in the time shown, by the caller's role. Many of one administrator's \
             permission by users is probing: find the accounts by their ids in the log, and see \
             *RBAC decisions* for when it began.",
        )
        .runbook(&["admin-denied"])
        .query("{{permission}} {{role}}", format!("topk(8, {denied} > 0)"))
        .decimals(0)
        .quiet("nothing was denied"),
        Panel::new(
            View::TimeSeries,
            Unit::Count,
            "Role and account changes",
            "Roles given and taken, and accounts made, changed and removed by whom. What no \
             administrator remembers is an incident: the log names both accounts by id, \
             *Administrators made* counts the worst.",
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
            "Counted about once a minute by each replica, so the largest is shown. A leap is a \
             robot that registers: *Registrations by reason*.",
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
            "Neither ended nor expired. Falls to near nothing at once: a mass revocation, see \
             *Sessions revoked by reason*. Grows without end: clients log in rather than refresh, \
             see *Tokens issued*.",
        )
        .query("sessions", format!("max(auth_sessions_active{{{SHOWN}}})"))
        .missing("not counted yet")
        .size(12, 7),
    ]
}
