//! Starts the service and learns from its `READY_FILE` where it listens.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use serde::Deserialize;

use crate::process::{Process, Signal};
use crate::{Result, http};

/// A running service; killed when dropped.
#[derive(Debug)]
pub struct Service {
    process: Process,
    /// Address of the API.
    pub api: SocketAddr,
    /// Address of metrics and probes.
    pub ops: SocketAddr,
}

/// The content of the service's `READY_FILE`.
#[derive(Deserialize)]
struct Ready {
    api: SocketAddr,
    ops: SocketAddr,
}

/// A command for the service in this folder, with an environment of its own: free ports, the embedded
/// database, no limits by address (all load comes from one), no delay at the end.
#[must_use]
pub fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    configure(&mut command, folder);
    command
}

/// The same for a command that becomes the service in the end, such as `prlimit`.
pub fn configure(command: &mut Command, folder: &Path) {
    command
        .env_clear()
        .current_dir(folder)
        .env("API_ADDR", "127.0.0.1:0")
        .env("OPS_ADDR", "127.0.0.1:0")
        .env("DATA_DIR", folder.join("data"))
        .env("RATE_LIMITS", "off")
        // Cheap hashes, and replicas that share an embedded database.
        .env("ALLOW_INSECURE", "true")
        .env("MAX_CONNECTIONS_PER_SOURCE", "1000000")
        .env("SHUTDOWN_DELAY", "0s")
        .env("LOG_FORMAT", "json");
}

/// Adds accounts with this password by `command`, which starts the service otherwise, until there are so
/// many.
///
/// # Errors
/// When it fails; it has said why.
pub fn seed(mut command: Command, accounts: usize, password: &str) -> Result<()> {
    command
        .args(["seed-users", &accounts.to_string()])
        .env("ALLOW_SEEDING", "true")
        .env("SEED_PASSWORD", password)
        .stdout(Stdio::null());
    if command.status()?.success() {
        Ok(())
    } else {
        Err("seeding failed".into())
    }
}

/// The name of the account with this number, counted from 1, that [`seed`] makes.
#[must_use]
pub fn seeded(number: usize) -> String {
    format!("seed-{number:07}")
}

impl Service {
    /// Starts the service and waits until both of its listeners accept connections. Its log and what it
    /// prints are in this folder under this name.
    ///
    /// # Errors
    /// With its output, when it does not start.
    pub fn start(name: &str, command: &mut Command, folder: &Path) -> Result<Self> {
        Self::start_watched(name, command, folder, |_| {})
    }

    /// The same; `watch` learns the process id before anything is waited for.
    ///
    /// # Errors
    /// With its output, when it does not start.
    pub fn start_watched(
        name: &str,
        command: &mut Command,
        folder: &Path,
        watch: impl FnOnce(u32),
    ) -> Result<Self> {
        let file = folder.join(format!("{name}.ready.json"));
        // A service that was killed has left it.
        let _ = std::fs::remove_file(&file);
        command.env("READY_FILE", &file);
        let mut process = Process::start(name, command, folder)?;
        watch(process.pid());
        let text = process.wait_until("listening", || std::fs::read_to_string(&file).ok())?;
        let Ready { api, ops } = serde_json::from_str(&text)?;
        Ok(Self { process, api, ops })
    }

    /// Waits until it is ready for requests.
    ///
    /// # Errors
    /// With its output, when it is not.
    pub fn wait_ready(&mut self) -> Result<()> {
        let url = format!("{}/readyz", self.ops_url());
        self.process.wait_until("ready", || {
            let page = http::get(&url).ok()?;
            (page.status == 200).then_some(())
        })
    }

    /// URL of the API.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://{}", self.api)
    }

    /// URL of metrics and probes.
    #[must_use]
    pub fn ops_url(&self) -> String {
        format!("http://{}", self.ops)
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Its standard output so far.
    #[must_use]
    pub fn printed(&self) -> String {
        self.process.printed()
    }

    /// Its log so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Its exit status, if it has ended.
    ///
    /// # Errors
    /// When that cannot be known.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.process.ended()
    }

    /// Sends a signal. It must not have ended.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        self.process.signal(signal)
    }

    /// Stops it gracefully, as an operator would.
    ///
    /// # Errors
    /// When it does not end within this time, or not well; with its log.
    pub fn stop(&mut self, timeout: Duration) -> Result<()> {
        let status = self.process.stop(Signal::TERM, timeout)?;
        if status.success() {
            return Ok(());
        }
        Err(format!("the service ended with {status}:\n{}", self.log()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that behaves as the service does at its start.
    const LIKE_SERVICE: &str = r#"printf '{"api":"127.0.0.1:1","ops":"127.0.0.1:2","pid":%s}' $$ >"$READY_FILE.tmp"
        mv "$READY_FILE.tmp" "$READY_FILE"; echo hello; exec sleep 600"#;

    #[test]
    fn addresses_come_from_the_ready_file_of_this_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let left = r#"{"api":"127.0.0.1:9","ops":"127.0.0.1:9","pid":1}"#;
        std::fs::write(folder.path().join("server.ready.json"), left).expect("written");
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", LIKE_SERVICE])
            .env("PATH", "/usr/bin:/bin");
        let service = Service::start("server", &mut command, folder.path()).expect("started");
        assert_eq!(service.api_url(), "http://127.0.0.1:1");
        assert_eq!(service.ops_url(), "http://127.0.0.1:2");
    }

    #[test]
    fn service_that_does_not_start_is_reported_with_its_log() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = command(Path::new("/bin/sh"), folder.path());
        command.args(["-c", "echo refused >&2; exit 1"]);
        let error = Service::start("server", &mut command, folder.path()).expect_err("ended");
        assert!(error.to_string().contains("refused"), "{error}");
    }
}
