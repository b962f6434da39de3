//! The process: start-up, output, stored files, refusals, shutdown.

mod command_line;
mod data_folder;
mod database_roles;
mod housekeeping;
mod key_rotation;
mod log_refusals;
mod log_secrets;
mod metrics;
mod offline_commands;
mod old_paths;
mod password_memory;
mod policy_command;
mod refusals_to_start;
mod replicas;
mod seeding;
mod shutdown;
mod signing_algorithms;
mod start;
mod tls;

use std::process::{Command, Output, Stdio};
use std::sync::mpsc;

use crate::harness::PATIENCE;

/// Runs a command that should end by itself; kills it if it does not.
fn run(command: &mut Command) -> Output {
    run_with(command, "")
}

/// The same with something to read.
fn run_with(command: &mut Command, input: &str) -> Output {
    use std::io::Write as _;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("piped");
    // A program that does not read its input closes it.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let id = child.id();
    let (ended, has_ended) = mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        if has_ended.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _ = testkit::process::send(id, testkit::process::Signal::KILL);
        }
    });
    let output = child.wait_with_output().expect("it ends");
    drop(ended);
    watchdog.join().expect("joins");
    output
}

/// The output of a command that must succeed.
#[track_caller]
fn success(command: &mut Command) -> String {
    let output = run(command);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    text(&output.stdout)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}
