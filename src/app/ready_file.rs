//! The ready file tells a program that starts the service when and where it listens.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::config::Config;
use crate::error::{Error, Result};

/// The file of `READY_FILE`, which exists while the service accepts connections.
#[derive(Debug)]
pub(super) struct ReadyFile(Option<PathBuf>);

impl ReadyFile {
    /// Writes the file, if one is configured. Both listeners must accept connections already.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(config: &Config) -> Result<Self> {
        let text = json!({
            "api": config.listeners.api_addr.to_string(),
            "ops": config.listeners.ops_addr.to_string(),
            "pid": std::process::id(),
        });
        if let Some(path) = &config.listeners.ready_file {
            replace(path, &format!("{text}\n")).map_err(|error| {
                Error::internal(format!(
                    "READY_FILE {} cannot be written: {error}",
                    path.display()
                ))
            })?;
        }
        Ok(Self(config.listeners.ready_file.clone()))
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

/// Writes a file atomically: a reader sees all of it or none.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}
