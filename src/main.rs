//! The program.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    rbac_sentinel::cli::run()
}
