//! The generated files, and writing them.

use std::path::{Path, PathBuf};

use crate::Result;
use crate::rules::Links;
use crate::{dashboard, dashboards, rules};

/// A generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Its path, relative to the folder `grafana`.
    pub path: PathBuf,
    /// Its contents.
    pub text: String,
}

/// Every generated file: dashboards, rules, and the documentation of metrics.
///
/// # Errors
/// When a file of rules cannot be written as YAML.
pub fn all(links: &Links) -> Result<Vec<Generated>> {
    let mut files = Vec::new();
    for dashboard in dashboards::all() {
        files.push(Generated {
            path: Path::new("dashboards").join(dashboard.file()),
            text: dashboard::json(&dashboard, &links.runbook),
        });
    }
    for file in rules::all().into_iter().chain(rules::optional()) {
        files.push(Generated {
            path: Path::new("rules").join(file.name),
            text: rules::yaml(&file, links)?,
        });
    }
    files.push(Generated {
        path: Path::new("../docs").join("metrics.md"),
        text: catalogue::metrics::markdown(),
    });
    Ok(files)
}

/// The folder of this crate.
#[must_use]
pub fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Writes all files, and removes formerly generated ones that no longer exist.
///
/// # Errors
/// When a file cannot be written.
pub fn write(folder: &Path, links: &Links) -> Result<()> {
    let files = all(links)?;
    for (sub, ending) in [
        ("dashboards", "json"),
        ("rules", "yml"),
        ("rules/compat", "yml"),
    ] {
        let sub = folder.join(sub);
        std::fs::create_dir_all(&sub)?;
        for entry in std::fs::read_dir(&sub)? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == ending) {
                std::fs::remove_file(path)?;
            }
        }
    }
    for file in files {
        std::fs::write(folder.join(file.path), file.text)?;
    }
    Ok(())
}
