//! PostgreSQL: a server of the proof's own, which can be stopped and started.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::{run, unprivileged};
use crate::Result;

/// A cluster in a folder. Stopped when dropped.
#[derive(Debug)]
pub struct Database {
    bin: PathBuf,
    folder: PathBuf,
    port: u16,
}

impl Database {
    /// Makes one below this folder, with the programs of that one.
    ///
    /// # Errors
    /// With the words of what fails.
    pub fn make(bin: &Path, below: &Path, port: u16) -> Result<Self> {
        let folder = below.join("postgres");
        std::fs::create_dir_all(&folder)?;
        if rustix::process::geteuid().is_root() {
            run(Command::new("chown").arg("postgres").arg(&folder))?;
            // The way there must be open to the user whom the server runs as.
            run(Command::new("chmod").arg("711").arg(below))?;
        }
        let database = Self {
            bin: bin.to_owned(),
            folder,
            port,
        };
        run(database
            .program("initdb")
            .args(["--username", "postgres", "--auth", "trust"])
            .args(["--encoding", "UTF8", "--no-locale", "--no-sync"]))?;
        Ok(database)
    }

    /// One of its programs, for this cluster.
    fn program(&self, name: &str) -> Command {
        let mut command = unprivileged(self.bin.join(name).as_os_str());
        // Whoever runs it may not enter the folder where this runs.
        command.current_dir("/");
        command.arg("--pgdata").arg(self.folder.join("data"));
        command
    }

    /// Where it is reached.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts it, for the first time or again.
    ///
    /// # Errors
    /// With its own words.
    pub fn start(&self) -> Result<()> {
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories='{}' -c fsync=off",
            self.port,
            self.folder.display()
        );
        run(self
            .program("pg_ctl")
            .args(["start", "--silent", "--wait", "--log"])
            .arg(self.folder.join("log"))
            .args(["--options", &options]))?;
        Ok(())
    }

    /// Stops it without a goodbye to its clients.
    ///
    /// # Errors
    /// With its own words.
    pub fn stop(&self) -> Result<()> {
        run(self
            .program("pg_ctl")
            .args(["stop", "--silent", "--wait", "--mode", "immediate"]))?;
        Ok(())
    }

    /// Runs a statement.
    ///
    /// # Errors
    /// With the server's words.
    pub fn sql(&self, statement: &str) -> Result<String> {
        run(Command::new(self.bin.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--set", "ON_ERROR_STOP=1", "--command", statement])
            .arg(self.url()))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}
