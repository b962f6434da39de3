//! Fills the database and starts the service, as processes of their own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

use crate::Result;

/// The password of the administrator and of every other account.
pub const PASSWORD: &str = "violet-harbour-31";
const SERVICE: &str = env!("CARGO_BIN_EXE_rbac-sentinel");

/// Where everything is.
pub struct Place<'a> {
    pub folder: &'a Path,
    /// The database, unless it is in the folder.
    pub database_url: Option<&'a str>,
}

impl Place<'_> {
    fn command(&self) -> Command {
        let mut command = Command::new(SERVICE);
        command
            .env_clear()
            .current_dir(self.folder)
            .env("DATA_DIR", self.folder.join("data"))
            // Databases are kept, folders are not.
            .env("SECRET_KEY", "a secret of this benchmark and no other")
            // The least there is: what is measured is not how slow hashing is.
            .env("HASH_MEMORY_KIB", "8")
            .env("HASH_ITERATIONS", "1")
            .env("RATE_LIMITS", "off");
        if let Some(url) = self.database_url {
            command.env("DATABASE_URL", url);
        }
        command
    }
}

/// Makes the accounts that are missing; gives the seconds that it took.
pub fn seed(place: &Place<'_>, users: u32) -> Result<f64> {
    let start = Instant::now();
    let status = place
        .command()
        .args(["seed-users", &users.to_string()])
        .env("ALLOW_SEEDING", "true")
        .env("SEED_PASSWORD", PASSWORD)
        .stdout(Stdio::null())
        .status()?;
    if !status.success() {
        return Err("seeding failed".into());
    }
    Ok(start.elapsed().as_secs_f64())
}

/// The running service, killed when dropped.
pub struct Server {
    child: Child,
    /// Kept open: printing to a closed pipe would end the server.
    _stdout: BufReader<ChildStdout>,
    pub api: SocketAddr,
    pub ops: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts the service and waits until it listens.
    pub fn start(place: &Place<'_>) -> Result<Self> {
        let mut child = place
            .command()
            .env("API_ADDR", "127.0.0.1:0")
            .env("OPS_ADDR", "127.0.0.1:0")
            .env("ADMIN_PASSWORD", PASSWORD)
            .env("LOG_LEVEL", "error")
            .env("HOUSEKEEPING_INTERVAL", "0s")
            .stdout(Stdio::piped())
            .spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        let mut addresses = Vec::new();
        for (before, after) in [
            ("documentation  http://", "/docs"),
            ("metrics        http://", "/metrics"),
        ] {
            addresses.push(address(&mut stdout, before, after)?);
        }
        Ok(Self {
            child,
            _stdout: stdout,
            api: addresses[0],
            ops: addresses[1],
        })
    }
}

/// Reads on to the line that holds an address.
fn address(lines: &mut impl BufRead, before: &str, after: &str) -> Result<SocketAddr> {
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 {
        let found = line.split_once(before);
        if let Some((found, _)) = found.and_then(|(_, rest)| rest.split_once(after)) {
            return Ok(found.parse()?);
        }
        line.clear();
    }
    Err("the server did not start".into())
}
