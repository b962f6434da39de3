//! What is said, to whom, and what goose says beneath.

use std::process::{Command, Stdio};

use crate::harness::Lab;

#[test]
fn reader_who_stops_reading_is_no_failure() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let errors = writer.try_clone().expect("cloned");
    let mut lab = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    lab.stdin(Stdio::null()).stdout(writer);
    let listed = lab.arg("list").stderr(Stdio::piped()).output();
    let listed = listed.expect("it runs");
    let said = String::from_utf8_lossy(&listed.stderr).into_owned();
    assert_eq!((listed.status.code(), said.as_str()), (Some(0), ""));
    let mut lab = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    lab.stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors);
    let refused = lab.args(["report", "/nonexistent"]).status();
    assert_eq!(refused.expect("it runs").code(), Some(2));
}

#[test]
#[ignore = "takes long: scripts/test"]
fn silent_phases_are_named_and_goose_is_told_what_is_behind_the_dashes() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("requests.csv");
    let lab = Lab::spawning("rbac-mix")
        .judging_speed()
        .args(&["--users", "10"]);
    let lab = lab.args(&["--spawn-rate", "10", "--run-time", "1s"]);
    let beneath = [
        "--",
        "--request-log",
        log.to_str().expect("UTF-8"),
        "--request-format",
        "csv",
    ];
    let run = lab.args(&beneath).run();
    let phases = [
        "the server is started",
        "60 accounts are registered",
        "10 users start, 10 a second",
        "the last answers are awaited",
        "the server is stopped",
    ];
    let mut rest = run.stderr.as_str();
    for phase in phases {
        let at = rest.find(phase).unwrap_or_else(|| panic!("{phase}: {run}"));
        rest = &rest[at..];
    }
    let logged = std::fs::read_to_string(&log).expect("written");
    assert!(logged.contains("/users/me"), "{logged}");
    assert!(!logged.contains("Bearer "), "no token is logged");
}

#[test]
fn options_of_the_lab_are_not_goose_s() {
    let run = Lab::bare(&["peak", "--spawn", "--", "--users", "5"]).run();
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stderr.contains("--users is set by the lab"), "{run}");
}
