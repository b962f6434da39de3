//! Servers that a test may stop, hang and restart.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

/// A port that nobody listens on now. It is none of those that the system gives to whoever connects
/// or does not ask for a certain one: it would not be free when a server comes back to it.
pub fn free_port() -> u16 {
    const FIRST: u32 = 16_000;
    const COUNT: u32 = 16_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Test runs beside one another begin at different ports.
    let begin = std::process::id().wrapping_mul(101);
    let ports = std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::Relaxed));
    ports
        .take(COUNT as usize)
        .filter_map(|number| u16::try_from(FIRST + begin.wrapping_add(number) % COUNT).ok())
        .find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a port")
}

/// Sends a signal by name to processes.
pub fn signal(name: &str, ids: &[u32]) {
    let ids = ids.iter().map(ToString::to_string);
    let status = Command::new("kill")
        .arg(format!("-{name}"))
        .args(ids)
        .status()
        .expect("kill runs");
    assert!(status.success(), "kill -{name}");
}

/// A PostgreSQL server of one's own. Stopped when dropped.
pub struct Postgres {
    folder: TempDir,
    port: u16,
}

impl Postgres {
    /// Makes a cluster and starts it with these settings.
    pub fn start(settings: &[&str]) -> Self {
        Self::prepare(settings, |_| {})
    }

    /// The same after something was put into the data folder.
    pub fn prepare(settings: &[&str], prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        own(folder.path());
        let server = Self {
            folder,
            port: free_port(),
        };
        let data = server.data().display().to_string();
        server.run(
            "initdb",
            &[
                "--pgdata",
                &data,
                "--username",
                "postgres",
                "--auth",
                "trust",
                "--no-sync",
            ],
        );
        prepare(&server.data());
        own(&server.data());
        let mut conf = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = '{}'\nfsync = off\n",
            server.port,
            server.folder.path().display()
        );
        for setting in settings {
            conf.push_str(setting);
            conf.push('\n');
        }
        std::fs::write(server.data().join("postgresql.auto.conf"), conf).expect("written");
        server.begin();
        server
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts it again.
    pub fn begin(&self) {
        self.control(&["start", "--silent", "--wait"]);
    }

    /// Stops it without a goodbye to its clients.
    pub fn stop(&self) {
        self.control(&["stop", "--silent", "--wait", "--mode", "immediate"]);
    }

    /// Lets every process of it hang.
    pub fn hang(&self) {
        signal("STOP", &self.processes());
    }

    /// Lets it go on.
    pub fn resume(&self) {
        signal("CONT", &self.processes());
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn control(&self, args: &[&str]) {
        let data = self.data().display().to_string();
        let log = self.folder.path().join("log").display().to_string();
        self.run(
            "pg_ctl",
            &[&["--pgdata", &data, "--log", &log], args].concat(),
        );
    }

    /// The first process and its children.
    fn processes(&self) -> Vec<u32> {
        let file = std::fs::read_to_string(self.data().join("postmaster.pid")).expect("it runs");
        let first: u32 = file.lines().next().expect("a line").parse().expect("an id");
        let output = Command::new("ps")
            .args(["-o", "pid=", "--ppid", &first.to_string()])
            .output()
            .expect("ps runs");
        let children = String::from_utf8(output.stdout).expect("UTF-8");
        let children = children
            .split_whitespace()
            .map(|id| id.parse().expect("an id"));
        std::iter::once(first).chain(children).collect()
    }

    /// Runs one of the server's programs as somebody whom it accepts.
    fn run(&self, program: &str, args: &[&str]) {
        let bin = std::env::var("POSTGRES_BIN").expect(
            "POSTGRES_BIN must name the folder of initdb: run scripts/test, which sees to it",
        );
        let program = Path::new(&bin).join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["--user", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let output = command
            .args(args)
            .env("PGCTLTIMEOUT", super::PATIENCE.as_secs().to_string())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(self.folder.path().join("errors")).expect("a file"))
            .status()
            .expect("it runs");
        let errors = std::fs::read_to_string(self.folder.path().join("errors"));
        assert!(output.success(), "{args:?}: {}", errors.unwrap_or_default());
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.data().join("postmaster.pid").exists() {
            // Some may end meanwhile; a process that hangs is killed all the same.
            let ids = self.processes();
            let ids = ids.iter().map(ToString::to_string);
            let _ = Command::new("kill").arg("-KILL").args(ids).status();
        }
    }
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("id runs");
    output.stdout.trim_ascii() == b"0"
}

/// Gives a folder to the user that PostgreSQL runs as: it refuses to run as root.
fn own(path: &Path) {
    if is_root() {
        let status = Command::new("chown")
            .arg("-R")
            .arg("postgres")
            .arg(path)
            .status();
        assert!(status.expect("chown runs").success());
    }
}

/// A Redis server of one's own. Stopped when dropped.
pub struct Redis {
    folder: TempDir,
    port: u16,
    child: Option<Child>,
}

impl Redis {
    /// Starts an empty one.
    pub async fn start() -> Self {
        let mut server = Self {
            folder: tempfile::tempdir().expect("a folder"),
            port: free_port(),
            child: None,
        };
        server.begin().await;
        server
    }

    /// A place where none listens, for one to be started later.
    pub fn absent() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            port: free_port(),
            child: None,
        }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Starts it, again or for the first time; it is empty.
    pub async fn begin(&mut self) {
        let program = std::env::var("REDIS_SERVER").expect(
            "REDIS_SERVER must name the server's program: run scripts/test, which sees to it",
        );
        let child = Command::new(program)
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--port", &self.port.to_string()])
            .arg("--dir")
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Redis starts");
        self.child = Some(child);
        let address = ("127.0.0.1", self.port);
        super::until("listening", async || {
            tokio::net::TcpStream::connect(address).await.is_ok()
        })
        .await;
    }

    /// Stops it without a goodbye to its clients.
    pub fn stop(&mut self) {
        let mut child = self.child.take().expect("running");
        child.kill().expect("killed");
        child.wait().expect("gone");
    }

    /// Lets it hang.
    pub fn hang(&self) {
        signal("STOP", &[self.child.as_ref().expect("running").id()]);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        signal("CONT", &[self.child.as_ref().expect("running").id()]);
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
