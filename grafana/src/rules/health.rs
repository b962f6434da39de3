//! Alerts on faults of the service's own that its users need not notice yet.

use std::time::Duration;

use super::{Alert, Group, RuleFile, Severity, minutes};

pub(super) fn file() -> RuleFile {
    RuleFile {
        name: "health.yml",
        about: "Faults of the service's own that its users need not notice yet.",
        groups: vec![Group {
            name: "auth-health",
            records: Vec::new(),
            alerts: vec![panic(), errors(), housekeeping(), scrape()],
        }],
    }
}

fn panic() -> Alert {
    Alert {
        name: "AuthPanic",
        expr: "sum by (job, instance) (increase(http_server_panics_total[5m])) > 0".to_owned(),
        lasts: Duration::ZERO,
        severity: Severity::Ticket,
        window: None,
        summary: "{{ $labels.instance }} of {{ $labels.job }}: a handler panicked".into(),
        description: "The request got 500 and the service went on. It is a bug.".into(),
        runbook: "panic",
        dashboard: "auth-overview",
    }
}

fn errors() -> Alert {
    Alert {
        name: "AuthErrorLogs",
        // What fails in the background is answered to nobody, so that no other alert sees it.
        expr: "sum by (job, instance) (increase(auth_log_events_total{level=\"error\"}[15m])) > 10"
            .to_owned(),
        lasts: Duration::ZERO,
        severity: Severity::Ticket,
        window: None,
        summary:
            "{{ $labels.instance }} of {{ $labels.job }} logged {{ $value | printf \"%.0f\" }} \
                  errors in 15 minutes"
                .into(),
        description: "Something of the service's own failed. The log says what.".into(),
        runbook: "error-logs",
        dashboard: "auth-dependencies",
    }
}

fn housekeeping() -> Alert {
    Alert {
        name: "AuthHousekeepingStale",
        // The gauge is 0 where no run was ever seen. When no replica saw one, it counts from the start
        // of the oldest: one that starts again and again shall not hide it.
        expr: "time() - (\n  \
               max by (job) (auth_housekeeping_last_success_timestamp_seconds > 0)\n  \
               or min by (job) (process_start_time_seconds{job=\"auth\"})\n) > 3600"
            .to_owned(),
        // One that was switched off for hours looks first and cleans then.
        lasts: minutes(5),
        severity: Severity::Ticket,
        window: None,
        summary:
            "{{ $labels.job }}: the housekeeping last ended {{ $value | humanizeDuration }} ago"
                .into(),
        description:
            "Sessions and used refresh tokens pile up in the database. It runs every five \
                      minutes on one replica for all."
                .into(),
        runbook: "housekeeping",
        dashboard: "auth-dependencies",
    }
}

fn scrape() -> Alert {
    Alert {
        name: "AuthScrapeTooLarge",
        expr: "scrape_samples_scraped{job=\"auth\"} > 5000".to_owned(),
        lasts: minutes(15),
        severity: Severity::Ticket,
        window: None,
        summary: "{{ $labels.instance }} of {{ $labels.job }} exports {{ $value }} series".into(),
        description: "A label has taken more values than it should, or the catalogue has grown: \
                      Prometheus pays for each."
            .into(),
        runbook: "cardinality",
        dashboard: "auth-dependencies",
    }
}
