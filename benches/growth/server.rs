//! Fills the database and starts the service, as processes of their own.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use testkit::service::{self, Service};

use crate::common::Result;

/// The password of the administrator and of every other account.
pub const PASSWORD: &str = "violet-harbour-31";
const SERVICE: &str = env!("CARGO_BIN_EXE_rbac-sentinel");

/// Folder and database of the service.
pub struct Place<'a> {
    pub folder: &'a Path,
    /// The database, unless it is in the folder.
    pub database_url: Option<&'a str>,
}

impl Place<'_> {
    fn command(&self) -> Command {
        let mut command = service::command(Path::new(SERVICE), self.folder);
        command
            // Databases are kept, folders are not.
            .env("SECRET_KEY", "a secret of this benchmark and no other")
            // The minimum: hashing is not what is measured.
            .env("HASH_MEMORY_KIB", "8")
            .env("HASH_ITERATIONS", "1");
        if let Some(url) = self.database_url {
            command.env("DATABASE_URL", url);
        }
        command
    }
}

/// Adds the missing accounts; returns the seconds that it took.
pub fn seed(place: &Place<'_>, users: u32) -> Result<f64> {
    let start = Instant::now();
    service::seed(place.command(), users as usize, PASSWORD)?;
    Ok(start.elapsed().as_secs_f64())
}

/// Starts the service and waits until it listens.
pub fn start(place: &Place<'_>) -> Result<Service> {
    let mut command = place.command();
    command
        .env("ADMIN_PASSWORD", PASSWORD)
        .env("LOG_LEVEL", "error")
        .env("HOUSEKEEPING_INTERVAL", "0s");
    Service::start("server", &mut command, place.folder)
}
