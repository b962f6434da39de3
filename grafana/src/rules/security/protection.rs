//! Alerts on protection that is weaker than it should be.

use std::time::Duration;

use super::super::{Alert, Severity, minutes};
use crate::select::{or_zero, quantile};

pub(super) fn alerts() -> Vec<Alert> {
    vec![
        signatures(),
        key_age(),
        limits_local(),
        limits_deny(),
        revocation(),
        timing(),
    ]
}

fn signatures() -> Alert {
    let forged = r#"auth_token_verifications_total{reason=~"bad_signature|unknown_kid"}"#;
    let rate = |series| format!("sum by (job) (rate({series}[5m]))");
    Alert {
        name: "AuthTokenSignatureFailures",
        // A stranger who sends a few tokens of his own making at night shall not wake anybody.
        expr: format!(
            "{}\n/\n{} > 0.05\nand on (job)\nsum by (job) (increase({forged}[5m])) > 20",
            rate(forged),
            rate("auth_token_verifications_total"),
        ),
        lasts: minutes(5),
        severity: Severity::Page,
        window: None,
        summary:
            "{{ $labels.job }}: {{ $value | humanizePercentage }} of tokens carry no signature \
                  of ours"
                .into(),
        description: "Replicas do not agree on their signing keys, and users get 401; or somebody \
                      forges tokens."
            .into(),
        runbook: "signing-keys",
        dashboard: "auth-security",
    }
}

fn key_age() -> Alert {
    Alert {
        name: "AuthSigningKeyRotationOverdue",
        expr: "max by (job) (\n  \
               time() - auth_signing_key_created_timestamp_seconds{state=\"active\"}\n\
               ) > 90 * 86400"
            .to_owned(),
        lasts: Duration::ZERO,
        severity: Severity::Ticket,
        window: None,
        summary: "{{ $labels.job }}: the signing key is {{ $value | humanizeDuration }} old".into(),
        description: "Keys are to be renewed every 90 days.".into(),
        runbook: "signing-keys",
        dashboard: "auth-security",
    }
}

/// Checks against the limits that replicas share. The one on requests of any kind is counted by each
/// for itself, and so often that it would hide the others.
const SHARED: &str = r#"limiter!="general""#;

fn limits_local() -> Alert {
    let rate = |selector: &str| {
        format!("sum by (job) (rate(auth_rate_limit_decisions_total{{{selector}}}[5m]))")
    };
    let all = rate(SHARED);
    let local = rate(&format!("{SHARED}, backend=\"local\""));
    Alert {
        name: "AuthRateLimiterDegraded",
        expr: format!("{}\n/\n{all} > 0.01", or_zero(&local, &all)),
        lasts: minutes(5),
        severity: Severity::Ticket,
        window: None,
        summary: "{{ $labels.job }}: {{ $value | humanizePercentage }} of rate limit checks are \
                  counted by each replica for itself"
            .into(),
        description: "Redis does not answer these in time. With so many replicas, so many times \
                      the attempts are admitted."
            .into(),
        runbook: "rate-limit-local",
        dashboard: "auth-security",
    }
}

fn limits_deny() -> Alert {
    let checks = |selector: &str| {
        format!("sum by (job, limiter) (increase(auth_rate_limit_decisions_total{selector}[15m]))")
    };
    let denied = checks(r#"{decision="deny"}"#);
    let all = checks("");
    Alert {
        name: "AuthRateLimitDenials",
        // No objective sees a 429, because it is the client's doing. When it is everybody's, it is not.
        expr: format!("{denied}\n/\n{all} > 0.25\nand\n{denied} > 100"),
        lasts: minutes(10),
        severity: Severity::Ticket,
        window: None,
        summary: "{{ $labels.job }}: {{ $value | humanizePercentage }} of requests are refused by \
                  the limit {{ $labels.limiter }}"
            .into(),
        description: "Somebody hammers, or everybody counts as one: TRUSTED_PROXIES does not name \
                      the proxy in front, or a limit is too low."
            .into(),
        runbook: "rate-limit-denials",
        dashboard: "auth-security",
    }
}

fn revocation() -> Alert {
    let delay = quantile(
        0.95,
        "job, instance",
        "auth_revocation_propagation_seconds",
        "",
        "10m",
    );
    Alert {
        name: "AuthRevocationSlow",
        expr: format!("{delay} > 1"),
        lasts: minutes(10),
        severity: Severity::Ticket,
        window: None,
        summary: "{{ $labels.instance }} of {{ $labels.job }}: changes on other replicas take \
                  {{ $value | humanizeDuration }} at the 95th percentile"
            .into(),
        description: "Whoever was logged out or lost a role elsewhere keeps it here for so long; \
                      or the replicas' clocks differ."
            .into(),
        runbook: "revocation",
        dashboard: "auth-dependencies",
    }
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
    Alert {
        name: "AuthTimingOracle",
        // Means rather than medians: a median read off buckets jumps by a bucket's width, a third here,
        // when the true one crosses a bound. Of ten minutes, in which both meet the same load: over an hour,
        // an attack on a busy machine would be compared with the quiet before it.
        expr: format!(
            "abs(\n  ({})\n  /\n  ({})\n  - 1\n) > 0.2\nand\n{}\nand\n{}",
            mean("dummy_verify"),
            mean("verify"),
            count("dummy_verify"),
            count("verify"),
        ),
        lasts: minutes(30),
        severity: Severity::Ticket,
        window: None,
        summary:
            "{{ $labels.job }}: names that do not exist take {{ $value | humanizePercentage }} \
                  more or less time than names that do"
                .into(),
        description: "By how long a refusal takes, strangers learn which accounts exist. Stored \
                      hashes may have other parameters than new ones."
            .into(),
        runbook: "timing",
        dashboard: "auth-dependencies",
    }
}
