//! The process itself: build, logs, scrapes, the async runtime, the operating system's figures.

use metrics::{Counter, Gauge, Histogram};

use super::buckets::{DELAYS, NONE};
use super::families;
use crate::metrics::family::{Family, OpenFamily};
use crate::metrics::labels::LogLevel;

families! {
    READY: Family<Gauge, ()> = (
        "auth_ready", "", "1 while the service is ready (`/readyz`), else 0.", NONE);
    BUILD_INFO: OpenFamily<Gauge> = (
        "auth_build_info", "", "Version and build of the service, as labels; always 1.", NONE,
        &[
            ("version", "one"), ("revision", "one"), ("rust_version", "one"), ("target", "one"),
        ],
    );
    LOG_EVENTS: Family<Counter, LogLevel> = (
        "auth_log_events_total", "", "Log lines at warn and above.", NONE);
    RENDER_DURATION: Family<Gauge, ()> = (
        "auth_metrics_render_duration_seconds", "seconds",
        "Duration of rendering the last scrape.", NONE);
    TOKIO_WORKERS: Family<Gauge, ()> = (
        "tokio_runtime_workers", "", "Worker threads of the async runtime.", NONE);
    TOKIO_TASKS: Family<Gauge, ()> = (
        "tokio_runtime_alive_tasks", "", "Tasks alive in the async runtime.", NONE);
    TOKIO_QUEUE: Family<Gauge, ()> = (
        "tokio_runtime_global_queue_depth", "", "Tasks waiting in the runtime's global queue.", NONE);
    TOKIO_BUSY: Family<Gauge, ()> = (
        "tokio_runtime_busy_ratio", "",
        "Share of the last five seconds in which the workers were busy, 0 to 1.", NONE);
    TOKIO_DELAY: Family<Histogram, ()> = (
        "tokio_runtime_scheduling_delay_seconds", "seconds",
        "How late sleeping tasks are woken: high while the runtime is blocked.", DELAYS);
    PROCESS_CPU: OpenFamily<Counter> = (
        "process_cpu_seconds_total", "seconds", "User and system CPU time, in whole seconds.", NONE, &[]);
    PROCESS_FDS: OpenFamily<Gauge> = (
        "process_open_fds", "", "Open file descriptors.", NONE, &[]);
    PROCESS_MAX_FDS: OpenFamily<Gauge> = (
        "process_max_fds", "", "Maximum number of open file descriptors.", NONE, &[]);
    PROCESS_VIRTUAL: OpenFamily<Gauge> = (
        "process_virtual_memory_bytes", "bytes", "Virtual memory size.", NONE, &[]);
    PROCESS_VIRTUAL_MAX: OpenFamily<Gauge> = (
        "process_virtual_memory_max_bytes", "bytes",
        "Maximum amount of virtual memory available.", NONE, &[]);
    PROCESS_RESIDENT: OpenFamily<Gauge> = (
        "process_resident_memory_bytes", "bytes", "Resident memory size.", NONE, &[]);
    PROCESS_START: OpenFamily<Gauge> = (
        "process_start_time_seconds", "seconds", "Start time of the process.", NONE, &[]);
    PROCESS_THREADS: OpenFamily<Gauge> = (
        "process_threads", "", "Threads of the process.", NONE, &[]);
}
