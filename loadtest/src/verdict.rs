//! Expectations of a run: objectives of its figures, facts of the server's counters.

use std::fmt;

pub use crate::facts::Fact;
use crate::limit::Limit;
use crate::result::{RunResult, Verdict};
use crate::routes::Route;
use crate::times::millis;

/// Memory of one Argon2id hash with the recommended parameters, in MiB.
const HASH_MIB: f64 = 19.0;
/// Time for which the gate's queue holds a request unless configured otherwise, in seconds.
const QUEUE: f64 = 2.0;

/// The longest time in which somebody may wait and nobody is answered, in seconds: far above what a busy
/// machine makes of an answer, and far below an outage that anybody calls one.
pub const LONGEST_SILENCE: f64 = 2.0;

/// Whether some user was answered all the time. It does not depend on the machine's speed.
#[must_use]
pub fn availability(result: &RunResult) -> Verdict {
    let silence = result.silence;
    Verdict {
        name: format!("never longer than {LONGEST_SILENCE} s without an answer to anybody"),
        held: silence.seconds <= LONGEST_SILENCE,
        detail: format!("{:.2} s, from second {:.1} on", silence.seconds, silence.at),
    }
}

/// A figure of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Median of the users' corrected times.
    P50,
    /// Their 95th percentile.
    P95,
    /// Their 99.9th percentile.
    P999,
    /// The longest of them.
    Longest,
    /// The server's 99th percentile of an operation.
    ServerP99(Route),
    /// Share of requests that failed; refusals do not count.
    Failed,
    /// Peak memory of the server minus memory at start and of its hashes, in MiB.
    MemoryOfHashing,
    /// Growth of memory from the middle to the last third of the run, in MiB.
    MemoryGrowth,
    /// Series added by the run.
    NewSeries,
}

/// Upper bound of a figure.
#[derive(Clone, Copy, Debug)]
pub struct Objective {
    measure: Measure,
    most: Most,
}

/// The bound.
#[derive(Clone, Copy, Debug)]
enum Most {
    /// In the figure's own unit.
    Number(f64),
    /// Of a time.
    Time(Limit),
}

impl Objective {
    /// No failures; refusals are allowed.
    pub const NO_FAILURES: Self = Self::of(Measure::Failed, 0.0);
    /// Memory for requests beside that of the hashes.
    pub const MEMORY_OF_HASHING: Self = Self::of(Measure::MemoryOfHashing, 64.0);
    /// Settled memory does not grow.
    pub const FLAT_MEMORY: Self = Self::of(Measure::MemoryGrowth, 4.0);
    /// A new status adds a histogram of 29 series. A long run may add ten of them; labels per user would
    /// add thousands.
    pub const FEW_NEW_SERIES: Self = Self::of(Measure::NewSeries, 290.0);

    const fn of(measure: Measure, most: f64) -> Self {
        Self {
            measure,
            most: Most::Number(most),
        }
    }

    const fn time(measure: Measure, most: Limit) -> Self {
        Self {
            measure,
            most: Most::Time(most),
        }
    }

    /// The users' median.
    #[must_use]
    pub const fn p50(most: Limit) -> Self {
        Self::time(Measure::P50, most)
    }

    /// The users' 95th percentile.
    #[must_use]
    pub const fn p95(most: Limit) -> Self {
        Self::time(Measure::P95, most)
    }

    /// The server's 99th percentile of an operation.
    #[must_use]
    pub const fn server_p99(route: Route, most: Limit) -> Self {
        Self::time(Measure::ServerP99(route), most)
    }

    /// What is expected of the slowest requests of every scenario: some hashes one behind another; where
    /// the machine is filled, what the gate's queue may hold besides.
    #[must_use]
    pub fn slowest(saturates: bool) -> [Self; 2] {
        let queue = if saturates { QUEUE } else { 0.0 };
        let limit = |hashes| Limit::hashes(hashes).and_seconds(queue);
        [
            Self::time(Measure::P999, limit(20.0)),
            Self::time(Measure::Longest, limit(40.0)),
        ]
    }

    /// Whether it is of what the server measures of requests.
    #[must_use]
    pub const fn is_of_server(self) -> bool {
        matches!(self.measure, Measure::ServerP99(_))
    }

    /// Whether it depends on the machine's speed.
    const fn is_speed(self) -> bool {
        matches!(self.most, Most::Time(_))
    }

    const fn is_memory(self) -> bool {
        matches!(
            self.measure,
            Measure::MemoryOfHashing | Measure::MemoryGrowth
        )
    }

    fn value(self, result: &RunResult) -> Option<f64> {
        let times = &result.corrected;
        match self.measure {
            Measure::P50 => Some(times.p50_ms),
            Measure::P95 => Some(times.p95_ms),
            Measure::P999 => Some(times.p999_ms),
            Measure::Longest => Some(times.max_ms),
            Measure::ServerP99(route) => {
                let name = route.name();
                let mut rows = result.operations.iter();
                let row = rows.find(|row| row.name == name && !row.ramp)?;
                Some(row.server.as_ref()?.p99_ms)
            }
            Measure::Failed => Some(result.failed),
            Measure::MemoryOfHashing => {
                let memory = result.memory.as_ref()?;
                Some(memory.peak - memory.start - HASH_MIB * result.about.hash_permits)
            }
            Measure::MemoryGrowth => Some(result.memory.as_ref()?.growth),
            Measure::NewSeries => {
                Some(result.scrape.series_after as f64 - result.scrape.series_before as f64)
            }
        }
    }

    fn show(self, value: f64) -> String {
        match self.measure {
            Measure::P50
            | Measure::P95
            | Measure::P999
            | Measure::Longest
            | Measure::ServerP99(_) => millis(value),
            Measure::Failed => format!("{:.2} %", value * 100.0),
            Measure::MemoryOfHashing | Measure::MemoryGrowth => format!("{value:.1} MiB"),
            Measure::NewSeries => format!("{value}"),
        }
    }

    /// Compares with the figures of a run.
    #[must_use]
    pub fn judge(self, result: &RunResult, ignore_speed: bool) -> Verdict {
        let machine = &result.yardstick;
        let (most, name) = match self.most {
            Most::Number(most) => (most, self.to_string()),
            Most::Time(limit) => (
                limit.millis(machine),
                format!("{} ≤ {}", self.measure, limit.on(machine)),
            ),
        };
        let value = self.value(result);
        let (held, detail) = match value {
            Some(value) => (value <= most, self.show(value)),
            // Memory is known only of the lab's own server.
            None => (self.is_memory(), "not measured".to_owned()),
        };
        let ignored = ignore_speed && self.is_speed();
        Verdict {
            name,
            held: held || ignored,
            detail: if ignored {
                format!("{detail} (not judged)")
            } else {
                detail
            },
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::P50 => f.write_str("P50"),
            Self::P95 => f.write_str("P95"),
            Self::P999 => f.write_str("P99.9"),
            Self::Longest => f.write_str("longest"),
            Self::ServerP99(route) => write!(f, "P99 of {} on the server", route.name()),
            Self::Failed => f.write_str("failed"),
            Self::MemoryOfHashing => {
                write!(f, "memory beyond start and {HASH_MIB} MiB a hash thread")
            }
            Self::MemoryGrowth => f.write_str("growth of memory from the middle to the last third"),
            Self::NewSeries => f.write_str("new series"),
        }
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.most {
            Most::Number(most) => write!(f, "{} ≤ {}", self.measure, self.show(most)),
            Most::Time(limit) => write!(f, "{} ≤ {limit}", self.measure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::sample as result;

    #[test]
    fn missed_objective_names_itself() {
        let target = Objective::p95(Limit::hashes(2.5));
        let verdict = target.judge(&result(30.0, 70.0, 0.0), false);
        let (name, held) = (verdict.name.as_str(), verdict.held);
        assert_eq!((name, held), ("P95 ≤ 2.5 hashes (25 ms)", false));
        assert_eq!(verdict.detail, "30 ms");
        assert!(target.judge(&result(25.0, 70.0, 0.0), false).held);
        assert!(
            !Objective::NO_FAILURES
                .judge(&result(1.0, 70.0, 0.0001), false)
                .held
        );
    }

    #[test]
    fn corrected_times_are_judged_and_the_longest_among_them() {
        let mut late = result(1.0, 70.0, 0.0);
        late.users.p95_ms = 900.0;
        assert!(Objective::p95(Limit::hashes(2.5)).judge(&late, false).held);
        late.corrected.max_ms = 4_000.0;
        let [p999, longest] = Objective::slowest(true);
        assert!(p999.judge(&late, false).held);
        let verdict = longest.judge(&late, false);
        assert_eq!(verdict.name, "longest ≤ 2.00 s + 40 hashes (2.40 s)");
        assert!(!verdict.held);
    }

    #[test]
    fn ignore_speed_still_judges_failures_and_availability() {
        let slow = result(30.0, 70.0, 0.0001);
        assert!(Objective::p95(Limit::hashes(1.0)).judge(&slow, true).held);
        assert!(!Objective::NO_FAILURES.judge(&slow, true).held);
        let mut silent = result(1.0, 70.0, 0.0);
        assert!(availability(&silent).held);
        silent.silence.seconds = 4.02;
        silent.silence.at = 5.0;
        let verdict = availability(&silent);
        assert!(!verdict.held);
        assert_eq!(verdict.detail, "4.02 s, from second 5.0 on");
    }
}
