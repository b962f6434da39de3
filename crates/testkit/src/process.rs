//! Programs that run beside a test or a tool, each known by its process, never by its name.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, kill_process};

pub use rustix::process::Signal;

use crate::{Result, TIMEOUT};

/// How often a process is looked at.
const POLL: Duration = Duration::from_millis(5);

/// A running program; killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    printed: PathBuf,
    log: PathBuf,
}

impl Process {
    /// Starts a program. Its standard output goes to `NAME.out` in this folder, its standard error is
    /// added to `NAME.log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(name: &str, command: &mut Command, folder: &Path) -> Result<Self> {
        let printed = folder.join(format!("{name}.out"));
        let log = folder.join(format!("{name}.log"));
        let child = command
            .stdin(Stdio::null())
            .stdout(File::create(&printed)?)
            .stderr(File::options().create(true).append(true).open(&log)?)
            .spawn()
            .map_err(|error| {
                let program = command.get_program().to_string_lossy().into_owned();
                format!("{program} cannot be started: {error}")
            })?;
        Ok(Self {
            name: name.to_owned(),
            child,
            printed,
            log,
        })
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its standard output so far.
    #[must_use]
    pub fn printed(&self) -> String {
        read(&self.printed)
    }

    /// Its standard error so far, after that of earlier programs with this name and folder.
    #[must_use]
    pub fn log(&self) -> String {
        read(&self.log)
    }

    /// Both, for the message of a failure.
    #[must_use]
    pub fn output(&self) -> String {
        format!("{}{}", self.printed(), self.log())
    }

    /// Its exit status, if it has ended.
    ///
    /// # Errors
    /// When that cannot be known.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Sends a signal. It must not have ended.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        send(self.pid(), signal)
    }

    /// Waits until `done` gives something.
    ///
    /// # Errors
    /// With its output, when it ends before or takes too long.
    pub fn wait_until<T>(&mut self, what: &str, mut done: impl FnMut() -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let ended = self.ended()?;
            if let Some(value) = done() {
                return Ok(value);
            }
            let problem = match ended {
                Some(status) => format!("ended with {status}"),
                None if Instant::now() > deadline => "takes too long".to_owned(),
                None => {
                    std::thread::sleep(POLL);
                    continue;
                }
            };
            let (name, output) = (&self.name, self.output());
            return Err(format!("{name} is not {what}: it {problem}\n{output}").into());
        }
    }

    /// Sends a signal and waits for the end.
    ///
    /// # Errors
    /// When it does not end within this time.
    pub fn stop(&mut self, signal: Signal, timeout: Duration) -> Result<ExitStatus> {
        if let Some(status) = self.ended()? {
            return Ok(status);
        }
        self.signal(signal)?;
        let deadline = Instant::now() + timeout;
        while Instant::now() < deadline {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            std::thread::sleep(POLL);
        }
        Err(format!("{} does not stop", self.name).into())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Sends a signal to a process.
///
/// # Errors
/// When there is no such process.
pub fn send(pid: u32, signal: Signal) -> Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    Ok(kill_process(pid.ok_or("no process id")?, signal)?)
}

/// Runs a program to its end; gives its standard output.
///
/// # Errors
/// With what it wrote, when it fails.
pub fn run(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{program} cannot be run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} failed: {}{text}", complaint.trim()).into())
}

/// A command that runs as an ordinary user: PostgreSQL refuses to run as root.
#[must_use]
pub fn unprivileged(program: &OsStr) -> Command {
    if is_root() {
        let mut command = Command::new("runuser");
        command.args(["--user", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

/// Whether this process may do anything.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn process_that_ends_early_is_reported_with_its_output() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = shell("echo out; echo err >&2; exit 3");
        let mut process = Process::start("early", &mut command, folder.path()).expect("started");
        let error = process
            .wait_until("ready", || None::<()>)
            .expect_err("it ended")
            .to_string();
        assert!(error.contains("early is not ready: it ended with exit status: 3"));
        assert!(error.contains("out\nerr\n"), "{error}");
    }

    #[test]
    fn process_is_stopped_by_signal_and_killed_when_dropped() {
        let folder = tempfile::tempdir().expect("a folder");
        let start = |name| Process::start(name, &mut shell("exec sleep 600"), folder.path());
        let mut process = start("stopped").expect("started");
        let status = process.stop(Signal::TERM, TIMEOUT).expect("stopped");
        assert!(!status.success());
        let process = start("dropped").expect("started");
        let pid = process.pid();
        drop(process);
        assert!(send(pid, Signal::CONT).is_err());
    }

    #[test]
    fn failed_command_is_reported_with_its_words() {
        assert_eq!(run(&mut shell("echo yes")).expect("it succeeds"), "yes\n");
        let error = run(&mut shell("echo no >&2; false")).expect_err("it fails");
        assert_eq!(error.to_string(), "sh failed: no");
        assert!(run(&mut Command::new("/nonexistent")).is_err());
    }
}
