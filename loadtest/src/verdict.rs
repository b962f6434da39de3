//! Expectations of a run: objectives of its figures, facts of the server's counters.

use std::fmt;

use testkit::exposition::Between;

use crate::result::{RunResult, Verdict};
use crate::routes::Route;

/// Memory of one Argon2id hash with the recommended parameters, in MiB.
const HASH_MIB: f64 = 19.0;

/// A figure of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Median of the users' times, in seconds.
    P50,
    /// Their 95th percentile.
    P95,
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
    most: f64,
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
        Self { measure, most }
    }

    /// The users' median, in seconds.
    #[must_use]
    pub const fn p50(most: f64) -> Self {
        Self::of(Measure::P50, most)
    }

    /// The users' 95th percentile, in seconds.
    #[must_use]
    pub const fn p95(most: f64) -> Self {
        Self::of(Measure::P95, most)
    }

    /// The server's 99th percentile of an operation, in seconds.
    #[must_use]
    pub const fn server_p99(route: Route, most: f64) -> Self {
        Self::of(Measure::ServerP99(route), most)
    }

    /// Whether it depends on the machine's speed.
    const fn is_speed(self) -> bool {
        matches!(
            self.measure,
            Measure::P50 | Measure::P95 | Measure::ServerP99(_)
        )
    }

    const fn is_memory(self) -> bool {
        matches!(
            self.measure,
            Measure::MemoryOfHashing | Measure::MemoryGrowth
        )
    }

    fn value(self, result: &RunResult) -> Option<f64> {
        match self.measure {
            Measure::P50 => Some(result.users.p50_ms / 1e3),
            Measure::P95 => Some(result.users.p95_ms / 1e3),
            Measure::ServerP99(route) => {
                let name = route.name();
                let row = result.operations.iter().find(|row| row.name == name)?;
                Some(row.server.as_ref()?.p99_ms / 1e3)
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
            Measure::P50 | Measure::P95 | Measure::ServerP99(_) => format!("{:.2} ms", value * 1e3),
            Measure::Failed => format!("{:.2} %", value * 100.0),
            Measure::MemoryOfHashing | Measure::MemoryGrowth => format!("{value:.1} MiB"),
            Measure::NewSeries => format!("{value}"),
        }
    }

    /// Compares with the figures of a run.
    #[must_use]
    pub fn judge(self, result: &RunResult, ignore_speed: bool) -> Verdict {
        let value = self.value(result);
        let (held, detail) = match value {
            Some(value) => (value <= self.most, self.show(value)),
            // Memory is known only of the lab's own server.
            None => (self.is_memory(), "not measured".to_owned()),
        };
        let ignored = ignore_speed && self.is_speed();
        Verdict {
            name: self.to_string(),
            held: held || ignored,
            detail: if ignored {
                format!("{detail} (not judged)")
            } else {
                detail
            },
        }
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.measure {
            Measure::P50 => "P50".to_owned(),
            Measure::P95 => "P95".to_owned(),
            Measure::ServerP99(route) => format!("P99 of {} on the server", route.name()),
            Measure::Failed => "failed".to_owned(),
            Measure::MemoryOfHashing => {
                format!("memory beyond start and {HASH_MIB} MiB a hash thread")
            }
            Measure::MemoryGrowth => {
                "growth of memory from the middle to the last third".to_owned()
            }
            Measure::NewSeries => "new series".to_owned(),
        };
        write!(f, "{name} ≤ {}", self.show(self.most))
    }
}

/// Expected behaviour of a counter.
#[derive(Clone, Copy, Debug)]
enum Rule {
    Still,
    Moved,
    /// A gauge at zero after the run.
    Zero,
}

/// An expectation of the server's counters.
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    /// In words.
    pub name: &'static str,
    metric: &'static str,
    labels: &'static [(&'static str, &'static str)],
    rule: Rule,
}

impl Fact {
    /// The queue of the hash gate is empty.
    pub const IDLE_GATE: Self = Self {
        name: "the hash gate's queue is empty afterwards",
        metric: "auth_password_hash_queue_depth",
        labels: &[],
        rule: Rule::Zero,
    };
    /// The hash gate refused logins.
    pub const SHED: Self = Self::moved(
        "the hash gate sheds load",
        "auth_password_hash_rejected_total",
        &[],
    );
    /// Requests were denied.
    pub const DENIALS: Self = Self::moved(
        "denials are counted",
        "auth_rbac_decisions_total",
        &[("outcome", "deny")],
    );
    /// Rate limits refused logins.
    pub const LIMITED: Self = Self::moved(
        "the limits of logins refuse",
        "auth_rate_limit_decisions_total",
        &[("limiter", "login"), ("decision", "deny")],
    );
    /// Unknown usernames and wrong passwords are counted separately.
    pub const UNKNOWN_USERS: Self = Self::moved(
        "unknown users are counted",
        "auth_logins_total",
        &[("reason", "unknown_user")],
    );
    /// As [`Self::UNKNOWN_USERS`].
    pub const BAD_PASSWORDS: Self = Self::moved(
        "bad passwords are counted",
        "auth_logins_total",
        &[("reason", "bad_password")],
    );
    /// No session was ended for token reuse.
    pub const NO_FAMILY_REVOKED: Self = Self {
        name: "no session is lost",
        metric: "auth_refresh_reuse_detected_total",
        labels: &[("action", "family_revoked")],
        rule: Rule::Still,
    };
    /// Second use of a token whose successor was not used yet.
    pub const TWO_TABS: Self = Self::moved(
        "second uses of a token are answered",
        "auth_refresh_reuse_detected_total",
        &[("action", "unused_replay")],
    );

    const fn moved(
        name: &'static str,
        metric: &'static str,
        labels: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self {
            name,
            metric,
            labels,
            rule: Rule::Moved,
        }
    }

    /// Judges by the server's counters.
    #[must_use]
    pub fn judge(&self, server: &Between) -> Verdict {
        let value = match self.rule {
            Rule::Zero => server.after.sum(self.metric, self.labels),
            Rule::Still | Rule::Moved => server.rise(self.metric, self.labels),
        };
        let held = match self.rule {
            Rule::Still | Rule::Zero => value == 0.0,
            Rule::Moved => value > 0.0,
        };
        Verdict {
            name: self.name.to_owned(),
            held: held && server.after.has(self.metric),
            detail: format!("{} {value}", self.metric),
        }
    }
}

#[cfg(test)]
mod tests {
    use testkit::exposition::Exposition;

    use super::*;
    use crate::result::sample as result;

    #[test]
    fn missed_objective_names_itself() {
        let verdict = Objective::p95(0.025).judge(&result(30.0, 70.0, 0.0), false);
        assert_eq!(
            (verdict.name.as_str(), verdict.held),
            ("P95 ≤ 25.00 ms", false)
        );
        assert_eq!(verdict.detail, "30.00 ms");
        assert!(
            Objective::p95(0.025)
                .judge(&result(25.0, 70.0, 0.0), false)
                .held
        );
        assert!(
            !Objective::NO_FAILURES
                .judge(&result(1.0, 70.0, 0.0001), false)
                .held
        );
    }

    #[test]
    fn ignore_speed_still_judges_failures() {
        assert!(
            Objective::p95(0.025)
                .judge(&result(30.0, 70.0, 0.0), true)
                .held
        );
        assert!(
            !Objective::NO_FAILURES
                .judge(&result(1.0, 70.0, 0.0001), true)
                .held
        );
    }

    #[test]
    fn facts_are_judged_by_counters() {
        let look = |text: &str| Exposition::parse(text).expect("series");
        let server = Between {
            before: look("auth_password_hash_rejected_total 1\nauth_password_hash_queue_depth 0\n"),
            after: look("auth_password_hash_rejected_total 1\nauth_password_hash_queue_depth 3\n"),
        };
        assert!(!Fact::SHED.judge(&server).held);
        assert!(!Fact::IDLE_GATE.judge(&server).held);
        // A counter that is not there says nothing, and that is not enough.
        assert!(!Fact::NO_FAMILY_REVOKED.judge(&server).held);
    }
}
