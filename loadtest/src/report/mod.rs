//! Reports of runs, and the files that they are written to.

mod chart;
mod csv;
pub mod html;
mod junit;
mod markdown;
pub mod results;
mod several;

use std::path::Path;

use crate::Result;
use crate::ending::{Ending, Failure};
use crate::output::{print, say};
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

/// Writes a run into a folder, prints it, and says what was missed; returns how it ended.
///
/// # Errors
/// When it cannot be written.
pub fn publish(result: &RunResult, folder: &Path) -> Result<Ending, Failure> {
    write(result, folder).map_err(Failure::Lab)?;
    print(&markdown::report(result));
    let place = folder.display();
    print(&format!("\nIn {place}: {}\n", present(folder)));
    if let Some(because) = &result.because {
        say(&format!("loadtest: {}: {because}", result.ending.word()));
    }
    for complaint in result.complaints() {
        say(&format!("loadtest: {complaint}"));
    }
    Ok(result.ending)
}

/// The reports that are there.
fn present(folder: &Path) -> String {
    let mut names = FILES.to_vec();
    names.retain(|name| folder.join(name).exists());
    names.join(", ")
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
