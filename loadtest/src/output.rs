//! What the lab says. Whoever reads may stop reading, as `| head -1` does: the run goes on.

use std::io::Write as _;

/// Writes a result to the standard output.
pub fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
}

/// Writes a line to the standard error.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
