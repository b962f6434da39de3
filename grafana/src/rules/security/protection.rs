//! Alerts on protection that is weaker than it should be.

use super::super::{Alert, Severity, minutes};
use crate::select::{or_zero, quantile};

pub(super) fn alerts() -> Vec<Alert> {
    vec![
        signatures(),
        key_age(),
        key_unreadable(),
        policy_stale(),
        unlabelled(),
        shadow(),
        limits_local(),
        limits_deny(),
        shared_cache(),
        revocation(),
        timing(),
    ]
}

fn signatures() -> Alert {
    let forged = r#"auth_token_verifications_total{reason=~"bad_signature|unknown_kid"}"#;
    let rate = |series| format!("sum by (job) (rate({series}[5m]))");
    Alert::new(
        Severity::Page,
        "AuthTokenSignatureFailures",
        // A few forged tokens at night must not page.
        format!(
            "{}\n/\n{} > 0.05\nand on (job)\nsum by (job) (increase({forged}[5m])) > 20",
            rate(forged),
            rate("auth_token_verifications_total"),
        ),
    )
    .lasts(minutes(5))
    .text(
        "{{ $labels.job }}: {{ $value | humanizePercentage }} of tokens have an invalid signature",
        "Replicas have different signing keys and users get 401, or an attacker forges tokens.",
    )
    .links("signing-keys", "auth-security")
}

fn key_age() -> Alert {
    Alert::new(
        Severity::Ticket,
        "AuthSigningKeyRotationOverdue",
        // A scheduled rotation publishes the successor a little before the key is 90 days old.
        "max by (job) (\n  \
         time() - (auth_signing_key_created_timestamp_seconds{state=\"active\"} != 0)\n\
         ) > 91 * 86400",
    )
    .text(
        "{{ $labels.job }}: the signing key is {{ $value | humanizeDuration }} old",
        "Signing keys should be renewed every 90 days: KEY_ROTATION is off or does not work.",
    )
    .links("signing-keys", "auth-security")
}

fn key_unreadable() -> Alert {
    Alert::new(
        Severity::Page,
        "AuthSigningKeyUnreadable",
        "max by (job, instance) (auth_signing_keys{state=\"unreadable\"}) > 0",
    )
    .text(
        "{{ $labels.instance }} of {{ $labels.job }} cannot decrypt {{ $value }} signing keys",
        "This replica lacks the secret that encrypted them. It refuses tokens that they sign, and does not \
         start again.",
    )
    .links("signing-keys", "auth-security")
}

fn policy_stale() -> Alert {
    Alert::new(
        Severity::Page,
        "AuthPolicyStale",
        // Without its database a replica reads nothing: other alerts say so.
        "time() - (auth_rbac_policy_last_read_timestamp_seconds != 0) > 60\n\
         and on (job, instance)\n\
         auth_dependency_up{dependency=\"database\"} == 1",
    )
    .lasts(minutes(2))
    .text(
        "{{ $labels.instance }} of {{ $labels.job }} decides by a policy that is \
         {{ $value | humanizeDuration }} old",
        "Its database answers, but the policy cannot be read: it has a fault, or a query of it fails. \
         Permissions that were taken away still hold on this replica.",
    )
    .links("policy", "auth-authorization")
}

fn unlabelled() -> Alert {
    Alert::new(
        Severity::Ticket,
        "AuthPermissionsUnlabelled",
        "max by (job) (auth_rbac_permissions_unlabelled) > 0",
    )
    .text(
        "{{ $labels.job }}: {{ $value }} permissions share one label",
        "More permissions are registered than have a label of their own in metrics: those at the end of the \
         alphabet are counted together as `other`.",
    )
    .links("policy", "auth-authorization")
}

fn shadow() -> Alert {
    Alert::new(
        Severity::Info,
        "AuthShadowDiverges",
        "sum by (job, direction) (increase(auth_rbac_shadow_divergences_total[15m])) > 0",
    )
    .text(
        "{{ $labels.job }}: the shadow policy would change {{ $value | printf \"%.0f\" }} decisions of a \
         quarter of an hour ({{ $labels.direction }})",
        "The policy in SHADOW_POLICY decides otherwise than the live one. Look at the examples before you \
         apply it.",
    )
    .links("shadow", "auth-authorization")
}

/// Checks against limits that replicas share. The general limit is counted by each replica for itself,
/// and so often that it would hide the others.
const SHARED: &str = r#"limiter!="general""#;

fn limits_local() -> Alert {
    let rate = |selector: &str| {
        format!("sum by (job) (rate(auth_rate_limit_decisions_total{{{selector}}}[5m]))")
    };
    let all = rate(SHARED);
    let local = rate(&format!("{SHARED}, backend=\"local\""));
    Alert::new(
        Severity::Ticket,
        "AuthRateLimiterDegraded",
        format!("{}\n/\n{all} > 0.01", or_zero(&local, &all)),
    )
    .lasts(minutes(5))
    .text(
        "{{ $labels.job }}: {{ $value | humanizePercentage }} of rate limit checks are counted by \
         each replica on its own",
        "Redis does not answer in time. Attackers get as many times the attempts as there are \
         replicas.",
    )
    .links("rate-limit-local", "auth-security")
}

fn limits_deny() -> Alert {
    let checks = |selector: &str| {
        format!("sum by (job, limiter) (increase(auth_rate_limit_decisions_total{selector}[15m]))")
    };
    let denied = checks(r#"{decision="deny"}"#);
    let all = checks("");
    Alert::new(
        Severity::Ticket,
        "AuthRateLimitDenials",
        // No objective counts a 429, because it is usually the client's fault. If all clients get it,
        // it is the service's.
        format!("{denied}\n/\n{all} > 0.25\nand\n{denied} > 100"),
    )
    .lasts(minutes(10))
    .text(
        "{{ $labels.job }}: {{ $value | humanizePercentage }} of requests are refused by \
         the limit {{ $labels.limiter }}",
        "A client sends too many requests, TRUSTED_PROXIES lacks the proxy in front so that all \
         clients share one address, or the limit is too low.",
    )
    .links("rate-limit-denials", "auth-security")
}

fn shared_cache() -> Alert {
    Alert::new(
        Severity::Page,
        "AuthSharedCacheForged",
        "sum by (job, item, reason) (increase(auth_shared_cache_rejected_total[15m])) > 0",
    )
    .text(
        "{{ $labels.job }}: {{ $labels.item }} in Redis rejected, {{ $labels.reason }}, \
         {{ $value | printf \"%.0f\" }} times in 15 minutes",
        "Something other than the service writes to Redis, or replicas differ in SECRET_KEY or \
         clock. Rejected values were not used.",
    )
    .links("redis-forged", "auth-security")
}

fn revocation() -> Alert {
    let delay = quantile(
        0.95,
        "job, instance",
        "auth_revocation_propagation_seconds",
        "",
        "10m",
    );
    Alert::new(
        Severity::Ticket,
        "AuthRevocationSlow",
        format!("{delay} > 1"),
    )
    .lasts(minutes(10))
    .text(
        "{{ $labels.instance }} of {{ $labels.job }}: changes on other replicas take \
         {{ $value | humanizeDuration }} at the 95th percentile",
        "Sessions ended and roles revoked on other replicas stay valid here for that time. Or the \
         replicas' clocks differ.",
    )
    .links("revocation", "auth-dependencies")
}

fn timing() -> Alert {
    let series = |part: &str, operation: &str| {
        format!("auth_password_hash_duration_seconds_{part}{{operation=\"{operation}\"}}")
    };
    let mean = |operation| {
        let rate = |part| format!("sum by (job) (rate({}[10m]))", series(part, operation));
        format!("{}\n  /\n  {}", rate("sum"), rate("count"))
    };
    let count = |operation| {
        format!(
            "sum by (job) (increase({}[10m])) > 50",
            series("count", operation)
        )
    };
    Alert::new(
        Severity::Ticket,
        "AuthTimingOracle",
        // Means rather than medians: a median estimated from buckets jumps by a bucket's width, a third
        // here, when the true one crosses a bound. Over ten minutes, in which both see the same load:
        // over an hour, an attack would be compared with the quiet before it.
        format!(
            "abs(\n  ({})\n  /\n  ({})\n  - 1\n) > 0.2\nand\n{}\nand\n{}",
            mean("dummy_verify"),
            mean("verify"),
            count("dummy_verify"),
            count("verify"),
        ),
    )
    .lasts(minutes(30))
    .text(
        "{{ $labels.job }}: logins with unknown names take {{ $value | humanizePercentage }} more \
         or less time than with known names",
        "The time of a refusal reveals which accounts exist. Stored hashes may have other \
         parameters than new ones.",
    )
    .links("timing", "auth-dependencies")
}
