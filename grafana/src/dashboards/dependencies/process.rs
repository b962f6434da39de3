//! The process, its runtime, and background jobs.

use crate::dashboard::{Color, Panel, Unit, View};
use crate::select::{
    RANGE, SHOWN, gauge, gauge_of_service, of_service, per_second, per_second_of_service, ratio,
    shown_quantile,
};

pub(super) fn process() -> Vec<Panel> {
    vec![
        Panel::new(
            View::TimeSeries,
            Unit::Number,
            "CPU cores used",
            "Cores used, and the runtime's workers (one for each core). Near that number with \
             *Hashing CPU cores* as high: the load is logins. Otherwise it is reads: add cores or \
             a replica.",
        )
        .query(
            "{{instance}}",
            per_second_of_service("instance", "process_cpu_seconds_total"),
        )
        .query(
            "workers {{instance}}",
            gauge("instance", "tokio_runtime_workers", ""),
        )
        .step("1m"),
        Panel::new(
            View::TimeSeries,
            Unit::Bytes,
            "Resident memory",
            "Rises by up to `HASH_THREADS` times `HASH_MEMORY_KIB` during logins and falls \
             afterwards. A steady rise over hours is a leak: note when it began, restart before \
             the limit, report it.",
        )
        .runbook(&["process"])
        .query(
            "{{instance}}",
            gauge_of_service("instance", "process_resident_memory_bytes"),
        ),
        Panel::new(
            View::TimeSeries,
            Unit::Ratio,
            "Open file descriptors",
            "Share of the process' limit. Above 80 %: *Connections in use* shows whether clients \
             hold them. Raise the limit of open files or lower `MAX_CONNECTIONS`.",
        )
        .runbook(&["process"])
        .query(
            "{{instance}}",
            ratio(
                &gauge_of_service("instance", "process_open_fds"),
                &gauge_of_service("instance", "process_max_fds"),
            ),
        )
        .steps(&[(0.8, Color::Bad)]),
        Panel::new(
            View::TimeSeries,
            Unit::Ratio,
            "Connections in use",
            "Share of `MAX_CONNECTIONS`. At 100 % further clients get 503: *Connections cut off* \
             on Overview shows whether clients are slow or many. If most are idle, shorten the \
             proxy's keep-alive.",
        )
        .runbook(&["connections"])
        .query(
            "{{listener}} {{instance}}",
            ratio(
                &gauge("listener, instance", "http_server_open_connections", ""),
                &gauge("listener, instance", "http_server_connection_max", ""),
            ),
        )
        .steps(&[(0.8, Color::Bad)]),
        Panel::new(
            View::TimeSeries,
            Unit::EventRate,
            "Connections closed",
            "If this is close to *Requests per second* on Overview, clients do not reuse \
             connections, and each request costs a handshake. Enable keep-alive at the proxy.",
        )
        .query(
            "{{listener}}",
            per_second("listener", "http_server_connections_closed_total", ""),
        ),
        Panel::new(
            View::TimeSeries,
            Unit::Count,
            "Threads",
            "Runtime workers, hash threads, and threads that block on the embedded database. If \
             the number rises in steps and never falls, work blocks for ever: check whether *Tokio \
             queue and tasks* also rises, and take a stack trace before a restart.",
        )
        .runbook(&["process"])
        .query(
            "{{instance}}",
            gauge_of_service("instance", "process_threads"),
        ),
    ]
}

pub(super) fn runtime() -> Vec<Panel> {
    vec![
        Panel::new(
            View::TimeSeries,
            Unit::Seconds,
            "Tokio scheduling delay P99",
            "How late sleeping tasks are woken. Above 50 ms every request waits: the cores are \
             busy (*CPU cores used*), or something blocks a worker (a step at a deploy).",
        )
        .runbook(&["runtime"])
        .query(
            "P99",
            shown_quantile(0.99, "", "tokio_runtime_scheduling_delay_seconds", ""),
        )
        .steps(&[(0.05, Color::Bad)]),
        Panel::new(
            View::TimeSeries,
            Unit::Ratio,
            "Tokio busy ratio",
            "Hashing has its own threads and is not included. Near 100 % with *CPU cores used* at \
             the number of workers, reads saturate the machine: add cores or a replica.",
        )
        .query(
            "{{instance}}",
            format!("avg by (instance) (tokio_runtime_busy_ratio{{{SHOWN}}})"),
        )
        .steps(&[(0.9, Color::Warn)]),
        Panel::new(
            View::TimeSeries,
            Unit::Count,
            "Tokio queue and tasks",
            "The number of tasks follows the number of connections. A queue that stays above 0: \
             too few cores for the load. Tasks that grow while *Connections in use* does not: a \
             leak, report it.",
        )
        .query(
            "queue {{instance}}",
            gauge("instance", "tokio_runtime_global_queue_depth", ""),
        )
        .query(
            "tasks {{instance}}",
            gauge("instance", "tokio_runtime_alive_tasks", ""),
        ),
    ]
}

pub(super) fn upkeep() -> Vec<Panel> {
    let per_instance = |series: &str| {
        let own = of_service(&format!("{series}{{{SHOWN}}}"));
        format!("max by (instance) ({own})")
    };
    // The gauge is 0 until the first time.
    let since = |at: &str| format!("time() - (max({at}{{{SHOWN}}}) > 0)");
    let increase =
        |by: &str, series: &str| format!("sum by ({by}) (increase({series}{{{SHOWN}}}[{RANGE}]))");
    vec![
        Panel::new(
            View::TimeSeries,
            Unit::Seconds,
            "Since housekeeping and inventory",
            "Housekeeping should complete every `HOUSEKEEPING_INTERVAL` on one replica, the \
             inventory about every minute. Older than an hour: look for failed in *Housekeeping* \
             and for errors in the log.",
        )
        .runbook(&["housekeeping"])
        .query(
            "housekeeping",
            since("auth_housekeeping_last_success_timestamp_seconds"),
        )
        .query(
            "inventory",
            since("auth_inventory_last_success_timestamp_seconds"),
        )
        .steps(&[(3600.0, Color::Bad)])
        .quiet("not since the start"),
        Panel::new(
            View::TimeSeries,
            Unit::Count,
            "Housekeeping",
            "Runs by outcome, and rows removed. elsewhere: another replica runs it. failed: the \
             database refuses, see *Dependency errors*. After an upgrade, millions of rows may be \
             removed once.",
        )
        .runbook(&["housekeeping"])
        .query(
            "turn {{outcome}}",
            increase("outcome", "auth_housekeeping_runs_total"),
        )
        .query(
            "removed {{kind}}",
            increase("kind", "auth_housekeeping_removed_total"),
        ),
        Panel::new(
            View::TimeSeries,
            Unit::EventRate,
            "Warn and error log lines",
            "Read every error: filter the log by level and the time of the peak. Many warnings at \
             once are usually rate limits (*Rate-limit denials by limiter* on Authentication) or a \
             dependency (*Dependency up*).",
        )
        .runbook(&["error-logs"])
        .query(
            "{{level}}",
            per_second("level", "auth_log_events_total", ""),
        ),
        Panel::new(
            View::TimeSeries,
            Unit::Count,
            "Scrape cost",
            "Samples of one scrape. Above 10,000 a label has too many values: count series by name \
             in Prometheus, and see *Scrape time* for the cost.",
        )
        .runbook(&["cardinality"])
        .query("{{instance}}", per_instance("scrape_samples_scraped"))
        .steps(&[(10_000.0, Color::Warn)])
        .size(12, 7),
        Panel::new(
            View::TimeSeries,
            Unit::Seconds,
            "Scrape time",
            "Duration of a scrape as Prometheus sees it, and of rendering in the service. Only the \
             first high: the network or an overloaded machine. Near the scrape timeout, scrapes \
             fail: see *Scrape cost*.",
        )
        .runbook(&["cardinality"])
        .query(
            "scrape {{instance}}",
            per_instance("scrape_duration_seconds"),
        )
        .query(
            "render {{instance}}",
            per_instance("auth_metrics_render_duration_seconds"),
        )
        .steps(&[(1.0, Color::Warn)])
        .size(12, 7),
    ]
}
