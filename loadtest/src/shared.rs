//! What a run that was not alone with its server leaves for the merge with the others.

use serde::{Deserialize, Serialize};

/// What the report says of such a run.
pub const NOT_COMPARED: &str = "not compared: other generators asked the same server, so what it counted is not compared with this run's \
     requests; `loadtest merge` does that for all of them";

/// What is needed to add up the runs of several generators, beside what every result has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SharedRun {
    /// When the first user came (RFC 3339, with milliseconds).
    pub began: String,
    /// When the first request of the ramp was sent and the last one had ended, in seconds after that.
    pub ramp: Option<[f64; 2]>,
    /// The same after the ramp.
    pub steady: Option<[f64; 2]>,
    /// Requests that the lab itself sent before its users came.
    pub own: Vec<OwnRequest>,
    /// Delays with which the lab was woken, in microseconds, as the other histograms.
    pub delay: String,
    /// What was expected, in the words of scenarios.
    pub expected: Vec<String>,
    /// Whether the scenario fills the machine.
    pub saturates: bool,
    /// Whether speed was not judged.
    pub ignore_speed: bool,
    /// The server's metrics before the first request of this lab, of all replicas together, in Prometheus' text
    /// format.
    pub before: String,
    /// The same once all users had started.
    pub middle: Option<String>,
    /// The same after the run, unless they could not be read.
    pub after: Option<String>,
}

/// Requests of the lab itself with one operation and status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OwnRequest {
    /// Method and route template.
    pub operation: String,
    /// The status.
    pub status: u16,
    /// Their latencies, as the other histograms.
    pub measured: String,
}

/// One of several generators whose runs were added up.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Generator {
    /// Id of its run.
    pub run_id: String,
    /// When its first user came (RFC 3339, with milliseconds).
    pub began: String,
    /// Seconds from its first request to the last answer.
    pub seconds: f64,
    /// The commit of its lab.
    pub revision: String,
    /// Its machine.
    #[cfg_attr(test, schemars(with = "crate::machine_form::MachineForm"))]
    pub machine: testkit::machine::Machine,
    /// Its users.
    pub users: usize,
    /// Requests that it sent.
    pub requests: u64,
    /// Cores that it used itself, where that is known.
    pub cores: Option<f64>,
    /// Its scheduling delay in milliseconds: P50, P95, P99, the longest.
    pub delay: [f64; 4],
    /// Why its own measurements cannot be believed, if so.
    pub invalid: Option<String>,
}
