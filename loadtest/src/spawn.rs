//! A server of the lab's own: built from this workspace, on free ports and an empty database.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::Result;
use crate::player::Account;

/// How long a server may take to stop: its own time limit and some more.
const STOP: Duration = Duration::from_secs(30);
/// What seals the keys of a database that is gone after the run.
const SECRET_KEY: &str = "a-key-of-the-load-lab-that-seals-nothing-of-worth";

/// How a server shall be started.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The program; built in release mode if it is not given.
    pub program: Option<PathBuf>,
    /// PostgreSQL instead of the embedded database.
    pub database_url: Option<String>,
    /// Redis instead of the cache in process.
    pub redis_url: Option<String>,
    /// Further settings, by environment variable.
    pub settings: Vec<(String, String)>,
}

/// A running server. Stopped when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Kept open: printing to a closed pipe would end the server.
    stdout: BufReader<ChildStdout>,
    folder: TempDir,
    /// Where its API is.
    pub api: String,
    /// Where its metrics and probes are.
    pub ops: String,
}

impl Plan {
    /// Makes the administrator, then starts the server. `run` keeps its data apart from every other
    /// run's, where the database or Redis is not the lab's own.
    ///
    /// # Errors
    /// When it cannot be built or does not start; with its log.
    pub fn start(&self, run: &str, admin: &Account) -> Result<Server> {
        let program = match &self.program {
            Some(program) => std::path::absolute(program)?,
            None => build()?,
        };
        let folder = tempfile::tempdir()?;
        self.make_admin(&program, folder.path(), run, admin)?;
        let log = folder.path().join("server.log");
        let mut command = self.command(&program, folder.path(), run);
        command.stdout(Stdio::piped()).stderr(File::create(&log)?);
        let mut child = command.spawn().map_err(|error| {
            format!(
                "the server {} cannot be started: {error}",
                program.display()
            )
        })?;
        let stdout = child.stdout.take().ok_or("the server has no output")?;
        let mut server = Server {
            child,
            stdout: BufReader::new(stdout),
            folder,
            api: String::new(),
            ops: String::new(),
        };
        server.read_greeting()?;
        Ok(server)
    }

    fn command(&self, program: &Path, folder: &Path, run: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            // An interrupt from the terminal is for the lab, which stops the server afterwards.
            .process_group(0)
            .current_dir(folder)
            .env("API_ADDR", "127.0.0.1:0")
            .env("OPS_ADDR", "127.0.0.1:0")
            .env("DATA_DIR", folder.join("data"))
            .env("SECRET_KEY", SECRET_KEY)
            .env("SHUTDOWN_DELAY", "0s")
            .env("LOG_FORMAT", "json")
            // All users come from one address, unless a scenario is about that.
            .env("RATE_LIMITS", "off");
        if let Some(url) = &self.database_url {
            command.env("DATABASE_URL", url);
        }
        if let Some(url) = &self.redis_url {
            command.env("REDIS_URL", url);
            command.env("REDIS_PREFIX", format!("lt-{run}:"));
        }
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    fn make_admin(&self, program: &Path, folder: &Path, run: &str, admin: &Account) -> Result<()> {
        let mut command = self.command(program, folder, run);
        command.args(["admin", "create", "--username", &admin.username]);
        command.args(["--email", &admin.email()]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| {
                format!(
                    "the server {} cannot be started: {error}",
                    program.display()
                )
            })?;
        let mut input = child.stdin.take().ok_or("no input")?;
        // One that has given up already says why below.
        let _ = writeln!(input, "{}", admin.password);
        drop(input);
        let output = child.wait_with_output()?;
        if output.status.success() {
            return Ok(());
        }
        let complaint = String::from_utf8_lossy(&output.stderr);
        Err(format!(
            "the server's database cannot be prepared: {}",
            complaint.trim()
        )
        .into())
    }
}

impl Server {
    /// Reads the addresses that the server prints once both of its listeners are open.
    fn read_greeting(&mut self) -> Result<()> {
        let mut line = String::new();
        while self.stdout.read_line(&mut line)? > 0 {
            if let Some(address) = between(&line, "documentation  ", "/docs") {
                self.api = address.to_owned();
            }
            if let Some(address) = between(&line, "metrics        ", "/metrics") {
                self.ops = address.to_owned();
                return Ok(());
            }
            line.clear();
        }
        let log = self.log();
        Err(format!("the server did not start:\n{}", log.trim_end()).into())
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        let mut text = String::new();
        if let Ok(mut file) = File::open(self.folder.path().join("server.log")) {
            let _ = file.read_to_string(&mut text);
        }
        text
    }

    /// Stops it as an operator would.
    ///
    /// # Errors
    /// When it does not end in time, or not well.
    pub fn stop(mut self) -> Result<()> {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        kill_process(pid.ok_or("no process id")?, Signal::TERM)?;
        let deadline = Instant::now() + STOP;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                if status.success() {
                    return Ok(());
                }
                return Err(format!("the server ended with {status}:\n{}", self.log()).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err("the server did not stop in time and was killed".into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Builds the server in release mode; gives the program.
fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = Command::new(cargo)
        .args([
            "build",
            "--release",
            "--locked",
            "--package",
            "rbac-sentinel",
        ])
        .args([
            "--bin",
            "rbac-sentinel",
            "--message-format",
            "json-render-diagnostics",
        ])
        .current_dir(workspace)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo cannot be run: {error}; name a server in --server"))?;
    if !output.status.success() {
        return Err("the server cannot be built".into());
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let mut programs = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    programs
        .next_back()
        .ok_or_else(|| "cargo built no program".into())
}

fn between<'a>(line: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(line.split_once(before)?.1.split_once(after)?.0)
}
