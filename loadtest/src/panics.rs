//! A defect of the lab: wherever it panics, the program ends with the code for that.

use crate::ending::LAB_FAILED;
use crate::output::say;

/// Ends the program at a panic in any of its threads, after what the panic says. Otherwise a task that is
/// gone would be missing from the figures, and nobody would know. The guard ends the lab's server.
pub fn end_the_program() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        say("loadtest: the lab failed, and the run is lost: it panicked");
        std::process::exit(LAB_FAILED.into());
    }));
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Set in the process that panics.
    const PANICS: &str = "LOADTEST_TEST_PANICS";

    #[test]
    fn panic_of_any_thread_has_its_exit_code() {
        if std::env::var_os(PANICS).is_some() {
            end_the_program();
            let thread = std::thread::spawn(|| panic!("a defect"));
            let _ = thread.join();
            return;
        }
        let output = Command::new(std::env::current_exe().expect("known"))
            .args([
                "--exact",
                "panics::tests::panic_of_any_thread_has_its_exit_code",
            ])
            .arg("--nocapture")
            .env(PANICS, "1")
            .output()
            .expect("started");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(LAB_FAILED.into()), "{said}");
        assert!(said.contains("a defect"), "{said}");
    }
}
