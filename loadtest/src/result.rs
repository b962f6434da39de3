//! A run as plain data: the content of its reports, and of `result.json`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use testkit::machine::Machine;

use crate::Result;
use crate::about::About;
use crate::description::Description;
use crate::ending::Ending;
use crate::histograms::StoredHistogram;
use crate::memory::Memory;
use crate::pacer::Arrivals;
use crate::reconcile::Identity;
use crate::resources::Resources;
use crate::shared::{Generator, SharedRun};
use crate::silence::LongestSilence;
use crate::timeline::Second;
use crate::times::Figures;
use crate::versioned::Versioned;
use crate::yardstick::Yardstick;

/// The version of the result's form.
pub const VERSION: u32 = 2;

/// A run: everything that its reports say. Times are in milliseconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunResult {
    /// The version of this form.
    pub version: u32,
    /// Whether everything held.
    #[serde(default)]
    pub held: bool,
    /// The scenario.
    pub scenario: String,
    /// What it is.
    #[serde(default)]
    pub description: Option<Description>,
    /// How it ended.
    pub ending: Ending,
    /// Why it ended before its time, or is invalid.
    pub because: Option<String>,
    /// Id of the run.
    pub run_id: String,
    /// When it began (RFC 3339).
    pub started: String,
    /// The commit of the lab.
    pub revision: String,
    /// The machine of the lab.
    #[cfg_attr(test, schemars(with = "crate::machine_form::MachineForm"))]
    pub machine: Machine,
    /// The server.
    pub about: About,
    /// Whether the server was the lab's own, on the same machine.
    pub spawned: bool,
    /// The load.
    pub load: Load,
    /// What the machine can do.
    pub yardstick: Yardstick,
    /// Seconds from the first request to the last answer.
    pub seconds: f64,
    /// Requests that were sent.
    pub requests: u64,
    /// Successful requests after the ramp, measured by the users.
    pub users: Figures,
    /// The same, corrected for coordinated omission.
    pub corrected: Figures,
    /// Refused requests after the ramp.
    pub refusals: Figures,
    /// Failed requests after the ramp.
    pub failing: Figures,
    /// Successful requests of the ramp.
    pub ramp: Figures,
    /// Successful requests after the ramp, measured by the server.
    pub server: Figures,
    /// Share that failed or could not be sent, of the whole run.
    pub failed: f64,
    /// Share that was refused on purpose, of the whole run.
    pub refused: f64,
    /// The longest time in which somebody waited and nobody was answered.
    pub silence: LongestSilence,
    /// Both sides, second by second.
    pub timeline: Vec<Second>,
    /// The users' latencies.
    pub histograms: Vec<StoredHistogram>,
    /// By operation.
    pub operations: Vec<Operation>,
    /// Failures by kind.
    pub failures: Vec<Failure>,
    /// Increases of the server's counters, by labels.
    pub counters: BTreeMap<String, BTreeMap<String, f64>>,
    /// Processor time, where it is known.
    pub cores: Option<Cores>,
    /// Share of the run in which the hash threads were busy.
    pub hashing: f64,
    /// The server's memory, where it is known.
    pub memory: Option<Memory>,
    /// What was in use after the ramp.
    #[serde(default)]
    pub resources: Option<Resources>,
    /// Its processes.
    #[serde(default)]
    pub replicas: Vec<ReplicaResult>,
    /// Scheduling delay of the lab in milliseconds: P50, P95, P99, the longest.
    pub delay: [f64; 4],
    /// Size of `/metrics`.
    pub scrape: Scrape,
    /// What became of the arrivals, where they have a rate.
    #[serde(default)]
    pub arrivals: Vec<Arrivals>,
    /// The identities.
    pub identities: Vec<Identity>,
    /// The objectives, the facts, the baseline.
    pub verdicts: Vec<Verdict>,
    /// For the merge, where other generators asked the same server: then nothing is compared with its counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<SharedRun>,
    /// The generators whose runs are added up here; empty for a run of one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub generators: Vec<Generator>,
}

/// The load.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Load {
    /// Users.
    pub users: usize,
    /// Users started per second.
    pub rate: f64,
    /// Run time after all had started, in seconds.
    pub run_time: f64,
    /// The seed.
    pub seed: u64,
    /// Rates at which steps begin, by kind of users.
    #[serde(default)]
    pub arrivals: Vec<String>,
    /// Settings of a server that the lab started, with secrets hidden.
    pub settings: Vec<String>,
}

/// One operation's requests.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Operation {
    /// Method and route template.
    #[serde(rename = "operation")]
    pub name: String,
    /// Whether these are the requests of the ramp.
    pub ramp: bool,
    /// Requests by status; `none` without an answer.
    pub statuses: BTreeMap<String, u64>,
    /// Successful ones, measured by the users.
    pub users: Figures,
    /// Refused ones.
    pub refusals: Figures,
    /// Successful ones, measured by the server.
    pub server: Option<Figures>,
}

/// Failures of one kind.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Failure {
    /// Method and route template.
    pub operation: String,
    /// The status; 0 without an answer.
    pub status: u16,
    /// The problem's type, or why there was no answer.
    pub word: String,
    /// Whether the requests were sent at all.
    pub sent: bool,
    /// Their number.
    pub count: u64,
    /// Ids of up to three of them, to look up in the server's log.
    pub request_ids: Vec<String>,
}

/// Cores in use, on average over the run.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cores {
    /// By the lab.
    pub lab: f64,
    /// By the server, where its processes are known.
    pub server: Option<f64>,
}

/// One process of the server.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReplicaResult {
    /// Where its metrics are.
    pub ops: String,
    /// Its version.
    pub version: String,
    /// When it was started, in seconds since 1970.
    pub started: f64,
    /// Requests that it had answered before the run.
    #[serde(default)]
    pub answered_before: Option<f64>,
    /// Requests that it answered during the run.
    pub requests: f64,
    /// Its resident memory after the run.
    pub memory_mib: f64,
}

/// Size of `/metrics`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Scrape {
    /// Series before the run.
    pub series_before: usize,
    /// Series after it.
    pub series_after: usize,
    /// Bytes after it.
    pub bytes: usize,
}

/// Result of an expectation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Verdict {
    /// The expectation.
    pub name: String,
    /// Whether it was met.
    pub held: bool,
    /// The measured value.
    pub detail: String,
}

impl RunResult {
    /// Every expectation, the verdicts first: its name, whether it held, what was found.
    pub fn expectations(&self) -> impl Iterator<Item = (&str, bool, &str)> {
        let verdicts = self.verdicts.iter();
        let verdicts = verdicts.map(|one| (one.name.as_str(), one.held, one.detail.as_str()));
        let identities = self.identities.iter();
        verdicts.chain(identities.map(|one| (one.name.as_str(), one.held, one.detail.as_str())))
    }

    /// Everything that did not hold, one sentence each.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let identities = self.identities.iter().filter(|one| !one.held);
        let identities =
            identities.map(|one| format!("identity broken: {}: {}", one.name, one.detail));
        let verdicts = self.verdicts.iter().filter(|one| !one.held);
        let verdicts = verdicts.map(|one| format!("missed: {}: {}", one.name, one.detail));
        identities.chain(verdicts).collect()
    }

    /// Reads one: a file, or the folder that it is in.
    ///
    /// # Errors
    /// When it is none, or of another version.
    pub fn read(path: &Path) -> Result<Self> {
        let form = Versioned {
            file: "result.json",
            version: VERSION,
            other_form: "is no result of a run",
            other_version: "is a result of version",
        };
        form.read(path)
    }
}

/// A run with these figures, for tests.
#[cfg(test)]
pub(crate) fn sample(p95_ms: f64, per_second: f64, failed: f64) -> RunResult {
    let figures = Figures {
        p50_ms: 0.5,
        p95_ms,
        p99_ms: p95_ms,
        ..Figures::default()
    };
    RunResult {
        scenario: "sentinel".to_owned(),
        users: Figures {
            per_second,
            ..figures
        },
        corrected: figures,
        yardstick: Yardstick {
            hash_ms: 10.0,
            round_trip_ms: 0.1,
        },
        failed,
        ..RunResult::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_survives_writing_and_reading() {
        let folder = tempfile::tempdir().expect("a folder");
        let result = RunResult {
            version: VERSION,
            scenario: "sentinel".to_owned(),
            ..RunResult::default()
        };
        let file = folder.path().join("result.json");
        let json = serde_json::to_string(&result).expect("JSON");
        std::fs::write(&file, json).expect("written");
        assert_eq!(RunResult::read(&file).expect("read").scenario, "sentinel");
        let older = std::fs::read_to_string(&file)
            .expect("read")
            .replace("\"version\":2", "\"version\":0");
        std::fs::write(&file, older).expect("written");
        assert!(
            RunResult::read(&file)
                .expect_err("another version")
                .to_string()
                .contains("version 0")
        );
        std::fs::write(&file, r#"{"version":1,"cores":"of another form"}"#).expect("written");
        let error = RunResult::read(&file)
            .expect_err("another form")
            .to_string();
        assert!(
            error.ends_with("is a result of version 1, not 2"),
            "{error}"
        );
        std::fs::write(&file, "{}").expect("written");
        assert!(
            RunResult::read(&file)
                .expect_err("no result")
                .to_string()
                .contains("no result")
        );
    }
}
