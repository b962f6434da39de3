//! Bounds of one's own.

use crate::harness::Lab;

#[test]
#[ignore = "takes long: scripts/test"]
fn bounds_of_ones_own_fail_the_run_by_name() {
    let lab = Lab::spawning("peak").judging_speed();
    let load = ["--users", "2", "--run-time", "2s", "--quiet"];
    let bounds = [
        "p99.9 of GET /users/me < 1us",
        "goodput > 0.001/s",
        "failed <= 0%",
    ];
    let bounds = bounds.iter().flat_map(|bound| ["--threshold", bound]);
    let run = lab.args(&load).args(&bounds.collect::<Vec<_>>()).run();
    assert_eq!(run.code, 1, "{run}");
    let missed = "missed: P99.9 of GET /users/me < 0.001 ms: ";
    assert!(run.stderr.contains(missed), "{run}");
    for held in ["goodput > 0.0/s", "failed ≤ 0.000 %"] {
        assert!(run.stdout.contains(&format!("| {held} | held |")), "{run}");
    }
}

#[test]
fn what_is_no_bound_is_refused_before_anything_starts() {
    let run = Lab::bare(&["peak", "--threshold", "p99 of GET /me < 2ms"]).run();
    assert_eq!(run.code, 2, "{run}");
    assert!(
        run.stderr.contains("`GET /me` is no operation of "),
        "{run}"
    );
}
