//! A server that stops answering for a while fails every scenario, by name, however fast it is otherwise.

use std::time::Duration;

use testkit::ports::free_port;
use testkit::process::Signal;

use crate::harness::{Service, get, until};

/// How long the server says nothing.
const OUTAGE: Duration = Duration::from_secs(4);

/// Runs a scenario on a server that is stopped and goes on after a while.
fn misses(scenario: &str, users: &str) {
    // What the scenario about limits needs; others are told that it is all right.
    let limited = [
        ("RATE_LIMITS", "on"),
        ("TRUSTED_PROXIES", "127.0.0.1/32,::1/128"),
    ];
    let settings = if scenario == "stuffing" {
        &limited[..]
    } else {
        &[]
    };
    let service = Service::start(settings);
    let address = format!("127.0.0.1:{}", free_port());
    let load = ["--users", users, "--spawn-rate", "100", "--run-time", "8s"];
    let lab = service.lab(scenario).args(&load);
    let lab = lab.args(&["--metrics-addr", &address, "--quiet"]).start();
    until("a request was answered", || {
        let text = get(&format!("http://{address}/metrics"))?;
        let counts = "loadtest_request_duration_seconds_count{";
        let mut lines = text.lines().filter(|line| line.starts_with(counts));
        lines.any(|line| !line.ends_with(" 0")).then_some(())
    });
    service.signal(Signal::STOP);
    std::thread::sleep(OUTAGE);
    service.signal(Signal::CONT);
    let run = lab.wait();
    assert_eq!(run.code, 1, "{run}");
    let missed = "missed: never longer than 2 s without an answer to anybody: ";
    assert!(run.stderr.contains(missed), "{run}");
    let seconds = run.result()["silence"]["seconds"].as_f64();
    assert!(seconds.is_some_and(|seconds| seconds > 2.0), "{run}");
}

macro_rules! misses {
    ($($name:ident: $scenario:literal with $users:literal,)*) => {
        $(#[test]
        #[ignore = "takes long: scripts/test"]
        fn $name() {
            misses($scenario, $users);
        })*

        #[test]
        fn every_scenario_is_stopped() {
            crate::assert_all_scenarios(vec!["sentinel", $($scenario,)*]);
        }
    };
}

crate::harness::all_but_sentinel!(misses);

#[test]
#[ignore = "takes long: scripts/test"]
fn sentinel() {
    misses("sentinel", "10");
}
