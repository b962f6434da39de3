//! The figures of a run that are compared with those of another.

use std::fmt;

use serde::Serialize;

use crate::result::RunResult;
use crate::times::{Figures, millis};

/// How a figure is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A number a second.
    PerSecond,
    /// Milliseconds.
    Millis,
    /// MiB.
    Mebibytes,
    /// A part of a whole.
    Share,
    /// A number.
    Count,
}

impl Unit {
    /// A value as it is written.
    #[must_use]
    pub fn show(self, value: f64) -> String {
        match self {
            Self::PerSecond => format!("{value:.1}/s"),
            Self::Millis if value < 1.0 => format!("{value:.3} ms"),
            Self::Millis => millis(value),
            Self::Mebibytes => format!("{value:.1} MiB"),
            Self::Share => format!("{:.2} %", value * 100.0),
            Self::Count => format!("{value:.0}"),
        }
    }
}

/// A figure of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyFigure {
    /// In words.
    pub name: String,
    /// How it is written.
    pub unit: Unit,
    /// The value.
    pub value: f64,
}

impl fmt::Display for KeyFigure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.unit.show(self.value))
    }
}

/// The figures of a run, where they are known: goodput, times of successes after the ramp, processor, memory,
/// hash gate, what went wrong.
#[must_use]
pub fn key_figures(result: &RunResult) -> Vec<KeyFigure> {
    let mut all = Vec::new();
    let mut add = |name: &str, unit, value: Option<f64>| {
        let name = name.to_owned();
        all.extend(value.map(|value| KeyFigure { name, unit, value }));
    };
    let users = &result.users;
    add("goodput", Unit::PerSecond, Some(users.per_second));
    let corrected = times("all, corrected", &result.corrected);
    let operations = result.operations.iter().filter(|row| !row.ramp);
    let operations = operations.flat_map(|row| times(&row.name, &row.users));
    for (name, value) in corrected.into_iter().chain(operations) {
        add(&name, Unit::Millis, Some(value));
    }
    let successes = (users.count + result.ramp.count) as f64;
    let processor = result.cores.and_then(|cores| cores.server);
    // Where others ask, too, it works for them as well.
    let processor = processor.filter(|_| successes > 0.0 && result.shared.is_none());
    let processor = processor.map(|cores| cores * result.seconds * 1e3 / successes);
    add("server's processor time a success", Unit::Millis, processor);
    let memory = result.memory;
    let peak = memory.map(|memory| memory.peak);
    add("server's memory at most", Unit::Mebibytes, peak);
    let end = memory.map(|memory| memory.end);
    add("server's memory at the end", Unit::Mebibytes, end);
    add("hash threads busy", Unit::Share, Some(result.hashing));
    let shed = result.counters.get("auth_password_hash_rejected_total");
    let shed = shed.map_or(0.0, |reasons| reasons.values().sum());
    add("refused by the hash gate", Unit::Count, Some(shed));
    add("refused", Unit::Share, Some(result.refused));
    add("failed", Unit::Share, Some(result.failed));
    all
}

fn times(of: &str, figures: &Figures) -> Vec<(String, f64)> {
    if figures.count == 0 {
        return Vec::new();
    }
    let percentiles = [
        ("P50", figures.p50_ms),
        ("P95", figures.p95_ms),
        ("P99", figures.p99_ms),
        ("P99.9", figures.p999_ms),
    ];
    percentiles
        .map(|(name, value)| (format!("{name} of {of}"), value))
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{Cores, Operation, sample};

    #[test]
    fn figures_are_those_of_successes_after_the_ramp() {
        let mut result = sample(20.0, 70.0, 0.25);
        result.users.count = 300;
        result.ramp.count = 100;
        result.corrected.count = 310;
        result.seconds = 8.0;
        result.cores = Some(Cores {
            lab: 1.0,
            server: Some(0.5),
        });
        for (ramp, p50_ms) in [(true, 9.0), (false, 3.0)] {
            result.operations.push(Operation {
                name: "GET /users/me".to_owned(),
                ramp,
                users: Figures {
                    count: 1,
                    p50_ms,
                    ..Figures::default()
                },
                ..Operation::default()
            });
        }
        let figures = key_figures(&result);
        let shown: Vec<_> = figures.iter().map(ToString::to_string).collect();
        for expected in [
            "goodput: 70.0/s",
            "P95 of all, corrected: 20 ms",
            "P50 of GET /users/me: 3.00 ms",
            "server's processor time a success: 10 ms",
            "failed: 25.00 %",
        ] {
            assert!(shown.iter().any(|one| one == expected), "{shown:?}");
        }
        assert!(
            !shown.iter().any(|one| one.contains("9.00 ms")),
            "{shown:?}"
        );
        assert!(!shown.iter().any(|one| one.contains("memory")), "{shown:?}");
    }
}
