//! Reports of runs, and the files that they are written to.

mod chart;
mod csv;
pub mod html;
mod junit;
pub mod markdown;
pub mod results;

use std::path::Path;

use crate::Result;
use crate::result::RunResult;

/// The files of a run's reports.
pub const FILES: [&str; 5] = [
    "report.html",
    "report.md",
    "result.json",
    "timeline.csv",
    "junit.xml",
];

/// Removes the reports of an earlier run from a folder.
///
/// # Errors
/// When one cannot be removed.
pub fn clear(folder: &Path) -> Result<()> {
    remove(folder, &FILES)
}

/// Removes these files from a folder, where they are there.
///
/// # Errors
/// When one cannot be removed.
pub fn remove(folder: &Path, names: &[&str]) -> Result<()> {
    for name in names {
        let file = folder.join(name);
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(format!("{} cannot be removed: {error}", file.display()).into());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Writes a run into a folder: as JSON, as tables and as a page for people, its seconds as CSV, its
/// expectations as JUnit.
///
/// # Errors
/// When it cannot be written.
pub fn write(result: &RunResult, folder: &Path) -> Result<()> {
    let files = [
        ("result.json", serde_json::to_string_pretty(result)?),
        ("report.md", markdown::report(result)),
        ("report.html", html::report(result)),
        ("timeline.csv", csv::table(&result.timeline)?),
        ("junit.xml", junit::report(result)?),
    ];
    save(folder, files)
}

/// Writes texts into the files of a folder.
///
/// # Errors
/// Names the file that cannot be written.
pub fn save(folder: &Path, files: impl IntoIterator<Item = (&'static str, String)>) -> Result<()> {
    for (name, text) in files {
        let file = folder.join(name);
        std::fs::write(&file, text)
            .map_err(|error| format!("{} cannot be written: {error}", file.display()))?;
    }
    Ok(())
}
