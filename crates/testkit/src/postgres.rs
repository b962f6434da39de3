//! A throwaway PostgreSQL server that can be stopped, hung and started again.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ports::free_port;
use crate::process::{Signal, is_root, run, send, unprivileged};
use crate::{Result, TIMEOUT};

/// A cluster in a folder, with a port of its own. Killed when dropped.
#[derive(Debug)]
pub struct Postgres {
    bin: PathBuf,
    folder: PathBuf,
    /// Its port.
    pub port: u16,
}

impl Postgres {
    /// Makes a cluster in this folder, which becomes the server's, with the programs in `bin` and these
    /// settings; starts nothing.
    ///
    /// # Errors
    /// With the words of what fails.
    pub fn make(bin: &Path, folder: &Path, settings: &[&str]) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let server = Self {
            bin: bin.to_owned(),
            folder: folder.to_owned(),
            port: free_port(),
        };
        server.own()?;
        run(server
            .program("initdb")
            .args(["--username", "postgres", "--auth", "trust"])
            .args(["--encoding", "UTF8", "--no-locale", "--no-sync"]))?;
        let mut lines = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = '{}'\nfsync = off\n",
            server.port,
            folder.display()
        );
        for setting in settings {
            lines.push_str(setting);
            lines.push('\n');
        }
        std::fs::write(server.data().join("postgresql.auto.conf"), lines)?;
        server.own()?;
        Ok(server)
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts it, for the first time or again.
    ///
    /// # Errors
    /// With its own words.
    pub fn start(&self) -> Result<()> {
        // Files may have been put into the data folder since.
        self.own()?;
        run(self
            .program("pg_ctl")
            .args(["start", "--silent", "--wait", "--log"])
            .arg(self.folder.join("log")))?;
        Ok(())
    }

    /// Kills it without closing its connections.
    ///
    /// # Errors
    /// With its own words.
    pub fn stop(&self) -> Result<()> {
        run(self
            .program("pg_ctl")
            .args(["stop", "--silent", "--wait", "--mode", "immediate"]))?;
        Ok(())
    }

    /// Suspends all its processes.
    ///
    /// # Errors
    /// When it does not run.
    pub fn hang(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Resumes it.
    ///
    /// # Errors
    /// When it does not run.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Runs a statement; gives its rows as lines.
    ///
    /// # Errors
    /// With the server's words.
    pub fn sql(&self, statement: &str) -> Result<String> {
        run(Command::new(self.bin.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--set", "ON_ERROR_STOP=1", "--command", statement])
            .arg(self.url()))
    }

    /// One of its programs, for this cluster, run as a user whom it accepts.
    fn program(&self, name: &str) -> Command {
        let mut command = unprivileged(self.bin.join(name).as_os_str());
        command
            // That user may not enter the folder of this process.
            .current_dir("/")
            .env("PGCTLTIMEOUT", TIMEOUT.as_secs().to_string())
            .arg("--pgdata")
            .arg(self.data());
        command
    }

    /// Gives the folder to the user that the server runs as.
    fn own(&self) -> Result<()> {
        if is_root() {
            run(Command::new("chown")
                .args(["-R", "postgres"])
                .arg(&self.folder))?;
        }
        Ok(())
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        for pid in self.processes()? {
            send(pid, signal)?;
        }
        Ok(())
    }

    /// The first process and its children.
    fn processes(&self) -> Result<Vec<u32>> {
        let file = std::fs::read_to_string(self.data().join("postmaster.pid"))?;
        let first: u32 = file.lines().next().unwrap_or_default().parse()?;
        // Without children, `ps` fails and prints nothing.
        let output = Command::new("ps")
            .args(["-o", "pid=", "--ppid", &first.to_string()])
            .output()?;
        let children = String::from_utf8_lossy(&output.stdout);
        let children = children.split_whitespace().filter_map(|id| id.parse().ok());
        Ok(std::iter::once(first).chain(children).collect())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The file is gone when it was stopped. Some may end meanwhile; one that hangs is killed, too.
        for pid in self.processes().unwrap_or_default() {
            let _ = send(pid, Signal::KILL);
        }
    }
}
