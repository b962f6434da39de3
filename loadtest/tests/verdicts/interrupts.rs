//! Signals to the commands that run several servers or several runs: nothing outlives the lab.

use testkit::process::Signal;

use super::endings::Watched;
use crate::harness::{Lab, Run, service, until};

fn interrupted(watched: Watched, signals: usize) -> Run {
    for _ in 0..signals {
        watched.running.signal(Signal::INT);
    }
    let run = watched.wait();
    assert_eq!(run.code, 5, "{run}");
    run
}

#[test]
#[ignore = "takes long: scripts/test"]
fn interrupt_ends_all_repetitions_with_a_report_of_those_so_far() {
    for signals in [1, 2] {
        let load = ["--users", "2", "--run-time", "10m", "--repeat", "3"];
        let watched = Watched::start(Lab::spawning("peak").args(&load));
        watched.until_it_says(" s of ");
        let run = interrupted(watched, signals);
        let repeated: serde_json::Value =
            serde_json::from_str(&run.file("repeat.json")).expect("JSON");
        assert_eq!(
            repeated["endings"].to_string(),
            "[\"interrupted\"]",
            "{run}"
        );
        assert!(run.file("1/report.md").contains("interrupted at "), "{run}");
    }
}

#[test]
#[ignore = "takes long: scripts/test"]
fn interrupt_ends_both_builds_and_decides_nothing() {
    let service = service().display().to_string();
    for signals in [1, 2] {
        let words = ["ab", "--binary", &service, "--binary", &service];
        let watched = Watched::start(Lab::bare(&words).args(&["--run-time", "30m"]));
        watched.until_it_says("round 1 of ");
        let run = interrupted(watched, signals);
        assert!(run.stdout.is_empty(), "{run}");
        assert!(
            run.stderr.contains("nothing is said of two builds"),
            "{run}"
        );
    }
}

#[test]
#[ignore = "takes long: scripts/test"]
fn interrupt_ends_a_search_with_what_it_found() {
    let service = service().display().to_string();
    let out = tempfile::tempdir().expect("a folder");
    let place = out.path().display().to_string();
    let words = ["capacity", "--spawn", "--server", &service, "--out", &place];
    let watched = Watched::start(Lab::bare(&words).args(&["--step", "10m"]));
    let first = out.path().join("replicas-1/logins-1/lab.log");
    until("the first run", || first.exists().then_some(()));
    let run = interrupted(watched, 1);
    let text = std::fs::read_to_string(out.path().join("capacity.json")).expect("written");
    let capacity: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(capacity["ending"], "interrupted", "{run}");
    assert!(run.stdout.contains("**interrupted**"), "{run}");
}
