//! Authentication and security: logins, tokens, sessions, limits, attacks.

mod authorization;

use self::authorization::authorization;
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
        description: "Logins, tokens and authorization decisions, and attacks on them.",
        variables: Vec::new(),
        rows: vec![
            row("Now", now()),
            row("Logins and registrations", logins()),
            row("Rate limits", limits()),
            row("Tokens and sessions", tokens()),
            row("Signing keys", keys()),
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
            "Falls when users cannot log in, even without any 5xx, and during attacks. *Logins by \
             reason* shows which: many bad_password at once are a broken client or an attack; for \
             overloaded see *Hash work refused* on Dependencies.",
        )
        .runbook(&["credential-stuffing"])
        .query("", ratio(&success, &all))
        .rising_steps(&[(0.5, Color::Warn), (0.8, Color::Good)])
        .quiet("no logins"),
        Panel::new(
            View::Stat,
            Unit::Count,
            "Refresh reuse detected",
            "Used refresh tokens presented again in the time shown. family_revoked: a stolen \
             token, or a client that keeps old ones; ask the account's owner. \
             family_revoked_unused: a client that changes networks and loses every response, or a \
             thief who waits. unused_replay (a lost response) and grace_replay (two tabs at once) \
             are harmless.",
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
            "Age of the key that signs now. `KEY_ROTATION` replaces it at 90 days. Replace it at once if \
             `SECRET_KEY` or a backup of the database may have leaked, with the command keys revoke; \
             then watch *Token verification failures*.",
        )
        .runbook(&["signing-keys"])
        .query(
            "",
            format!(
                "time() - max(auth_signing_key_created_timestamp_seconds{{{SHOWN}, state=\"active\"}} != 0)"
            ),
        )
        .steps(&[(80.0 * 86400.0, Color::Warn), (90.0 * 86400.0, Color::Bad)])
        .missing("no signing key"),
        Panel::new(
            View::Stat,
            Unit::Count,
            "Administrators made",
            "How often the role admin was granted in the time shown. If no administrator confirms \
             it, end that account's sessions and revoke the role, then find in the log who granted \
             it: *Role and account changes* shows when.",
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
            "unknown_user rising: credential stuffing. bad_password rising: password guessing, see \
             *Rate-limit denials by limiter*. For overloaded see *Hash work refused*, for error \
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
            "Many successes at once: automated registration, lower `RATE_LIMIT_REGISTER_SOURCE`. \
             Many duplicates: account enumeration.",
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
            "Users mistype their password more often than their name. Above 30 %, with many \
             failures in *Logins by reason*, it is credential stuffing.",
        )
        .runbook(&["credential-stuffing"])
        .query("unknown user", ratio(&unknown, &per_second("", LOGINS, "")))
        .steps(&[(0.3, Color::Bad)])
        .quiet("no logins"),
        Panel::new(
            View::TimeSeries,
            Unit::EventRate,
            "Failed logins against the same hour yesterday",
            "Three times yesterday's rate or more is an attack or a broken client: *Unknown-user \
             share of logins* and *Rate-limit denials by limiter* show which. Without data of \
             yesterday the line is 0.",
        )
        .runbook(&["credential-stuffing"])
        .query("now", failed.clone())
        .query("yesterday", or_zero(&yesterday, &failed)),
        Panel::new(
            View::TimeSeries,
            Unit::EventRate,
            "Password changes and rehashes",
            "Many bad_password here: an attacker may use a hijacked session. Rehashes follow a \
             change of `HASH_MEMORY_KIB` or `HASH_ITERATIONS` and become fewer with time; failed \
             rehashes mean that the database refuses writes.",
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
            "login and register: an attack, or many users behind one address; check \
             `TRUSTED_PROXIES`. general: a broken or hostile client. Set limits with \
             `RATE_LIMIT_LOGIN_SOURCE` and the options like it.",
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
            "Share of checks that each replica counted on its own because Redis did not answer; \
             together the replicas admit more. See *Dependency up* and *Redis P95* on \
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
            "Values in Redis that were not used: no replica wrote them, or somebody restored old \
             ones. This is never normal. mac and format: another writer, or another `SECRET_KEY`. \
             replayed: an old value. clock: a machine with a wrong clock.",
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
             clients do not use their refresh tokens.",
        )
        .query(
            "{{token_type}} by {{grant}}",
            per_second("token_type, grant", "auth_tokens_issued_total", ""),
        ),
        Panel::new(
            View::Stacked,
            Unit::EventRate,
            "Refresh outcomes",
            "reused: a stolen token, or a client that keeps old ones. expired and unknown_token \
             are normal after a pause. All failing at once: *Dependency up* on Dependencies.",
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
            "Many admin, disabled and deleted: an administrator cleans up, or an attacker has an \
             administrator's account; see *Role and account changes*. reuse: *Refresh reuse \
             detected*.",
        )
        .query(
            "{{reason}}",
            per_second("reason", "auth_tokens_revoked_total", ""),
        ),
        Panel::new(
            View::TimeSeries,
            Unit::EventRate,
            "Token verification failures",
            "expired and revoked are normal. bad_signature and unknown_kid from all clients at \
             once: a wrong key. The resulting 401s do not count as errors. Was a key revoked, or \
             the database changed? See *Signing keys*.",
        )
        .runbook(&["signing-keys"])
        .query("{{reason}}", invalid)
        .size(12, 8),
        Panel::new(
            View::TimeSeries,
            Unit::Seconds,
            "Token check and RBAC decision P99",
            "The cost of authorization for every protected request. Decisions after a cache miss \
             read the database: if they rise, see *Statement P95*; if hits rise as well, *Tokio \
             scheduling delay P99*, both on Dependencies.",
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

fn keys() -> Vec<Panel> {
    vec![
        Panel::new(
            View::TimeSeries,
            Unit::Count,
            "Signing keys",
            "As the replicas last read them. A rotation: first a published one beside the active one, \
             minutes later a retiring one, half an hour later one again. unreadable: a replica lacks \
             the secret; put it into its `SECRET_KEYS`.",
        )
        .runbook(&["signing-keys"])
        .query(
            "{{state}}",
            format!("max by (state) (auth_signing_keys{{{SHOWN}}})"),
        )
        .decimals(0)
        .size(12, 8),
        Panel::new(
            View::TimeSeries,
            Unit::Seconds,
            "Signing keys last read",
            "Age of the keys that the slowest replica uses. Seconds are normal. More: its database does \
             not answer (*Dependency up* on Dependencies); it does not know newer keys, and still \
             accepts tokens of revoked ones. Failures are readings that failed, a second.",
        )
        .runbook(&["signing-keys"])
        .query(
            "age",
            format!("time() - min(auth_signing_keys_last_reload_timestamp_seconds{{{SHOWN}}} != 0)"),
        )
        .query(
            "failures",
            per_second("", "auth_signing_key_reloads_total", r#"outcome="failed""#),
        )
        .size(12, 8),
    ]
}
