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
            "Beside the runtime's workers, of which there is one a core. Near that with *Hashing \
             CPU cores* as high: logins are the load. Without: reads are; add cores or a replica.",
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
            "Rises with `HASH_THREADS` times `HASH_MEMORY_KIB` under logins and comes down after. \
             A slope over hours is a leak: note when it began, restart before the limit, report \
             it.",
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
            "Of what the process may open. Above 80 %: *Connections in use* says whether clients \
             hold them; raise the limit of open files or lower `MAX_CONNECTIONS`.",
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
            "Of `MAX_CONNECTIONS`. At 100 % further clients get 503: *Connections cut off* on \
             Overview tells slow clients from many. Idle ones in number: let the proxy close them \
             sooner.",
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
            "About as many as *Requests per second* on Overview means that clients do not keep \
             connections: every one costs a handshake. Turn keep-alive on at the proxy.",
        )
        .query(
            "{{listener}}",
            per_second("listener", "http_server_connections_closed_total", ""),
        ),
        Panel::new(
            View::TimeSeries,
            Unit::Count,
            "Threads",
            "Workers, hash threads and those that block for the embedded database. A staircase \
             that never comes down is work that blocks for ever: see whether *Tokio queue and \
             tasks* rises, too, and take a stack trace before a restart.",
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
            "How much later than asked a task is woken. Above 50 ms everything waits: the cores \
             are taken (*CPU cores used*), or something blocks a worker (a step with a deploy).",
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
            "Hashing has threads of its own and does not count. Near 100 %, with *CPU cores used* \
             at its workers: reads fill the machine; add cores or a replica.",
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
            "Tasks grow with connections. A queue that stands above 0: too few cores for the \
             load. Tasks that grow while *Connections in use* does not: a leak, report it.",
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
            "Housekeeping should come to its end every `HOUSEKEEPING_INTERVAL` on one replica, \
             the inventory about every minute. Older than an hour: look for failed in \
             *Housekeeping*, and in the log.",
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
            "Turns by what became of them, and rows removed. elsewhere is another replica that \
             does it. failed: the database refuses, see *Dependency errors*. Millions removed \
             after an upgrade are usual once.",
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
            "Each error is one to read: filter the log by level and the time of the hill. Many \
             warnings at once are usually rate limits (*Rate-limit denials by limiter* on \
             Authentication) or a dependency (*Dependency up*).",
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
            "Samples a scrape. Above 5,000 something labels by what it should not: count series \
             by name in Prometheus, and see *Scrape time* for what it costs.",
        )
        .runbook(&["cardinality"])
        .query("{{instance}}", per_instance("scrape_samples_scraped"))
        .steps(&[(5000.0, Color::Warn)])
        .size(12, 7),
        Panel::new(
            View::TimeSeries,
            Unit::Seconds,
            "Scrape time",
            "As Prometheus waits for it, and what the service itself takes to write it. The first \
             alone high: the network or a full machine. Near the scrape timeout data goes \
             missing: *Scrape cost*.",
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
