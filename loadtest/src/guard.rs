//! Sees to it that a server that the lab starts, and its folder, do not outlive the lab, whatever ends it.
//!
//! A second process of this program waits at a pipe from the lab. The system closes the pipe when the lab
//! ends, also by SIGKILL; then the guard kills the processes that it was told of and that have not ended,
//! and removes the folder.

use std::collections::BTreeSet;
use std::io::{self, BufRead as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use testkit::process::{Signal, send};

use crate::Result;

/// Before the id of a process that begins.
const WATCH: &str = "+";
/// Before the id of one that has ended.
const FORGET: &str = "-";

/// The lab's end of the pipe.
#[derive(Clone, Debug)]
pub struct Guard {
    folder: PathBuf,
    process: Arc<Mutex<Option<(Child, ChildStdin)>>>,
}

impl Guard {
    /// Starts the process, which guards a new folder.
    ///
    /// # Errors
    /// When this program cannot be started again.
    pub fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("loadtest-").tempdir()?;
        let mut child = Command::new(std::env::current_exe()?)
            .arg("guard")
            .arg(folder.path())
            // Signals of the terminal are for the lab.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("the server's guard cannot be started: {error}"))?;
        let input = child.stdin.take().ok_or("no input")?;
        Ok(Self {
            folder: folder.keep(),
            process: Arc::new(Mutex::new(Some((child, input)))),
        })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Guards this process, too.
    pub fn watch(&self, pid: u32) {
        self.say(&format!("{WATCH}{pid}"));
    }

    /// This process has ended.
    pub fn forget(&self, pid: u32) {
        self.say(&format!("{FORGET}{pid}"));
    }

    fn say(&self, line: &str) {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, input)) = process.as_mut() {
            // A guard that was killed guards nothing; the lab itself still ends its server.
            let _ = writeln!(input, "{line}");
        }
    }

    /// Lets it end what is left of the server, and waits for that.
    pub fn end(&self) {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((mut child, input)) = process.take() {
            drop(input);
            let _ = child.wait();
        }
    }
}

/// The guard's whole life: follows what the lab says until the pipe is closed, and cleans up.
///
/// # Errors
/// When the folder cannot be removed.
pub fn guard(folder: &Path) -> Result<()> {
    let mut watched = BTreeSet::new();
    for line in io::stdin().lock().lines().map_while(io::Result::ok) {
        let pid = |sign| line.strip_prefix(sign)?.parse::<u32>().ok();
        watched.extend(pid(WATCH));
        if let Some(pid) = pid(FORGET) {
            watched.remove(&pid);
        }
    }
    clean_up(&watched, folder)
}

fn clean_up(watched: &BTreeSet<u32>, folder: &Path) -> Result<()> {
    for pid in watched {
        // It may have ended by itself.
        let _ = send(*pid, Signal::KILL);
    }
    // A process that is being killed may still write.
    for _ in 0..100 {
        match std::fs::remove_dir_all(folder) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
    Ok(std::fs::remove_dir_all(folder)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_and_folder_are_gone_afterwards() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("server");
        std::fs::create_dir(&place).expect("made");
        std::fs::write(place.join("data"), "x").expect("written");
        let mut child = Command::new("sleep").arg("600").spawn().expect("started");
        clean_up(&BTreeSet::from([child.id()]), &place).expect("cleaned");
        assert!(!child.wait().expect("ended").success());
        assert!(!place.exists());
        clean_up(&BTreeSet::new(), &place).expect("nothing to do");
    }
}
