//! Alerts on saturation: hash threads, connections, descriptors, memory.

use super::{Alert, Group, RuleFile, Severity, minutes};
use crate::select::quantile;

/// A replica's memory limit in GiB: that of its container in the compose file, as a test checks. The
/// service cannot see it; if yours differs, change it here.
pub const MEMORY_LIMIT_GIB: u32 = 1;

pub(super) fn file() -> RuleFile {
    RuleFile {
        name: "saturation.yml",
        about: "Saturation: hash threads, connections, file descriptors, memory.",
        groups: vec![
            Group {
                name: "auth-hashing",
                records: Vec::new(),
                alerts: vec![hash_queue(), hash_shedding()],
            },
            Group {
                name: "auth-connections",
                records: Vec::new(),
                alerts: vec![
                    db_pool(),
                    connections(),
                    source_connections(),
                    accept_errors(),
                    tls_reload(),
                    tls_expiry(),
                    descriptors(),
                ],
            },
            Group {
                name: "auth-process",
                records: Vec::new(),
                alerts: vec![runtime(), memory()],
            },
        ],
    }
}

fn hash_queue() -> Alert {
    let wait = quantile(
        0.9,
        "job, instance",
        "auth_password_hash_queue_wait_seconds",
        "",
        "5m",
    );
    Alert::new(
        Severity::Ticket,
        "AuthPasswordHashQueueSaturated",
        format!(
            "{wait} > 0.1\nand on (job, instance)\n\
             max_over_time(auth_password_hash_in_flight[5m]) >= on (job, instance) \
             auth_password_hash_permits"
        ),
    )
    .lasts(minutes(10))
    .text(
        "{{ $labels.instance }} of {{ $labels.job }}: one hash in ten waits longer than \
         {{ $value | humanizeDuration }}",
        "Every thread of the hash gate is busy and logins wait. None is refused yet.",
    )
    .links("hash-queue", "auth-dependencies")
}

fn hash_shedding() -> Alert {
    let refused = "auth_password_hash_rejected_total";
    let done = "auth_password_hash_duration_seconds_count";
    let rate = |counter| format!("sum by (job) (rate({counter}[5m]))");
    let (refused_rate, done_rate) = (rate(refused), rate(done));
    Alert::new(
        Severity::Page,
        "AuthPasswordHashShedding",
        format!(
            "{refused_rate}\n/\n({refused_rate} + {done_rate}) > 0.01\nand on (job)\n\
             sum by (job) (increase({refused}[5m])) > 5"
        ),
    )
    .lasts(minutes(5))
    .text(
        "{{ $labels.job }} refuses {{ $value | humanizePercentage }} of password work",
        "More logins, registrations and password changes arrive than can be hashed. The rest get \
         503 with Retry-After. Other requests are not affected.",
    )
    .links("hash-shed", "auth-dependencies")
}

fn db_pool() -> Alert {
    let by = "job, instance, db_client_connection_pool_name";
    Alert::new(
        Severity::Page,
        "AuthDbPoolExhausted",
        // On average: a scrape of a busy pool of one connection always finds it full.
        format!(
            "sum by ({by}) (increase(db_client_connection_timeouts_total[5m])) > 0\n\
             or\n\
             sum by ({by}) (\n  \
             avg_over_time(db_client_connections{{db_client_connection_state=\"used\"}}[5m])\n)\n\
             / on ({by})\n\
             db_client_connection_max > 0.9"
        ),
    )
    .lasts(minutes(5))
    .text(
        "{{ $labels.instance }} of {{ $labels.job }}: no free connection in the pool \
         {{ $labels.db_client_connection_pool_name }}",
        "Requests waited for a connection until the timeout and got 503, or more than 90 % of the \
         connections have been in use for minutes.",
    )
    .links("db-pool", "auth-dependencies")
}

fn connections() -> Alert {
    Alert::new(
        Severity::Ticket,
        "AuthConnectionsExhausted",
        "http_server_open_connections / http_server_connection_max > 0.9",
    )
    .lasts(minutes(5))
    .text(
        "{{ $labels.instance }} of {{ $labels.job }}: {{ $value | humanizePercentage }} of the \
         listener's connections are in use ({{ $labels.listener }})",
        "At the limit, further clients get 503 or wait in the listen backlog, which no metric \
         shows.",
    )
    .links("connections", "auth-dependencies")
}

fn source_connections() -> Alert {
    Alert::new(
        Severity::Ticket,
        "AuthSourceConnectionsRefused",
        "sum by (job, instance) (increase(http_server_connections_closed_total\
         {listener=\"api\", reason=\"source\"}[10m])) > 100",
    )
    .lasts(minutes(5))
    .text(
        "{{ $labels.instance }} of {{ $labels.job }} refused {{ $value | humanize }} connections \
         of sources at their limit",
        "One address opens too many connections, or TRUSTED_PROXIES lacks a proxy, whose clients \
         get 503.",
    )
    .links("connections", "auth-overview")
}

fn accept_errors() -> Alert {
    Alert::new(
        Severity::Ticket,
        "AuthAcceptErrors",
        "sum by (job, instance, listener) \
         (increase(http_server_accept_errors_total[5m])) > 0",
    )
    .text(
        "{{ $labels.instance }} of {{ $labels.job }} could not accept connections \
         ({{ $labels.listener }})",
        "The operating system refused a file descriptor or memory. Clients see failed connections, \
         and no request is counted.",
    )
    .links("accept-errors", "auth-dependencies")
}

fn tls_reload() -> Alert {
    Alert::new(
        Severity::Ticket,
        "AuthTlsReloadFailed",
        "sum by (job, instance) \
         (increase(http_server_tls_reloads_total{outcome=\"failure\"}[1h])) > 0",
    )
    .text(
        "{{ $labels.instance }} of {{ $labels.job }} could not reload its changed certificate",
        "The previous certificate stays in use and will expire. The log says what is wrong with \
         the files.",
    )
    .links("tls-certificate", "auth-overview")
}

fn tls_expiry() -> Alert {
    Alert::new(
        Severity::Ticket,
        "AuthTlsCertificateExpires",
        // The gauge is 0 where TLS ends in front of the service.
        "min by (job, instance) (\n  \
         (http_server_tls_certificate_not_after_timestamp_seconds > 0) - time()\n\
         ) < 14 * 86400",
    )
    .text(
        "{{ $labels.instance }} of {{ $labels.job }}: the certificate expires in \
         {{ $value | humanizeDuration }}",
        "Its renewal failed, or stored the new one elsewhere. Once it has expired, clients refuse to \
         connect.",
    )
    .links("tls-certificate", "auth-overview")
}

fn descriptors() -> Alert {
    Alert::new(
        Severity::Ticket,
        "AuthFileDescriptorsLow",
        "process_open_fds{job=\"auth\"} / process_max_fds{job=\"auth\"} > 0.8",
    )
    .lasts(minutes(5))
    .text(
        "{{ $labels.instance }} of {{ $labels.job }} has {{ $value | humanizePercentage }} of its \
         file descriptors open",
        "The service refuses connections before it runs out, to keep descriptors for the database, \
         probes and metrics.",
    )
    .links("process", "auth-dependencies")
}

fn runtime() -> Alert {
    let delay = quantile(
        0.99,
        "job, instance",
        "tokio_runtime_scheduling_delay_seconds",
        "",
        "5m",
    );
    Alert::new(
        Severity::Ticket,
        "AuthRuntimeBlocked",
        format!("{delay} > 0.05"),
    )
    .lasts(minutes(10))
    .text(
        "{{ $labels.instance }} of {{ $labels.job }}: tasks are woken \
         {{ $value | humanizeDuration }} late at the 99th percentile",
        "The runtime's threads are held up: by blocking work, or because the machine has no CPU \
         time left.",
    )
    .links("runtime", "auth-dependencies")
}

fn memory() -> Alert {
    let resident = "process_resident_memory_bytes{job=\"auth\"}";
    Alert::new(
        Severity::Ticket,
        "AuthMemoryGrowth",
        // The second condition excludes the growth of a service that has just started.
        format!(
            "predict_linear({resident}[1h], 4 * 3600) > {MEMORY_LIMIT_GIB} * 1024 ^ 3\nand\n\
             {resident} > {MEMORY_LIMIT_GIB} * 1024 ^ 3 / 4"
        ),
    )
    .lasts(minutes(30))
    .text(
        "{{ $labels.instance }} of {{ $labels.job }} will take {{ $value | humanize1024 }}B \
         of memory in four hours",
        "Its memory grows towards the limit. At the limit the operating system kills it.",
    )
    .links("process", "auth-dependencies")
}
