//! Compares a run with an earlier one.

use crate::Result;
use crate::result::{RunResult, Verdict};

/// Differences below this, in milliseconds, are no regression.
const NOISE: f64 = 0.5;

/// Checks that an earlier run was of this load.
///
/// # Errors
/// When it was not.
pub fn check(earlier: &RunResult, scenario: &str, users: usize) -> Result<()> {
    let load = |scenario: &str, users| format!("{scenario} with {users} users");
    let (then, now) = (
        load(&earlier.scenario, earlier.load.users),
        load(scenario, users),
    );
    if then == now {
        return Ok(());
    }
    Err(format!("the baseline is of another load: {then}, not {now}").into())
}

/// Compares with an earlier run; `tolerance` is the share by which a figure may be worse.
#[must_use]
pub fn compare(result: &RunResult, earlier: &RunResult, tolerance: f64) -> Vec<Verdict> {
    let times = [
        ("P50", result.users.p50_ms, earlier.users.p50_ms),
        ("P95", result.users.p95_ms, earlier.users.p95_ms),
        ("P99", result.users.p99_ms, earlier.users.p99_ms),
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
        assert!(check(&earlier, "sentinel", 0).is_ok());
        assert!(check(&earlier, "sentinel", 50).is_err());
        assert!(check(&earlier, "peak", 0).is_err());
    }
}
