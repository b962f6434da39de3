//! Logs, the metrics recorder and the metrics of the async runtime.

mod logging;
mod recorder;
mod runtime;

pub use self::logging::start_logging;
pub use self::recorder::install_recorder;

/// Starts the observation of the runtime, for as long as it lives.
pub fn start_probes() {
    tokio::spawn(runtime::observe_delay());
    tokio::spawn(runtime::observe());
}
