//! The program.

#![forbid(unsafe_code)]

use std::alloc::System;
use std::process::ExitCode;

use zeroizing_alloc::ZeroAlloc;

/// Wipes memory when it is freed. Our own code wipes secrets itself, but the HTTP and TLS libraries free
/// their buffers as they are, with passwords in them.
#[global_allocator]
static WIPING: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    rbac_sentinel::cli::run()
}
