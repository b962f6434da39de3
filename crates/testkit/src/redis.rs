//! A throwaway Redis server that can be stopped, hung and started again. It keeps nothing.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ports::free_port;
use crate::process::{Process, Signal};
use crate::{Result, TIMEOUT};

/// A server with a port of its own. Killed when dropped.
#[derive(Debug)]
pub struct Redis {
    program: PathBuf,
    folder: PathBuf,
    options: Vec<String>,
    /// Its port.
    pub port: u16,
    process: Option<Process>,
}

impl Redis {
    /// A server in this folder, with these options behind those that are always given; starts nothing.
    #[must_use]
    pub fn new(program: &Path, folder: &Path, options: &[&str]) -> Self {
        Self {
            program: program.to_owned(),
            folder: folder.to_owned(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            port: free_port(),
            process: None,
        }
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Starts it, for the first time or again; it is empty.
    ///
    /// # Errors
    /// With its own words.
    pub fn start(&mut self) -> Result<()> {
        let mut command = Command::new(&self.program);
        command
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(&self.folder)
            .args(&self.options);
        let mut process = Process::start("redis", &mut command, &self.folder)?;
        let address = ("127.0.0.1", self.port);
        process.wait_until("listening", || TcpStream::connect(address).ok())?;
        self.process = Some(process);
        Ok(())
    }

    /// Kills it without closing its connections.
    ///
    /// # Errors
    /// When it does not run.
    pub fn stop(&mut self) -> Result<()> {
        let mut process = self.process.take().ok_or("Redis does not run")?;
        process.stop(Signal::KILL, TIMEOUT)?;
        Ok(())
    }

    /// Suspends it.
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

    fn signal(&self, signal: Signal) -> Result<()> {
        let process = self.process.as_ref().ok_or("Redis does not run")?;
        process.signal(signal)
    }
}
