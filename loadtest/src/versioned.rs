//! Files in a form that has a version.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Result;

/// A form in JSON, and what is said of a file that has another one.
pub struct Versioned {
    /// The file's name in the folder that it is written to.
    pub file: &'static str,
    /// Its version.
    pub version: u32,
    /// What a file of another form does: `is no result of a run`.
    pub other_form: &'static str,
    /// What a file of another version is, before that version: `is a result of version`.
    pub other_version: &'static str,
}

/// What every version has.
#[derive(Deserialize)]
struct Form {
    version: u32,
}

impl Versioned {
    /// Reads a file, or the one of that name in a folder.
    ///
    /// # Errors
    /// When it cannot be read, or is of another form or version.
    pub fn read<T: DeserializeOwned>(&self, path: &Path) -> Result<T> {
        let inside = path.join(self.file);
        let file = if path.is_dir() { &inside } else { path };
        let name = file.display();
        let text = std::fs::read_to_string(file)
            .map_err(|error| format!("{name} cannot be read: {error}"))?;
        let none = |error| format!("{name} {}: {error}", self.other_form);
        // First the version alone: in another one the rest may have another form.
        let Form { version } = serde_json::from_str(&text).map_err(none)?;
        if version != self.version {
            let (says, own) = (self.other_version, self.version);
            return Err(format!("{name} {says} {version}, not {own}").into());
        }
        Ok(serde_json::from_str(&text).map_err(none)?)
    }
}
