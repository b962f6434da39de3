//! Starts the servers as processes of their own.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use clap::Parser;
use rbac_sentinel::testing::config::Config;
use rbac_sentinel::testing::{app, metrics, telemetry};
use tempfile::TempDir;
use testkit::TIMEOUT;
use testkit::service::{self, Service};

use crate::common::Result;
use crate::common::client::{Connection, Wire, login, post, runtime};

const PASSWORD: &str = "violet-harbour-31";
const SERVICE: &str = env!("CARGO_BIN_EXE_rbac-sentinel");

/// A running server, killed when dropped.
pub struct Server {
    service: Service,
    pub api: SocketAddr,
    pub ops: SocketAddr,
}

impl Server {
    /// The service: the release binary with its default configuration, but for ports, folder and
    /// rate limits. `env` adds to it.
    pub fn service(folder: &Path, env: &[(&str, String)]) -> Result<Self> {
        let mut command = service::command(Path::new(SERVICE), folder);
        command.envs(env.iter().map(|(name, value)| (name, value)));
        Self::start(command, folder)
    }

    /// The service from this executable, without a metrics recorder.
    pub fn unrecorded(folder: &Path) -> Result<Self> {
        let mut command = service::command(&std::env::current_exe()?, folder);
        command.arg("--unrecorded");
        Self::start(command, folder)
    }

    /// The bare server from this executable, and a token that it takes. It has no operational listener.
    pub fn bare(folder: &Path) -> Result<(Self, String)> {
        let mut command = service::command(&std::env::current_exe()?, folder);
        command.arg("--bare");
        let service = Service::start("bare", &mut command, folder)?;
        let token = service.printed().trim().to_owned();
        Ok((Self::of(service), token))
    }

    fn start(mut command: Command, folder: &Path) -> Result<Self> {
        let mut service = Service::start("server", &mut command, folder)?;
        service.wait_ready()?;
        Ok(Self::of(service))
    }

    fn of(service: Service) -> Self {
        Self {
            api: service.api,
            ops: service.ops,
            service,
        }
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.service.pid()
    }

    /// Stops it gracefully, as an operator would.
    pub fn stop(mut self) -> Result<()> {
        self.service.stop(TIMEOUT)
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
pub fn credentials(index: usize) -> Wire {
    login(&format!("user-{index}"), PASSWORD)
}

/// A folder for a server.
pub fn folder() -> Result<TempDir> {
    Ok(tempfile::tempdir()?)
}

/// The service in this process, with a recorder that is not installed: metrics are called and not kept,
/// so the difference is the cost of recording.
pub fn serve_unrecorded() -> Result<()> {
    #[derive(Parser)]
    struct Environment {
        #[command(flatten)]
        config: Config,
    }
    let config = Environment::parse_from([OsStr::new("rbac-sentinel")]).config;
    config.validate()?;
    telemetry::start_logging(config.logs.log_format, &config.logs.log_level)?;
    let handle = metrics::CatalogueRecorder::default().handle();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(app::serve(config, handle))?;
    Ok(())
}
