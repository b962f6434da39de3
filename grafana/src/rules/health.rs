//! Alerts on internal faults that users may not notice yet.

use super::{Alert, Group, RuleFile, Severity, minutes};

pub(super) fn file() -> RuleFile {
    RuleFile {
        name: "health.yml",
        about: "Internal faults that users may not notice yet.",
        groups: vec![Group {
            name: "auth-health",
            records: Vec::new(),
            alerts: vec![panic(), errors(), housekeeping(), scrape()],
        }],
    }
}

fn panic() -> Alert {
    Alert::new(
        Severity::Ticket,
        "AuthPanic",
        "sum by (job, instance) (increase(http_server_panics_total[5m])) > 0",
    )
    .text(
        "{{ $labels.instance }} of {{ $labels.job }}: a handler panicked",
        "The request got 500 and the service continues. It is a bug.",
    )
    .links("panic", "auth-overview")
}

fn errors() -> Alert {
    Alert::new(
        Severity::Ticket,
        "AuthErrorLogs",
        // Background failures have no response, so no other alert sees them.
        "sum by (job, instance) (increase(auth_log_events_total{level=\"error\"}[15m])) > 10",
    )
    .text(
        "{{ $labels.instance }} of {{ $labels.job }} logged {{ $value | printf \"%.0f\" }} \
         errors in 15 minutes",
        "Background work or a request failed. The log has the cause.",
    )
    .links("error-logs", "auth-dependencies")
}

fn housekeeping() -> Alert {
    Alert::new(
        Severity::Ticket,
        "AuthHousekeepingStale",
        // The gauge is 0 on a replica that has seen no run. If none has seen one, count from the start
        // of the oldest replica, so that a replica that keeps restarting does not hide it.
        "time() - (\n  \
         max by (job) (auth_housekeeping_last_success_timestamp_seconds > 0)\n  \
         or min by (job) (process_start_time_seconds{job=\"auth\"})\n) > 3600",
    )
    // A service that was off for hours gets time for its first run.
    .lasts(minutes(5))
    .text(
        "{{ $labels.job }}: housekeeping last completed {{ $value | humanizeDuration }} ago",
        "Ended sessions and used refresh tokens accumulate in the database. Housekeeping runs \
         every five minutes, on one replica for all.",
    )
    .links("housekeeping", "auth-dependencies")
}

fn scrape() -> Alert {
    Alert::new(
        Severity::Ticket,
        "AuthScrapeTooLarge",
        "scrape_samples_scraped{job=\"auth\"} > 10000",
    )
    .lasts(minutes(15))
    .text(
        "{{ $labels.instance }} of {{ $labels.job }} exports {{ $value }} series",
        "A label has more values than it should, or the catalogue has grown. Each series costs \
         memory in Prometheus.",
    )
    .links("cardinality", "auth-dependencies")
}
