//! Compares a run with an earlier one.

use testkit::machine::Machine;

use crate::Result;
use crate::result::{Load, RunResult, Verdict};

/// Differences below this, in milliseconds, are no regression.
const NOISE: f64 = 0.5;

/// Checks that an earlier run was of this load, on this machine.
///
/// # Errors
/// Names what differs.
pub fn check(earlier: &RunResult, scenario: &str, load: &Load, spawned: bool) -> Result<()> {
    let now = conditions(scenario, load, spawned, &Machine::this());
    let differences = unlike(&conditions_of(earlier), &now);
    if differences.is_empty() {
        return Ok(());
    }
    let differences = differences.join("; ");
    Err(format!("the baseline cannot be compared: {differences}").into())
}

/// In what two runs are not alike that must be, to be compared.
#[must_use]
pub fn differences(one: &RunResult, other: &RunResult) -> Vec<String> {
    unlike(&conditions_of(one), &conditions_of(other))
}

/// What must be alike, in words.
type Conditions = [(&'static str, String); 9];

fn unlike(one: &Conditions, other: &Conditions) -> Vec<String> {
    let pairs = one.iter().zip(other).filter(|(one, other)| one != other);
    pairs
        .map(|((what, one), (_, other))| format!("{what} {one}, not {other}"))
        .collect()
}

fn conditions_of(result: &RunResult) -> Conditions {
    conditions(
        &result.scenario,
        &result.load,
        result.spawned,
        &result.machine,
    )
}

fn conditions(scenario: &str, load: &Load, spawned: bool, machine: &Machine) -> Conditions {
    let list = |list: &[String]| match list {
        [] => "none".to_owned(),
        _ => list.join(" "),
    };
    [
        ("scenario", scenario.to_owned()),
        ("users", load.users.to_string()),
        ("users started a second", load.rate.to_string()),
        ("run time in seconds", load.run_time.to_string()),
        ("seed", load.seed.to_string()),
        ("own server", spawned.to_string()),
        ("arrivals", list(&load.arrivals)),
        ("settings", list(&load.settings)),
        ("machine", machine.to_string()),
    ]
}

/// Compares with an earlier run; `tolerance` is the share by which a figure may be worse.
#[must_use]
pub fn compare(result: &RunResult, earlier: &RunResult, tolerance: f64) -> Vec<Verdict> {
    let times = [
        ("P50", result.corrected.p50_ms, earlier.corrected.p50_ms),
        ("P95", result.corrected.p95_ms, earlier.corrected.p95_ms),
        ("P99", result.corrected.p99_ms, earlier.corrected.p99_ms),
    ];
    let change = |now: f64, then: f64| {
        if then == 0.0 {
            0.0
        } else {
            (now / then - 1.0) * 100.0
        }
    };
    let mut verdicts: Vec<_> = times
        .into_iter()
        .map(|(name, now, then)| Verdict {
            name: format!("{name} against the baseline"),
            held: now <= then * (1.0 + tolerance) || now - then <= NOISE,
            detail: format!("{now:.2} ms, was {then:.2} ms: {:+.0} %", change(now, then)),
        })
        .collect();
    let (now, then) = (result.users.per_second, earlier.users.per_second);
    verdicts.push(Verdict {
        name: "requests a second against the baseline".to_owned(),
        held: now >= then * (1.0 - tolerance),
        detail: format!("{now:.1}, were {then:.1}: {:+.0} %", change(now, then)),
    });
    verdicts.push(Verdict {
        name: "failed against the baseline".to_owned(),
        held: result.failed <= earlier.failed,
        detail: format!(
            "{:.2} %, was {:.2} %",
            result.failed * 100.0,
            earlier.failed * 100.0
        ),
    });
    verdicts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::sample as result;

    #[test]
    fn regression_is_reported_and_noise_is_not() {
        let earlier = result(20.0, 70.0, 0.0);
        let broken = |now: &RunResult| -> Vec<String> {
            let verdicts = compare(now, &earlier, 0.25);
            verdicts
                .into_iter()
                .filter(|one| !one.held)
                .map(|one| one.name)
                .collect()
        };
        assert_eq!(broken(&result(24.0, 66.0, 0.0)), [""; 0]);
        assert_eq!(broken(&result(26.0, 70.0, 0.0)).len(), 2);
        assert_eq!(
            broken(&result(20.0, 50.0, 0.0)),
            ["requests a second against the baseline"]
        );
        assert_eq!(
            broken(&result(20.0, 70.0, 0.01)),
            ["failed against the baseline"]
        );
    }

    #[test]
    fn unlike_conditions_are_refused_by_name() {
        let mut earlier = result(20.0, 70.0, 0.0);
        earlier.machine = Machine::this();
        let load = Load::default();
        assert!(check(&earlier, "sentinel", &load, false).is_ok());
        let complaint = |earlier: &RunResult| {
            let error = check(earlier, "sentinel", &load, false).expect_err("unlike");
            error.to_string()
        };
        earlier.load.users = 50;
        earlier.load.seed = 7;
        assert_eq!(
            complaint(&earlier),
            "the baseline cannot be compared: users 50, not 0; seed 7, not 0"
        );
        earlier.load = load.clone();
        earlier.load.run_time = 5.0;
        assert!(complaint(&earlier).contains("run time in seconds 5, not 0"));
        earlier.load = load.clone();
        earlier.load.arrivals.push("reader 5/s:10s".to_owned());
        assert!(complaint(&earlier).contains("arrivals reader 5/s:10s, not none"));
        earlier.load = load.clone();
        earlier.load.settings = vec!["HASH_THREADS=1".to_owned()];
        assert!(complaint(&earlier).contains("settings HASH_THREADS=1, not none"));
        earlier.load = load.clone();
        earlier.machine.cores += 1;
        assert!(complaint(&earlier).contains("machine "));
        assert!(check(&earlier, "peak", &load, false).is_err());
    }
}
