//! How runs end before their time: what is left of them, and of the server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use testkit::process::{Signal, send};

use crate::harness::{Lab, Run, Running, Service, until};

/// Hashes that keep the preparation of accounts going until it is ended.
const SLOW: [&str; 4] = [
    "--set",
    "HASH_MEMORY_KIB=65536",
    "--set",
    "HASH_ITERATIONS=5",
];

/// A run with a place of its own for the server's folder.
pub struct Watched {
    pub running: Running,
    place: TempDir,
}

impl Watched {
    pub fn start(lab: Lab) -> Self {
        let place = tempfile::tempdir().expect("a folder");
        Self {
            running: lab.env("TMPDIR", place.path()).start(),
            place,
        }
    }

    pub fn until_it_says(&self, words: &str) {
        until(words, || self.running.said().contains(words).then_some(()));
    }

    fn nothing_is_left(&self) -> bool {
        let mut left = self.place.path().read_dir().expect("a folder");
        processes_in(self.place.path()).is_empty() && left.next().is_none()
    }

    /// Waits for the end, after which nothing may be left.
    pub fn wait(self) -> Run {
        let Self { running, place } = self;
        let run = running.wait();
        let processes = processes_in(place.path());
        assert!(processes.is_empty(), "{processes:?} outlive the lab: {run}");
        let left: Vec<_> = place.path().read_dir().expect("a folder").collect();
        assert!(left.is_empty(), "{left:?} is left: {run}");
        run
    }
}

/// Processes that work in this folder: the server does.
fn processes_in(folder: &Path) -> Vec<u32> {
    let folder = folder.canonicalize().expect("a folder");
    let entries = Path::new("/proc").read_dir().expect("Linux");
    let process = |path: PathBuf| {
        let pid = path.file_name()?.to_str()?.parse().ok()?;
        let place = path.join("cwd").read_link().ok()?;
        place.starts_with(&folder).then_some(pid)
    };
    entries
        .flatten()
        .filter_map(|entry| process(entry.path()))
        .collect()
}

/// The phases of a run: options, the words that say that it has come, and what the report says.
const PHASES: [(&[&str], &str, &str); 4] = [
    (
        &["login-storm"],
        "40 accounts are registered",
        "interrupted during preparation, before the first request",
    ),
    (
        &["sentinel", "--users", "100", "--spawn-rate", "1"],
        " s of ",
        "interrupted at ",
    ),
    (
        &[
            "sentinel",
            "--users",
            "4",
            "--spawn-rate",
            "100",
            "--run-time",
            "10m",
        ],
        " s of ",
        "interrupted at ",
    ),
    (
        &["peak", "--users", "2", "--run-time", "1s", "--linger", "1h"],
        "stay up for the last scrape",
        "while settling",
    ),
];

fn ends_in_every_phase(signal: Signal, times: usize) {
    for (number, (words, phase, because)) in PHASES.iter().enumerate() {
        let mut lab = Lab::spawning(words[0]).args(&words[1..]);
        if number == 0 {
            lab = lab.args(&SLOW);
        }
        let watched = Watched::start(lab);
        watched.until_it_says(phase);
        for _ in 0..times {
            watched.running.signal(signal);
        }
        let run = watched.wait();
        assert_eq!(run.code, 5, "{phase}: {run}");
        let result = run.result();
        assert_eq!(result["ending"], "interrupted", "{phase}: {run}");
        let said = result["because"].as_str().expect("a reason");
        assert!(said.contains(because), "{phase}: {said}");
        assert!(run.file("report.md").contains(said), "{run}");
    }
}

#[test]
#[ignore = "takes long: scripts/test"]
fn interrupt_ends_every_phase_with_a_report() {
    ends_in_every_phase(Signal::INT, 1);
}

#[test]
#[ignore = "takes long: scripts/test"]
fn second_interrupt_does_so_too() {
    ends_in_every_phase(Signal::INT, 2);
}

#[test]
#[ignore = "takes long: scripts/test"]
fn termination_ends_every_phase_with_a_report() {
    ends_in_every_phase(Signal::TERM, 1);
}

#[test]
#[ignore = "takes long: scripts/test"]
fn second_termination_does_so_too() {
    ends_in_every_phase(Signal::TERM, 2);
}

#[test]
#[ignore = "takes long: scripts/test"]
fn lost_terminal_ends_every_phase_with_a_report() {
    ends_in_every_phase(Signal::HUP, 1);
}

#[test]
#[ignore = "takes long: scripts/test"]
fn terminal_lost_twice_does_so_too() {
    ends_in_every_phase(Signal::HUP, 2);
}

#[test]
#[ignore = "takes long: scripts/test"]
fn killed_lab_leaves_no_server() {
    for (number, (words, phase, _)) in PHASES.iter().enumerate() {
        let mut lab = Lab::spawning(words[0]).args(&words[1..]);
        if number == 0 {
            lab = lab.args(&SLOW);
        }
        let mut watched = Watched::start(lab);
        watched.until_it_says(phase);
        assert!(!watched.nothing_is_left(), "there is a server");
        watched.running.signal(Signal::KILL);
        watched.running.reap();
        until("nothing is left", || {
            watched.nothing_is_left().then_some(())
        });
    }
}

#[test]
#[ignore = "takes long: scripts/test"]
fn server_that_dies_ends_the_run_and_the_report_says_when() {
    let load = ["--users", "4", "--spawn-rate", "100", "--run-time", "10m"];
    let watched = Watched::start(Lab::spawning("sentinel").args(&load));
    watched.until_it_says(" s of ");
    for pid in processes_in(watched.place.path()) {
        send(pid, Signal::KILL).expect("it runs");
    }
    broke_off(
        &watched.wait(),
        "the server ended (signal: 9 (SIGKILL)) at ",
    );
}

#[test]
#[ignore = "takes long: scripts/test"]
fn server_of_somebody_else_that_dies_is_noticed() {
    let service = Service::start(&[]);
    let load = ["--users", "4", "--spawn-rate", "100", "--run-time", "10m"];
    let running = service.lab("peak").args(&load).start();
    until("it runs", || {
        running.said().contains(" s of ").then_some(())
    });
    service.signal(Signal::KILL);
    let run = running.wait();
    broke_off(&run, "the server refuses connections at ");
    let failures = run.result()["failures"].to_string();
    assert!(failures.contains("connection refused"), "{failures}");
    // They waited longer and longer instead of asking all the time, and that took no time of an answer.
    let unsent = run.result()["failures"]
        .as_array()
        .expect("failures")
        .clone();
    let unsent: u64 = unsent
        .iter()
        .filter(|one| one["sent"] == false)
        .filter_map(|one| one["count"].as_u64())
        .sum();
    assert!(unsent < 200, "{unsent} in a second: {run}");
}

fn broke_off(run: &Run, because: &str) {
    assert_eq!(run.code, 3, "{run}");
    let result = run.result();
    assert_eq!(result["ending"], "broke_off", "{run}");
    let said = result["because"].as_str().expect("a reason");
    assert!(said.starts_with(because), "{said}");
    assert!(result["users"]["count"].as_u64() > Some(0), "{run}");
}

#[test]
#[ignore = "takes long: scripts/test"]
fn starved_lab_ends_invalid() {
    let load = ["--users", "4", "--spawn-rate", "100", "--run-time", "6s"];
    let running = Lab::spawning("sentinel").args(&load).start();
    until("it runs", || {
        running.said().contains(" s of ").then_some(())
    });
    running.signal(Signal::STOP);
    std::thread::sleep(Duration::from_secs(3));
    running.signal(Signal::CONT);
    let run = running.wait();
    assert_eq!(run.code, 6, "{run}");
    let said = run.result()["because"]
        .as_str()
        .expect("a reason")
        .to_owned();
    assert!(
        said.starts_with("the lab was starved: once it was woken "),
        "{said}"
    );
}

#[test]
fn too_many_users_are_refused_before_the_run() {
    let run = Lab::spawning("burst-1000").with_files(200).run();
    assert_eq!(run.code, 2, "{run}");
    let complaint = "1000 users need 1064 open files, and 200 are allowed";
    assert!(run.stderr.contains(complaint), "{run}");
}

#[test]
fn results_of_an_earlier_run_are_not_left() {
    let missing = ["--spawn", "--server", "/nonexistent/rbac-sentinel"];
    let lab = Lab::new("sentinel").args(&missing);
    for name in ["result.json", "report.md", "report.html"] {
        std::fs::write(lab.path(name), "of an earlier run").expect("written");
    }
    let run = lab.run();
    assert_eq!(run.code, 2, "{run}");
    for name in ["result.json", "report.md", "report.html"] {
        assert!(!run.path(name).exists(), "{name} is left: {run}");
    }
}
