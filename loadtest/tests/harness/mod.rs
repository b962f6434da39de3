//! Runs the lab, and servers for it.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use testkit::process::{Signal, send};

/// Of the administrator of a [`Service`].
pub const ADMIN_PASSWORD: &str = "granite-meadow-58";

/// The file for its standard error.
const SAID: &str = "stderr.txt";
/// How long a slow machine may take for what must happen.
const PATIENCE: Duration = Duration::from_mins(5);

/// Hashing at the least that the algorithm allows: what is tested is not how slow it is.
const CHEAP: [(&str, &str); 3] = [
    ("HASH_MEMORY_KIB", "64"),
    ("HASH_ITERATIONS", "1"),
    ("HASH_DEADLINE", "30s"),
];

/// The service, which stands beside the lab in the target folder.
pub fn service() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_loadtest")).with_file_name("rbac-sentinel");
    assert!(
        program.exists(),
        "{} is not built: run `cargo test --workspace`, which builds it",
        program.display()
    );
    program
}

/// A run that is being put together.
pub struct Lab {
    command: Command,
    folder: TempDir,
    reports: bool,
    ignore_speed: bool,
}

impl Lab {
    /// The program with these words alone.
    pub fn bare(words: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
        command
            .args(words)
            .env_remove("DATABASE_URL")
            .env_remove("REDIS_URL")
            .env_remove("LOADTEST_ADMIN_PASSWORD")
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        Self {
            command,
            folder: tempfile::tempdir().expect("a folder"),
            reports: false,
            ignore_speed: false,
        }
    }

    /// A run of this scenario.
    pub fn new(scenario: &str) -> Self {
        let mut lab = Self::bare(&[scenario]);
        lab.reports = true;
        lab.ignore_speed = true;
        let folder = lab.folder.path().to_owned();
        lab.command.arg("--out").arg(folder);
        lab.args(&["--metrics-addr", "127.0.0.1:0"])
    }

    /// A run of this scenario on a server of its own.
    pub fn spawning(scenario: &str) -> Self {
        let mut lab = Self::new(scenario);
        lab.command.arg("--spawn").arg("--server").arg(service());
        for (name, value) in CHEAP {
            lab.command.arg("--set").arg(format!("{name}={value}"));
        }
        lab
    }

    /// With these words, too; a later one wins.
    pub fn args(mut self, words: &[&str]) -> Self {
        self.command.args(words);
        self
    }

    /// With this password of the administrator.
    pub fn password(mut self, password: &str) -> Self {
        self.command.env("LOADTEST_ADMIN_PASSWORD", password);
        self
    }

    /// Judges speed, too.
    pub fn judging_speed(mut self) -> Self {
        self.ignore_speed = false;
        self
    }

    /// With this environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// With so many open files allowed.
    pub fn with_files(mut self, files: u32) -> Self {
        let script = format!("ulimit -n {files}; exec \"$0\" \"$@\"");
        let mut limited = Command::new("sh");
        limited.arg("-c").arg(script);
        limited.arg(self.command.get_program());
        limited.args(self.command.get_args());
        limited.stdin(Stdio::null()).stdout(Stdio::piped());
        self.command = limited;
        self
    }

    /// Where one of its files will be.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts it.
    pub fn start(mut self) -> Running {
        if self.reports && self.ignore_speed {
            self.command.arg("--ignore-speed");
        }
        let said = File::create(self.folder.path().join(SAID)).expect("a file");
        self.command.stderr(said);
        Running {
            child: self.command.spawn().expect("the lab starts"),
            folder: self.folder,
        }
    }

    /// Runs it to its end.
    pub fn run(self) -> Run {
        self.start().wait()
    }
}

/// A run that goes on.
pub struct Running {
    child: Child,
    folder: TempDir,
}

impl Running {
    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        send(self.child.id(), signal).expect("it runs");
    }

    /// What it has said so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join(SAID)).expect("a file")
    }

    /// Waits for the end of one that was killed.
    pub fn reap(&mut self) {
        self.child.wait().expect("it ends");
    }

    /// Waits for its end.
    pub fn wait(self) -> Run {
        let stderr = self.folder.path().join(SAID);
        let output = self.child.wait_with_output().expect("it ends");
        Run {
            code: output.status.code().expect("not by a signal"),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: std::fs::read_to_string(stderr).expect("a file"),
            folder: self.folder,
        }
    }
}

/// A run that has ended.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    folder: TempDir,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {}\n{}\n{}", self.code, self.stdout, self.stderr)
    }
}

impl Run {
    /// Where one of its files is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// One of its files.
    pub fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name))
            .unwrap_or_else(|error| panic!("{name}: {error}\n{self}"))
    }

    /// Its result.
    pub fn result(&self) -> serde_json::Value {
        serde_json::from_str(&self.file("result.json")).expect("JSON")
    }

    /// The report that it printed.
    pub fn table(&self) -> &str {
        let start = self.stdout.find("# ").expect("a report");
        let end = self.stdout.rfind("\nIn ").expect("an end");
        &self.stdout[start..end]
    }
}

/// A server that is not the lab's own.
pub struct Service {
    // Before its folder, so that it has ended when that is removed.
    server: testkit::service::Service,
    folder: Arc<TempDir>,
}

impl Service {
    /// Starts one, with these settings beside those of all tests.
    pub fn start(settings: &[(&str, &str)]) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        Self::start_in(folder, "server", settings)
    }

    /// Starts another replica of it on the same embedded database.
    pub fn replica(&self, settings: &[(&str, &str)]) -> Self {
        Self::start_in(Arc::clone(&self.folder), "replica", settings)
    }

    fn start_in(folder: Arc<TempDir>, name: &str, settings: &[(&str, &str)]) -> Self {
        let mut command = testkit::service::command(&service(), folder.path());
        command
            .env("ADMIN_PASSWORD", ADMIN_PASSWORD)
            .envs(CHEAP)
            .envs(settings.iter().copied());
        let server = testkit::service::Service::start(name, &mut command, folder.path());
        let mut server = server.unwrap_or_else(|error| panic!("{error}"));
        server
            .wait_ready()
            .unwrap_or_else(|error| panic!("{error}"));
        Self { server, folder }
    }

    /// Where its metrics are.
    pub fn ops(&self) -> String {
        self.server.ops_url()
    }

    /// Its folder, which replicas share.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where its API is.
    pub fn api(&self) -> String {
        self.server.api_url()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        self.server.signal(signal).expect("it runs");
    }

    /// Asks it to stop.
    pub fn terminate(&self) {
        self.server.signal(Signal::TERM).expect("it runs");
        let ready = format!("{}/readyz", self.server.ops_url());
        until("not ready", || get(&ready).is_none().then_some(()));
    }

    /// A run on it.
    pub fn lab(&self, scenario: &str) -> Lab {
        Lab::new(scenario).password(ADMIN_PASSWORD).args(&[
            "--host",
            &self.server.api_url(),
            "--ops",
            &self.server.ops_url(),
        ])
    }
}

/// Asks again and again until there is an answer.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The body of a page that is answered with 200.
pub fn get(url: &str) -> Option<String> {
    let page = testkit::http::get(url).ok()?;
    (page.status == 200).then_some(page.body)
}

/// Asks promtool about metrics.
pub fn lint(text: &str) {
    let promtool = std::env::var("PROMTOOL")
        .expect("PROMTOOL must name promtool: run scripts/test, which sees to it");
    let mut child = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool runs");
    let mut input = child.stdin.take().expect("piped");
    input.write_all(text.as_bytes()).expect("written");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

/// Every scenario but `sentinel`, with the users of a reduced run: passed on to a macro that makes a test of each.
macro_rules! all_but_sentinel {
    ($tests:ident) => {
        $tests! {
            fastapi_auth_300: "fastapi-auth-300" with "16",
            fastapi_auth_500: "fastapi-auth-500" with "16",
            fastapi_auth_800: "fastapi-auth-800" with "16",
            fastapi_auth_burst: "fastapi-auth-burst" with "16",
            burst_1000: "burst-1000" with "40",
            login_storm: "login-storm" with "80",
            refresh_storm: "refresh-storm" with "12",
            stuffing: "stuffing" with "20",
            rbac_mix: "rbac-mix" with "10",
            peak: "peak" with "4",
            soak: "soak" with "4",
        }
    };
}
pub(crate) use all_but_sentinel;
