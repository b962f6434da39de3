//! One of the results that are merged, with what is read of it.

use testkit::exposition::Exposition;

use crate::result::{ReplicaResult, RunResult};
use crate::shared::SharedRun;

/// A run that was not alone with its server.
#[derive(Debug)]
pub struct Source<'a> {
    /// Its result.
    pub result: &'a RunResult,
    /// What it has left for the merge.
    pub shared: &'a SharedRun,
    /// When its first user came, in seconds after that of all runs.
    pub from: f64,
    /// The server's metrics before the run.
    pub before: Exposition,
    /// Once all of its users had started.
    pub middle: Option<Exposition>,
    /// After it.
    pub after: Exposition,
}

impl Source<'_> {
    /// When its first request was sent and the last one had ended, in seconds after the first user of all runs.
    #[must_use]
    pub fn span(&self) -> Option<[f64; 2]> {
        let parts = [self.shared.ramp, self.shared.steady];
        let parts = parts.into_iter().flatten();
        let [first, last] =
            parts.reduce(|one, other| [one[0].min(other[0]), one[1].max(other[1])])?;
        Some([self.from + first, self.from + last])
    }

    /// The processes that it saw, in the order of their starts: each lab may name them in another one.
    #[must_use]
    pub fn replicas(&self) -> Vec<&ReplicaResult> {
        let mut replicas: Vec<_> = self.result.replicas.iter().collect();
        // Those that were started together are told apart by their names.
        replicas.sort_by(|one, other| {
            let started = one.started.total_cmp(&other.started);
            started.then_with(|| one.ops.cmp(&other.ops))
        });
        replicas
    }
}
