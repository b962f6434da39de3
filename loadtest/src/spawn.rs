//! Starts a server for one run: on free ports and an empty database.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use testkit::process::Signal;
use testkit::service::Service;

use crate::Result;
use crate::guard::Guard;
use crate::state::Account;
use crate::stop::Stop;

/// Time limit for stopping: longer than the server's own.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// The same once the run is stopped.
const STOPPED_TIMEOUT: Duration = Duration::from_secs(5);
/// How often it is looked whether it has ended.
const POLL: Duration = Duration::from_millis(5);
/// Protects the signing keys of a database that is removed after the run.
const SECRET_KEY: &str = "a-key-of-the-load-lab-that-seals-nothing-of-worth";

/// What is started.
#[derive(Args, Clone, Debug, Default)]
pub struct Plan {
    /// The program that --spawn starts; this workspace's build of the profile `dist` if it is not given
    #[arg(
        long = "server",
        value_name = "PROGRAM",
        requires = "spawn",
        help_heading = "Server"
    )]
    pub program: Option<PathBuf>,

    /// PostgreSQL for what --spawn starts
    #[arg(
        long,
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        help_heading = "Server"
    )]
    pub database_url: Option<String>,

    /// Redis for what --spawn starts
    #[arg(
        long,
        env = "REDIS_URL",
        hide_env_values = true,
        value_name = "URL",
        help_heading = "Server"
    )]
    pub redis_url: Option<String>,

    /// A setting for what --spawn starts, as an environment variable; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting, requires = "spawn", help_heading = "Server")]
    pub settings: Vec<(String, String)>,
}

/// Reads a setting of a server.
///
/// # Errors
/// When it is none.
pub fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("must be NAME=VALUE".to_owned()),
    }
}

/// A setting as reports have it, with secrets hidden.
#[must_use]
pub fn reported((name, value): &(String, String)) -> String {
    let secret = ["KEY", "PASSWORD", "URL"]
        .iter()
        .any(|part| name.contains(part));
    if secret {
        format!("{name}=…")
    } else {
        format!("{name}={value}")
    }
}

/// A running server. Killed when dropped.
#[derive(Debug)]
pub struct Server {
    service: Option<Service>,
    api: String,
    ops: String,
    pid: u32,
    guard: Guard,
}

impl Plan {
    /// Creates the administrator, then starts the server in the guard's folder. `run` separates its data in
    /// a Redis that others use, too.
    ///
    /// # Errors
    /// When it cannot be built or does not start; with its log.
    pub fn start(&self, guard: &Guard, run: &str, admin: &Account) -> Result<Server> {
        let program = self.program()?;
        self.make_admin(&program, guard, run, admin)?;
        self.serve(&program, guard, run, "server")
    }

    /// Starts another replica, of this name, with the same data.
    ///
    /// # Errors
    /// When it does not start; with its log.
    pub fn replica(&self, guard: &Guard, run: &str, name: &str) -> Result<Server> {
        self.serve(&self.program()?, guard, run, name)
    }

    /// Starts it again with the data that the guard's folder holds.
    ///
    /// # Errors
    /// When it does not start; with its log.
    pub fn start_again(&self, guard: &Guard, run: &str) -> Result<Server> {
        self.serve(&self.program()?, guard, run, "server")
    }

    fn program(&self) -> Result<PathBuf> {
        match &self.program {
            Some(program) => Ok(std::path::absolute(program)?),
            None => find_or_build(),
        }
    }

    fn serve(&self, program: &Path, guard: &Guard, run: &str, name: &str) -> Result<Server> {
        let folder = guard.folder();
        let mut command = self.command(program, folder, run);
        let service = Service::start_watched(name, &mut command, folder, |pid| {
            guard.watch(pid);
        })?;
        Ok(Server {
            api: service.api_url(),
            ops: service.ops_url(),
            pid: service.pid(),
            service: Some(service),
            guard: guard.clone(),
        })
    }

    fn command(&self, program: &Path, folder: &Path, run: &str) -> Command {
        let mut command = testkit::service::command(program, folder);
        command
            // Ctrl-C is for the lab, which stops the server afterwards.
            .process_group(0)
            .env("SECRET_KEY", SECRET_KEY);
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

    fn make_admin(&self, program: &Path, guard: &Guard, run: &str, admin: &Account) -> Result<()> {
        let mut command = self.command(program, guard.folder(), run);
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
        let pid = child.id();
        guard.watch(pid);
        let mut input = child.stdin.take().ok_or("no input")?;
        // If it has already failed, its status below says why.
        let _ = writeln!(input, "{}", admin.password);
        drop(input);
        let output = child.wait_with_output();
        guard.forget(pid);
        let output = output?;
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
    /// URL of its API.
    #[must_use]
    pub fn api(&self) -> &str {
        &self.api
    }

    /// URL of its metrics and probes.
    #[must_use]
    pub fn ops(&self) -> &str {
        &self.ops
    }

    /// Its process id.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until it is ready for requests.
    ///
    /// # Errors
    /// When it is not; with its log.
    pub fn wait_ready(&mut self) -> Result<()> {
        match &mut self.service {
            Some(service) => service.wait_ready(),
            None => Err("the server was stopped".into()),
        }
    }

    /// How it ended by itself, if it has.
    pub fn ended(&mut self) -> Option<String> {
        let status = self.service.as_mut()?.ended().ok()??;
        Some(format!("ended ({status})"))
    }

    /// Stops it gracefully, as an operator would; in less time once the run is stopped, and at once if
    /// nobody wants to wait.
    ///
    /// # Errors
    /// When it does not end in time, or not well; with its log.
    pub fn stop(&mut self, stop: &Stop) -> Result<()> {
        let Some(mut service) = self.service.take() else {
            return Ok(());
        };
        let mut ended = service.ended()?;
        if ended.is_none() {
            service.signal(Signal::TERM)?;
        }
        let began = Instant::now();
        while ended.is_none() {
            let was_stopped = stop.reason().is_some();
            let timeout = if was_stopped {
                STOPPED_TIMEOUT
            } else {
                STOP_TIMEOUT
            };
            if stop.is_hurried() || began.elapsed() > timeout {
                let log = service.log();
                drop(service);
                self.guard.forget(self.pid);
                return if was_stopped {
                    Ok(())
                } else {
                    Err(format!("the server does not stop:\n{log}").into())
                };
            }
            std::thread::sleep(POLL);
            ended = service.ended()?;
        }
        self.guard.forget(self.pid);
        match ended {
            Some(status) if !status.success() => {
                Err(format!("the server ended with {status}:\n{}", service.log()).into())
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.service.take().is_some() {
            self.guard.forget(self.pid);
        }
    }
}

/// The files and folders that the server is built from.
const SOURCES: [&str; 6] = [
    "Cargo.toml",
    "Cargo.lock",
    "build.rs",
    "src",
    "crates",
    "migrations",
];

/// The server's program in the profile `dist`: the one that is there if it is not older than its sources, or
/// one that is built now. Cargo alone would compile the service again where the two were not built by
/// the same command, because features of shared dependencies differ.
fn find_or_build() -> Result<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| workspace.join("target"), PathBuf::from);
    let program = target.join("dist").join("rbac-sentinel");
    if is_current(&program, &SOURCES.map(|source| workspace.join(source))) {
        return Ok(program.canonicalize()?);
    }
    build(&workspace)
}

/// Whether a program is there and not older than any file of these sources.
fn is_current(program: &Path, sources: &[PathBuf]) -> bool {
    let modified = |path: &Path| path.metadata()?.modified();
    let Ok(built) = modified(program) else {
        return false;
    };
    let mut rest = sources.to_vec();
    while let Some(path) = rest.pop() {
        if path.is_dir() {
            let Ok(entries) = path.read_dir() else {
                return false;
            };
            rest.extend(entries.flatten().map(|entry| entry.path()));
        } else if modified(&path).is_ok_and(|changed| changed > built) {
            return false;
        }
    }
    true
}

/// Builds the server in the profile `dist`; gives the program.
fn build(workspace: &Path) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "build",
            "--profile",
            "dist",
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

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn program_is_current_unless_a_source_is_newer() {
        let folder = tempfile::tempdir().expect("a folder");
        let (program, sources) = (folder.path().join("program"), folder.path().join("src"));
        std::fs::create_dir(&sources).expect("made");
        let source = File::create(sources.join("lib.rs")).expect("made");
        let sources = [sources];
        assert!(!is_current(&program, &sources), "there is none");
        let built = File::create(&program).expect("made");
        let at = built.metadata().and_then(|data| data.modified());
        let at = at.expect("known");
        let later = at + Duration::from_secs(1);
        source.set_modified(at).expect("set");
        assert!(is_current(&program, &sources));
        source.set_modified(later).expect("set");
        assert!(!is_current(&program, &sources));
    }
}
