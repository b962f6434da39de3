//! Runs a test in a process of its own, if it reads process-wide counters.

use std::process::Command;

/// Set in such a process.
const ALONE: &str = "TEST_ALONE";

/// Whether this process runs only the calling test. If not, runs it in such a process, and asserts that
/// it passes there. `module` is the caller's `module_path!()`.
pub fn in_a_process_of_its_own(module: &str, test: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let (_, module) = module.split_once("::").expect("a module of this crate");
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", &format!("{module}::{test}"), "--include-ignored"])
        .env(ALONE, "yes")
        .output()
        .expect("it starts");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("1 passed"),
        "the test has another name: {said}"
    );
    false
}
