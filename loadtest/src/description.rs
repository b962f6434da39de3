//! What a scenario is, in words, for reports.

use serde::{Deserialize, Serialize};

/// What a scenario is, for its reports.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Description {
    /// Behaviour of its users, in a sentence.
    pub about: String,
    /// Its bottleneck, and why.
    pub bottleneck: String,
    /// Published figures of this load.
    pub reference: Option<Reference>,
}

/// Published figures.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// The system.
    pub system: String,
    /// Requests a second.
    pub per_second: Option<f64>,
    /// Median, in seconds.
    pub p50: Option<f64>,
    /// In seconds.
    pub p95: Option<f64>,
    /// In seconds.
    pub p99: Option<f64>,
    /// Share of requests that failed.
    pub failed: Option<f64>,
}
