//! Logs, the metrics recorder and the metrics of the async runtime.

mod logging;
mod recorder;
mod runtime;

pub use self::logging::start_logging;
pub use self::recorder::install_recorder;

use metrics_exporter_prometheus::PrometheusHandle;

/// Starts the recorder's upkeep and the observation of the runtime, for as long as the runtime lives.
pub fn start_probes(recorder: PrometheusHandle) {
    tokio::spawn(recorder::upkeep(recorder));
    tokio::spawn(runtime::observe_delay());
    tokio::spawn(runtime::observe());
}
