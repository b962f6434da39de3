//! The command line: one file a command, each opening what it needs and nothing else.

mod admin;
mod calibrate;
mod healthcheck;
mod keys;
mod migrate;
mod policy;
mod seed_users;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Config;
use crate::error::Error;
use crate::{api, metrics};

type Failure = Box<dyn std::error::Error>;

/// Authentication and role-based access control with built-in observability.
///
/// Without a command, the service starts. Options come from flags, then the environment, then a
/// file `.env` in the working directory.
#[derive(Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    config: Config,
}

#[derive(Subcommand)]
enum Command {
    /// Start the service
    Serve(Box<Config>),
    /// Create administrators and reset passwords
    Admin(Box<admin::Admin>),
    /// Print the OpenAPI document
    Openapi,
    /// Print the catalogue of metrics as Markdown
    Metrics,
    /// Measure password hashing, and print how many logins a second this machine can do
    Calibrate(Box<Config>),
    /// List, rotate, retire and revoke signing keys
    Keys(Box<keys::KeysCommand>),
    /// Export, compare and apply the policy of roles and permissions as a file
    Policy(policy::PolicyCommand),
    /// Migrate the database's schema to the current version
    Migrate(Box<Config>),
    /// Print the effective configuration, secrets masked
    Config(Box<Config>),
    /// Check whether a running service is ready; exits with 1 if not
    Healthcheck(healthcheck::Healthcheck),
    /// Fill a test database with accounts that share a password
    #[command(hide = true)]
    SeedUsers(Box<seed_users::SeedUsers>),
}

/// Runs the command of the command line; an error becomes one line and an exit code.
#[must_use]
pub fn run() -> ExitCode {
    // Before anything reads the environment; a missing file is no error. Folders further up are not
    // searched: they belong to others.
    if let Err(error) = dotenvy::from_path(".env")
        && !error.not_found()
    {
        eprintln!("rbac-sentinel: .env cannot be read: {error}");
        return ExitCode::from(2);
    }
    let cli = Cli::parse();
    let command = cli
        .command
        .unwrap_or_else(|| Command::Serve(Box::new(cli.config)));
    match dispatch(command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("rbac-sentinel: {}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve(config) => serve::run(*config)?,
        Command::Admin(admin) => admin::run(&admin)?,
        Command::Openapi => print!("{}", api::document()?),
        Command::Metrics => print!("{}", metrics::markdown()),
        Command::Calibrate(config) => calibrate::run(&config)?,
        Command::Keys(command) => keys::run(&command)?,
        Command::Policy(command) => policy::run(&command)?,
        Command::Migrate(config) => migrate::run(&config)?,
        Command::Config(config) => {
            print!("{}", config.masked());
            config.validate()?;
        }
        Command::Healthcheck(healthcheck) => return Ok(healthcheck::run(&healthcheck)),
        Command::SeedUsers(seeding) => seed_users::run(&seeding)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// An error and its causes, in one line. The operator sees the cause of internal errors, which
/// responses omit; a repeated cause is printed once.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    if let Some(Error::Internal(cause)) = error.downcast_ref() {
        return chain(&**cause);
    }
    let text = error.to_string();
    match error.source().map(chain) {
        Some(cause) if !text.ends_with(&cause) => format!("{text}: {cause}"),
        _ => text,
    }
}
