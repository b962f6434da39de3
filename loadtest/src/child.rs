//! Runs of the lab that are processes of their own.

use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use testkit::process::{Signal, send};

use crate::Result;
use crate::stop::Stop;

/// How often it is looked whether a run has ended.
const POLL: Duration = Duration::from_millis(50);

/// This program, for a run.
///
/// # Errors
/// When it does not know where it is.
pub fn this_program() -> Result<Command> {
    Ok(Command::new(std::env::current_exe()?))
}

/// Waits for the end of a run; passes on what is to end it.
///
/// # Errors
/// When its end cannot be known.
pub fn wait(child: &mut Child, stop: &Stop) -> Result<ExitStatus> {
    let mut told = false;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if stop.reason().is_some() && !told {
            told = true;
            // A terminal has told it already; it may have ended meanwhile.
            let _ = send(child.id(), Signal::TERM);
        }
        std::thread::sleep(POLL);
    }
}
