//! Whether the lab itself was able to measure: a starved lab makes any server look slow, and some look fast.

use crate::result::RunResult;
use crate::times::millis;

/// The latest that the lab may be woken once, in milliseconds: half of the silence that is an outage.
const LATEST: f64 = 1_000.0;
/// The latest for 95 of 100 times, where speed is judged.
const USUALLY: f64 = 50.0;
/// Share of the machine's cores above which they are full.
const FULL: f64 = 0.95;

/// Why nothing that was measured can be believed, if so.
#[must_use]
pub fn starved(result: &RunResult, saturates: bool, ignore_speed: bool) -> Option<String> {
    let [_, p95, _, longest] = result.delay;
    if longest > LATEST {
        return Some(format!(
            "the lab was starved: once it was woken {} late",
            millis(longest)
        ));
    }
    if ignore_speed {
        return None;
    }
    if p95 > USUALLY {
        return Some(format!(
            "the lab was starved: it was woken {} late (P95)",
            millis(p95)
        ));
    }
    let cores = result.cores?;
    let all = result.machine.cores as f64;
    // A scenario that fills the machine does so by its server.
    let used = if saturates {
        cores.lab
    } else {
        cores.lab + cores.server.unwrap_or_default()
    };
    (used > FULL * all).then(|| {
        format!("the lab was starved: {used:.2} of {all} cores were in use by it and its server")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{Cores, sample};

    fn result(delay: [f64; 4], lab: f64, server: f64) -> RunResult {
        let mut result = sample(1.0, 70.0, 0.0);
        result.machine.cores = 2;
        result.delay = delay;
        result.cores = Some(Cores {
            lab,
            server: Some(server),
        });
        result
    }

    #[test]
    fn lab_that_was_woken_late_measured_nothing() {
        let calm = result([0.1, 1.0, 5.0, 90.0], 0.1, 0.5);
        assert_eq!(starved(&calm, false, false), None);
        let paused = result([0.1, 1.0, 5.0, 1_840.0], 0.1, 0.5);
        for ignore_speed in [false, true] {
            assert_eq!(
                starved(&paused, false, ignore_speed).as_deref(),
                Some("the lab was starved: once it was woken 1.84 s late")
            );
        }
        let late = result([0.1, 60.0, 80.0, 90.0], 0.1, 0.5);
        assert!(starved(&late, true, false).is_some());
        assert_eq!(starved(&late, true, true), None);
    }

    #[test]
    fn full_cores_are_the_labs_unless_the_scenario_fills_them() {
        let full = result([0.1, 1.0, 5.0, 90.0], 1.1, 0.85);
        assert!(starved(&full, false, false).is_some());
        assert_eq!(starved(&full, true, false), None);
        let alone = result([0.1, 1.0, 5.0, 90.0], 1.98, 0.0);
        assert!(starved(&alone, true, false).is_some());
    }
}
