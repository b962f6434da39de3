//! Starts the servers as processes of their own.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use rbac_sentinel::testing::config::Config;
use rbac_sentinel::testing::{app, metrics, telemetry};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::Result;
use crate::client::{Connection, get, login, post, runtime};

const PASSWORD: &str = "violet-harbour-31";
const SERVICE: &str = env!("CARGO_BIN_EXE_rbac-sentinel");

/// A running server, killed when dropped.
pub struct Server {
    child: Child,
    /// Kept open: printing to a closed pipe would end the server.
    stdout: BufReader<ChildStdout>,
    pub api: SocketAddr,
    /// The operational listener, if there is one.
    pub ops: SocketAddr,
    /// A token that it said it takes.
    pub token: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// The service: the release binary with its default configuration, but for ports, folder and
    /// rate limits. `env` adds to it.
    pub fn service(folder: &Path, env: &[(&str, String)]) -> Result<Self> {
        let mut command = Command::new(SERVICE);
        command.env_clear();
        command.envs(env.iter().map(|(name, value)| (name, value)));
        Self::start(command, folder, "documentation  http://", "/docs")
    }

    /// The service from this executable, with nothing behind its metrics.
    pub fn unrecorded(folder: &Path) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.env_clear().arg("--unrecorded");
        Self::start(command, folder, "documentation  http://", "/docs")
    }

    /// The bare server from this executable.
    pub fn bare(folder: &Path) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.env_clear().arg("--bare");
        Self::start(command, folder, "address ", " ")
    }

    fn start(mut command: Command, folder: &Path, before: &str, after: &str) -> Result<Self> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(folder.join("server.log"))?;
        command
            .current_dir(folder)
            .env("API_ADDR", "127.0.0.1:0")
            .env("OPS_ADDR", "127.0.0.1:0")
            .env("DATA_DIR", folder.join("data"))
            // All load comes from one address.
            .env("RATE_LIMITS", "off")
            .env("SHUTDOWN_DELAY", "0s")
            .stdout(Stdio::piped())
            .stderr(log);
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        let mut server = Self {
            child,
            stdout: BufReader::new(stdout),
            api: SocketAddr::from(([127, 0, 0, 1], 0)),
            ops: SocketAddr::from(([127, 0, 0, 1], 0)),
            token: String::new(),
        };
        let mut line = String::new();
        while server.stdout.read_line(&mut line)? > 0 {
            if let Some(address) = between(&line, before, after) {
                server.api = address.parse()?;
            }
            if let Some(token) = between(&line, "token ", " ") {
                server.token = token.to_owned();
                return Ok(server);
            }
            if let Some(address) = between(&line, "metrics        http://", "/metrics") {
                server.ops = address.parse()?;
                server.wait_ready()?;
                return Ok(server);
            }
            line.clear();
        }
        let log = std::fs::read_to_string(folder.join("server.log"))?;
        Err(format!("the server did not start:\n{log}").into())
    }

    fn wait_ready(&self) -> Result<()> {
        runtime().block_on(async {
            let deadline = Instant::now() + Duration::from_secs(60);
            let request = get("/readyz", "none");
            while Instant::now() < deadline {
                if let Ok(mut connection) = Connection::open(self.ops).await
                    && let Ok(answer) = connection.exchange(&request).await
                    && answer.status == 200
                {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Err("the server did not become ready".into())
        })
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Stops it as an operator would.
    pub fn stop(mut self) -> Result<()> {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        kill_process(pid.ok_or("no process id")?, Signal::TERM)?;
        self.child.wait()?;
        Ok(())
    }

    /// Registers `user-0`, `user-1` and so on.
    pub fn register(&self, count: usize) -> Result<()> {
        runtime().block_on(async {
            let mut connection = Connection::open(self.api).await?;
            for index in 0..count {
                let body = format!(
                    r#"{{"username":"user-{index}","email":"user-{index}@example.com","password":"{PASSWORD}"}}"#
                );
                let request = post("/register", "application/json", &body);
                let answer = connection.exchange(&request).await?;
                if answer.status != 201 {
                    return Err(format!("a registration was answered {}", answer.status).into());
                }
            }
            Ok(())
        })
    }

    /// Logs the first accounts in and gives their access tokens.
    pub fn tokens(&self, count: usize) -> Result<Vec<String>> {
        runtime().block_on(async {
            let mut connection = Connection::open(self.api).await?;
            let mut tokens = Vec::new();
            for index in 0..count {
                let answer = connection.exchange(&credentials(index)).await?;
                let json: serde_json::Value = serde_json::from_slice(answer.body)?;
                let token = json["access_token"].as_str();
                tokens.push(token.ok_or("a login was refused")?.to_owned());
            }
            Ok(tokens)
        })
    }
}

/// The login of an account that [`Server::register`] made.
pub fn credentials(index: usize) -> crate::client::Wire {
    login(&format!("user-{index}"), PASSWORD)
}

fn between<'a>(line: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(line.split_once(before)?.1.split_once(after)?.0)
}

/// A folder for a server.
pub fn folder() -> Result<TempDir> {
    Ok(tempfile::tempdir()?)
}

/// The service in this process, without the recorder: every metric is called and none is kept,
/// which is what recording costs apart from the code itself.
pub fn serve_unrecorded() -> Result<()> {
    #[derive(Parser)]
    struct Environment {
        #[command(flatten)]
        config: Config,
    }
    let config = Environment::parse_from([OsStr::new("rbac-sentinel")]).config;
    config.validate()?;
    telemetry::start_logging(config.log_format, &config.log_level)?;
    let handle = metrics::recorder_builder().build_recorder().handle();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(app::serve(config, handle))?;
    Ok(())
}
