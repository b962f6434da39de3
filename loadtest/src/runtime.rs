//! The runtime that the lab's commands run on.

use crate::ending::{Ending, Failure};

/// Runs a command to its end.
///
/// # Errors
/// Those of the command, and when there is no runtime.
pub fn block_on(command: impl Future<Output = Result<Ending, Failure>>) -> Result<Ending, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::NotStarted(error.into()))?;
    let ending = runtime.block_on(command);
    // A thread may still wait for a server that the guard has ended.
    runtime.shutdown_background();
    ending
}
