//! A run as plain data: what its reports say, and what is kept of it in `result.json`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use testkit::exposition::Buckets;
use testkit::machine::Machine;

use crate::Result;
use crate::ledger::Times;
use crate::memory::Memory;
use crate::reconcile::Identity;
use crate::target::About;

/// The version of the result's form.
pub const VERSION: u32 = 1;

/// A run: everything that its reports say. Times are in milliseconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RunResult {
    /// The version of this form.
    pub version: u32,
    /// The scenario.
    pub scenario: String,
    /// What tells this run's data from others'.
    pub run_id: String,
    /// When it began (RFC 3339).
    pub started: String,
    /// The commit of the lab.
    pub revision: String,
    /// The machine of the lab.
    pub machine: Machine,
    /// The server.
    pub about: About,
    /// Whether the server was the lab's own, on the same machine.
    pub spawned: bool,
    /// What was asked for.
    pub load: Load,
    /// How long the users were at it, in seconds.
    pub seconds: f64,
    /// All requests, as the users saw them.
    pub users: Figures,
    /// The same with the requests that slow answers kept from being sent.
    pub corrected: Figures,
    /// All requests, as the server saw them.
    pub server: Figures,
    /// Share that failed.
    pub failed: f64,
    /// Share that was turned away on purpose.
    pub refused: f64,
    /// By operation.
    pub operations: Vec<Operation>,
    /// What failed: operation, status, word, how often.
    pub failures: Vec<(String, u16, String, u64)>,
    /// What the server did, by its own counters.
    pub counters: BTreeMap<String, BTreeMap<String, f64>>,
    /// Processor time, where it is known.
    pub cores: Option<Cores>,
    /// The share of the run in which the server's hash threads were busy.
    pub hashing: f64,
    /// The server's memory, where it is known.
    pub memory: Option<Memory>,
    /// How much later than asked the lab was woken: P50, P95, P99.
    pub delay: [f64; 3],
    /// What `/metrics` was like.
    pub scrape: Scrape,
    /// The identities.
    pub identities: Vec<Identity>,
    /// The objectives, the facts, the baseline.
    pub verdicts: Vec<Verdict>,
}

/// What was asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Load {
    /// Users.
    pub users: usize,
    /// How many came in a second.
    pub rate: f64,
    /// How long they went on once all were there, in seconds.
    pub run_time: f64,
    /// The seed.
    pub seed: u64,
    /// Settings of a server that the lab started, beside its defaults; secrets without their values.
    pub settings: Vec<String>,
}

/// Times of many requests.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Figures {
    /// How many.
    pub count: u64,
    /// How many a second.
    pub per_second: f64,
    /// Mean.
    pub mean_ms: f64,
    /// Median.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
}

/// One operation's requests.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Operation {
    /// Method and route template.
    pub operation: String,
    /// How many by status; `none` without an answer.
    pub statuses: BTreeMap<String, u64>,
    /// As the users saw them.
    pub users: Figures,
    /// As the server saw them.
    pub server: Option<Figures>,
}

/// Cores in use, on average over the run.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Cores {
    /// By the lab.
    pub lab: f64,
    /// By the server.
    pub server: f64,
}

/// What `/metrics` was like.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Scrape {
    /// Series before the run.
    pub series_before: usize,
    /// Series after it.
    pub series_after: usize,
    /// Bytes after it.
    pub bytes: usize,
}

/// What became of an expectation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What was expected.
    pub name: String,
    /// Whether it came.
    pub held: bool,
    /// What came.
    pub detail: String,
}

impl Figures {
    /// Of the users' times.
    #[must_use]
    pub fn of_times(times: &Times, seconds: f64) -> Self {
        let millis = |q| times.value_at_quantile(q) as f64 / 1e3;
        Self {
            count: times.len(),
            per_second: times.len() as f64 / seconds,
            mean_ms: times.mean() / 1e3,
            p50_ms: millis(0.5),
            p95_ms: millis(0.95),
            p99_ms: millis(0.99),
        }
    }

    /// Of the server's histogram.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counters are whole and rise"
    )]
    pub fn of_buckets(buckets: &Buckets, seconds: f64) -> Option<Self> {
        let millis = |q| buckets.quantile(q).map(|value| value * 1e3);
        Some(Self {
            count: buckets.count.round() as u64,
            per_second: buckets.count / seconds,
            mean_ms: buckets.mean()? * 1e3,
            p50_ms: millis(0.5)?,
            p95_ms: millis(0.95)?,
            p99_ms: millis(0.99)?,
        })
    }
}

impl RunResult {
    /// Everything that did not hold, a sentence each.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let identities = self.identities.iter().filter(|one| !one.held);
        let identities =
            identities.map(|one| format!("identity broken: {}: {}", one.name, one.detail));
        let verdicts = self.verdicts.iter().filter(|one| !one.held);
        let verdicts = verdicts.map(|one| format!("missed: {}: {}", one.name, one.detail));
        identities.chain(verdicts).collect()
    }

    /// Reads one.
    ///
    /// # Errors
    /// When the file is none, or of another version.
    pub fn read(file: &Path) -> Result<Self> {
        let name = file.display();
        let text = std::fs::read_to_string(file)
            .map_err(|error| format!("{name} cannot be read: {error}"))?;
        let result: Self = serde_json::from_str(&text)
            .map_err(|error| format!("{name} is no result of a run: {error}"))?;
        if result.version != VERSION {
            return Err(format!(
                "{name} is a result of version {}, not {VERSION}",
                result.version
            )
            .into());
        }
        Ok(result)
    }
}

/// A run with these figures, for tests.
#[cfg(test)]
pub(crate) fn sample(p95_ms: f64, per_second: f64, failed: f64) -> RunResult {
    RunResult {
        scenario: "sentinel".to_owned(),
        users: Figures {
            p50_ms: 0.5,
            p95_ms,
            p99_ms: p95_ms,
            per_second,
            ..Figures::default()
        },
        failed,
        ..RunResult::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_read_as_it_was_written() {
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
            .replace("\"version\":1", "\"version\":0");
        std::fs::write(&file, older).expect("written");
        assert!(
            RunResult::read(&file)
                .expect_err("another version")
                .to_string()
                .contains("version 0")
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
