//! Alerts on the availability of the service and its dependencies.

use super::{Alert, Group, RuleFile, Severity, minutes};

pub(super) fn file() -> RuleFile {
    RuleFile {
        name: "availability.yml",
        about: "Availability of the service and its dependencies.",
        groups: vec![
            Group {
                name: "auth-availability",
                records: Vec::new(),
                alerts: vec![journey(), absent(), not_ready(), restarts()],
            },
            Group {
                name: "auth-dependencies",
                records: Vec::new(),
                alerts: vec![database(), redis(), fallbacks(), exporter()],
            },
        ],
    }
}

fn journey() -> Alert {
    Alert::new(
        Severity::Page,
        "AuthJourneyFailing",
        // The value is the share of successful journeys. A probe that does not run has a ratio of NaN,
        // which no comparison matches; one that is off has no ratio: both count as 0.
        "1 - job:auth_sli_journey_errors:ratio_rate5m < 0.8\n\
         or\n\
         sum by (job) (rate(auth_canary_runs_total{step=\"login\"}[5m])) == 0\n\
         or\n\
         absent(auth_canary_runs_total{job=\"auth\"}) - 1",
    )
    .lasts(minutes(3))
    .text(
        "{{ $labels.job }}: {{ $value | humanizePercentage }} of the synthetic login probe's runs \
         succeed",
        "The probe cannot log in, read its account, refresh and log out. Or the probe is off, \
         hangs, or is not scraped.",
    )
    .links("journey", "auth-overview")
}

fn absent() -> Alert {
    Alert::new(
        Severity::Page,
        "AuthMetricsAbsent",
        // Like the absence of `up == 1`, but with the label `job`, by which this alert inhibits others.
        "sum by (job) (up{job=\"auth\"}) == 0\nor\nabsent(up{job=\"auth\"})",
    )
    .lasts(minutes(5))
    .text(
        "{{ $labels.job }}: no replica can be scraped",
        "All replicas are down, or Prometheus cannot reach or discover them. Until this is fixed, \
         no other alert on the service is reliable.",
    )
    .links("absent", "auth-overview")
}

fn not_ready() -> Alert {
    Alert::new(
        Severity::Ticket,
        "AuthInstanceNotReady",
        "up{job=\"auth\"} unless on (job, instance) auth_ready == 1",
    )
    .lasts(minutes(5))
    .text(
        "{{ $labels.instance }} of {{ $labels.job }} is not ready",
        "The replica cannot be scraped. Or it is up and gets no traffic because its database does \
         not answer or it is shutting down.",
    )
    .links("not-ready", "auth-overview")
}

fn restarts() -> Alert {
    Alert::new(
        Severity::Ticket,
        "AuthRestarting",
        // A start takes milliseconds, so a crash loop looks healthy at most scrapes. A deployment and
        // its rollback are one or two starts.
        "changes(process_start_time_seconds{job=\"auth\"}[30m]) > 3",
    )
    .text(
        "{{ $labels.instance }} of {{ $labels.job }} started {{ $value }} times in 30 \
         minutes",
        "The process ends repeatedly: because of a memory limit, a failing probe, or an error at \
         start-up.",
    )
    .links("restarts", "auth-overview")
}

fn dependency_down(dependency: &str) -> String {
    format!("auth_dependency_up{{dependency=\"{dependency}\"}} == 0")
}

fn database() -> Alert {
    Alert::new(
        Severity::Page,
        "AuthDependencyDown",
        dependency_down("database"),
    )
    .lasts(minutes(2))
    .text(
        "{{ $labels.instance }} of {{ $labels.job }} cannot reach its {{ $labels.dependency }}",
        "Logins, registrations and refreshes get 503. Reads are served from caches for five \
         seconds, then get 503. A full disk counts as down.",
    )
    .links("dependency", "auth-dependencies")
}

fn redis() -> Alert {
    Alert::new(
        Severity::Ticket,
        "AuthDependencyDown",
        dependency_down("redis"),
    )
    .lasts(minutes(2))
    .text(
        "{{ $labels.instance }} of {{ $labels.job }} cannot reach its {{ $labels.dependency }}",
        "No request fails. Each replica counts rate limits on its own, and changes on other \
         replicas take up to five seconds to apply.",
    )
    .links("dependency", "auth-dependencies")
}

fn fallbacks() -> Alert {
    Alert::new(
        Severity::Ticket,
        "AuthRedisFallbacks",
        // A Redis that fails now and then may be up at every scrape. Locally counted limits have an
        // alert of their own.
        "sum by (job, action) (\n  \
         increase(auth_dependency_fallbacks_total{dependency=\"redis\", \
         action!=\"local_limits\"}[5m])\n) > 0",
    )
    .lasts(minutes(10))
    .text(
        "{{ $labels.job }} falls back from Redis: {{ $labels.action }}",
        "Redis has failed or timed out for ten minutes. The database serves the reads instead. \
         Changes that could not be published take up to five seconds to apply on other replicas.",
    )
    .links("redis-fallbacks", "auth-dependencies")
}

fn exporter() -> Alert {
    Alert::new(
        Severity::Ticket,
        "AuthExporterDown",
        // An exporter that cannot log in to its server still has `up` = 1.
        "up{job=~\"postgres|redis\"} == 0\nor\npg_up == 0\nor\nredis_up == 0",
    )
    .lasts(minutes(5))
    .text(
        "The exporter {{ $labels.instance }} of {{ $labels.job }} exports no data",
        "It cannot be scraped, or it cannot log in to its server. The server's own metrics are \
         missing. AuthDependencyDown shows whether the service can use the server.",
    )
    .links("exporters", "auth-dependencies")
}
