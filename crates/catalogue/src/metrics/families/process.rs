//! The process itself: build, logs, scrapes, the async runtime, the operating system's figures.

use metrics::{Counter, Gauge, Histogram};

use super::buckets::{DELAYS, NONE};
use super::families;
use crate::metrics::family::{Family, OpenFamily};
use crate::metrics::labels::LogLevel;

families! {
    READY: Family<Gauge, ()> = (
        "auth_ready", "", "1 while the service is ready, as its load balancer sees it.", NONE);
    BUILD_INFO: OpenFamily<Gauge> = (
        "auth_build_info", "", "What is running, as labels; always 1.", NONE,
        &[
            ("version", "one"), ("revision", "one"), ("rust_version", "one"), ("target", "one"),
        ],
    );
    LOG_EVENTS: Family<Counter, LogLevel> = (
        "auth_log_events_total", "", "Log lines at warn and above.", NONE);
    RENDER_DURATION: Family<Gauge, ()> = (
        "auth_metrics_render_duration_seconds", "seconds", "Time the last scrape took to render.", NONE);
    TOKIO_WORKERS: Family<Gauge, ()> = (
        "tokio_runtime_workers", "", "Worker threads of the async runtime.", NONE);
    TOKIO_TASKS: Family<Gauge, ()> = (
        "tokio_runtime_alive_tasks", "", "Tasks alive in the async runtime.", NONE);
    TOKIO_QUEUE: Family<Gauge, ()> = (
        "tokio_runtime_global_queue_depth", "", "Tasks waiting in the runtime's global queue.", NONE);
    TOKIO_BUSY: Family<Gauge, ()> = (
        "tokio_runtime_busy_ratio", "", "Share of the last five seconds that workers were busy, 0 to 1.", NONE);
    TOKIO_DELAY: Family<Histogram, ()> = (
        "tokio_runtime_scheduling_delay_seconds", "seconds",
        "How much later than asked a sleeping task is woken: shows a blocked runtime.", DELAYS);
    PROCESS_CPU: OpenFamily<Counter> = (
        "process_cpu_seconds_total", "seconds", "User and system CPU time, whole seconds.", NONE, &[]);
    PROCESS_FDS: OpenFamily<Gauge> = (
        "process_open_fds", "", "Open file descriptors.", NONE, &[]);
    PROCESS_MAX_FDS: OpenFamily<Gauge> = (
        "process_max_fds", "", "The most file descriptors the process may open.", NONE, &[]);
    PROCESS_VIRTUAL: OpenFamily<Gauge> = (
        "process_virtual_memory_bytes", "bytes", "Virtual memory size.", NONE, &[]);
    PROCESS_VIRTUAL_MAX: OpenFamily<Gauge> = (
        "process_virtual_memory_max_bytes", "bytes", "The most virtual memory there may be.", NONE, &[]);
    PROCESS_RESIDENT: OpenFamily<Gauge> = (
        "process_resident_memory_bytes", "bytes", "Resident memory size.", NONE, &[]);
    PROCESS_START: OpenFamily<Gauge> = (
        "process_start_time_seconds", "seconds", "When the process started.", NONE, &[]);
    PROCESS_THREADS: OpenFamily<Gauge> = (
        "process_threads", "", "Threads of the process.", NONE, &[]);
}
