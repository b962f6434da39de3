//! Arrivals at a rate.

use crate::harness::{Lab, Run};

/// What the result says of the arrivals of a kind: begun and due.
fn arrivals(run: &Run, kind: &str) -> (u64, u64) {
    let result = run.result();
    let all = result["arrivals"].as_array().expect("arrivals");
    let mut of_kind = all.iter().filter(|one| one["kind"] == kind);
    let one = of_kind.next().unwrap_or_else(|| panic!("{kind}: {run}"));
    let number = |name: &str| one[name].as_u64().expect("a number");
    (number("begun"), number("due"))
}

/// Requests of an operation that were answered with a status.
fn answered(run: &Run, operation: &str, status: &str) -> u64 {
    let result = run.result();
    let all = result["operations"].as_array().expect("operations");
    let mut found = all.iter().filter(|one| one["operation"] == operation);
    let found = found.next().unwrap_or_else(|| panic!("{operation}: {run}"));
    found["statuses"][status].as_u64().unwrap_or_default()
}

#[test]
#[ignore = "takes long: scripts/test"]
fn steps_begin_at_the_rate_and_are_reconciled() {
    let lab = Lab::spawning("rbac-mix").args(&["--users", "20", "--spawn-rate", "20"]);
    let stages = ["--stages", "20/s:1s,20..100/s:2s", "--quiet"];
    let run = lab.args(&stages).run();
    assert_eq!(run.code, 0, "{run}");
    // Seven, two and one of ten.
    for (kind, expected) in [("reader", 98), ("administrator", 28), ("curious", 14)] {
        let (begun, due) = arrivals(&run, kind);
        assert_eq!(due, expected, "{run}");
        assert!(begun <= due, "{run}");
    }
    let row = "| reader arrive at 14/s:1s,14..70/s:2s | held |";
    assert!(run.stdout.contains(row), "{run}");
    // Each that has begun sent its request, and all of them were counted.
    let (readers, _) = arrivals(&run, "reader");
    assert_eq!(answered(&run, "GET /users/me", "200"), readers, "{run}");
    let (curious, _) = arrivals(&run, "curious");
    assert_eq!(answered(&run, "GET /admin-only", "403"), curious, "{run}");
}

#[test]
#[ignore = "takes long: scripts/test"]
fn rate_that_is_not_reached_fails_the_run_and_says_why() {
    let lab = Lab::spawning("peak").judging_speed();
    let load = ["--users", "1", "--rate", "100000/s", "--run-time", "1s"];
    let run = lab.args(&load).run();
    assert_eq!(run.code, 1, "{run}");
    let complaint = "missed: reader arrive at 100000/s:1s: target rate not reached, ";
    assert!(run.stderr.contains(complaint), "{run}");
    // Times run from when arrivals were due: each waits for all before it.
    let median = |who: &str| run.result()[who]["p50_ms"].as_f64().expect("a number");
    assert!(median("corrected") > 1.2 * median("users"), "{run}");
    let reason = run.result()["arrivals"][0]["reason"].to_string();
    // A machine that does other things may starve the lab.
    let reasons = ["all 1 users were busy: a step took ", "the lab was starved"];
    assert!(reasons.iter().any(|one| reason.contains(one)), "{run}");
}
