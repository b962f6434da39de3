//! Metrics of the async runtime.

use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::metrics::{TOKIO_BUSY, TOKIO_DELAY, TOKIO_QUEUE, TOKIO_TASKS, TOKIO_WORKERS};

/// The window of the runtime's busy ratio.
const SAMPLE: Duration = Duration::from_secs(5);
/// The sleep of the scheduling probe.
const PROBE: Duration = Duration::from_millis(10);

/// Measures the scheduling delay: how much longer than asked a sleep takes.
pub(super) async fn observe_delay() {
    loop {
        let start = Instant::now();
        tokio::time::sleep(PROBE).await;
        TOKIO_DELAY.observe((), start.elapsed().saturating_sub(PROBE));
    }
}

/// Samples the runtime's workers, tasks and queue.
pub(super) async fn observe() {
    let runtime = Handle::current().metrics();
    let workers = runtime.num_workers();
    let busy = || -> Duration {
        (0..workers)
            .map(|w| runtime.worker_total_busy_duration(w))
            .sum()
    };
    let count = |value: usize| f64::from(u32::try_from(value).unwrap_or(u32::MAX));
    TOKIO_WORKERS.set((), count(workers));
    let mut tick = tokio::time::interval(SAMPLE);
    let (mut last_busy, mut last) = (busy(), Instant::now());
    loop {
        tick.tick().await;
        TOKIO_TASKS.set((), count(runtime.num_alive_tasks()));
        TOKIO_QUEUE.set((), count(runtime.global_queue_depth()));
        let (now_busy, now) = (busy(), Instant::now());
        let passed = (now - last).as_secs_f64() * count(workers);
        if passed > 0.0 {
            let ratio = now_busy.saturating_sub(last_busy).as_secs_f64() / passed;
            TOKIO_BUSY.set((), ratio.clamp(0.0, 1.0));
        }
        (last_busy, last) = (now_busy, now);
    }
}
