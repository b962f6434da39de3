//! The command line.

#![forbid(unsafe_code)]
#![warn(clippy::pedantic)]
#![expect(
    clippy::doc_markdown,
    reason = "doc comments are the text of --help: no markup"
)]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};
use rbac_sentinel::auth::calibrate;
use rbac_sentinel::auth::password::Password;
use rbac_sentinel::clock::Clock;
use rbac_sentinel::config::{Config, LogFormat, Secret};
use rbac_sentinel::error::Error;
use rbac_sentinel::store::MAX_SEED;
use rbac_sentinel::{api, app, auth, metrics, telemetry};

/// Authentication and role-based access control that shows what it is doing.
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
    /// Make administrators
    Admin(Box<Admin>),
    /// Print the OpenAPI document
    Openapi,
    /// Print the catalogue of metrics as Markdown
    Metrics,
    /// Measure password hashing here and say how many logins a second this machine can do
    Calibrate(Box<Config>),
    /// Print the signing keys: id, algorithm, age
    Keys(Box<Config>),
    /// Bring the database's schema up to date
    Migrate(Box<Config>),
    /// Print the effective configuration, secrets masked
    Config(Box<Config>),
    /// Ask a running service whether it is ready; exits with 1 if not
    Healthcheck(Healthcheck),
    /// Fill a database for tests with accounts that share a password
    #[command(hide = true)]
    SeedUsers(Box<SeedUsers>),
}

#[derive(Args)]
struct SeedUsers {
    /// How many accounts there shall be: those that are missing are made
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_SEED)))]
    count: u32,
    /// Living sessions of each new account
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=1))]
    sessions_per_user: u8,
    /// Password of the new accounts. Default: one is generated and shown once
    #[arg(long, env = "SEED_PASSWORD", hide_env_values = true)]
    password: Option<Secret>,
    /// Say that this database is for tests
    #[arg(long, env = "ALLOW_SEEDING")]
    allow_seeding: bool,
    #[command(flatten)]
    config: Config,
}

#[derive(Args)]
struct Admin {
    #[command(subcommand)]
    action: AdminAction,
}

#[derive(Subcommand)]
enum AdminAction {
    /// Make an account with the role `admin`; its password is read from standard input
    Create {
        /// The account's name
        #[arg(long)]
        username: String,
        /// The owner's e-mail address
        #[arg(long)]
        email: String,
        #[command(flatten)]
        config: Box<Config>,
    },
    /// Give an existing account the role `admin`
    Promote {
        /// Username or e-mail address
        name: String,
        #[command(flatten)]
        config: Box<Config>,
    },
}

#[derive(Args)]
struct Healthcheck {
    /// Address of the operational listener
    #[arg(long, env = "OPS_ADDR", default_value = "127.0.0.1:9464")]
    ops_addr: SocketAddr,
}

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    // Before anything reads the environment; a missing file is no error. Folders further up are not
    // searched: what lies there is somebody else's.
    if let Err(error) = dotenvy::from_path(".env")
        && !error.not_found()
    {
        eprintln!("rbac-sentinel: .env cannot be read: {error}");
        return ExitCode::from(2);
    }
    let cli = Cli::parse();
    match run(cli
        .command
        .unwrap_or_else(|| Command::Serve(Box::new(cli.config))))
    {
        Ok(code) => code,
        Err(error) => {
            eprintln!("rbac-sentinel: {}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

/// An error and what caused it, in one line. Errors that a request would be told nothing of, its
/// operator is told; errors that repeat their cause say it once.
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

#[tokio::main]
async fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve(config) => serve(*config).await?,
        Command::Admin(admin) => admin_command(admin.action).await?,
        Command::Openapi => print!("{}", openapi().await?),
        Command::Metrics => print!("{}", metrics::markdown()),
        Command::Calibrate(config) => {
            let report =
                calibrate::report(app::hash_params(&config), config.hash_threads()).await?;
            println!("{report}");
        }
        Command::Keys(config) => {
            config.validate()?;
            let auth = app::open(&config, Clock::system()).await?;
            for key in auth.store().signing_keys(Clock::system().now()).await? {
                let state = if key.retired_at.is_some() {
                    "retiring"
                } else {
                    "active"
                };
                println!(
                    "{} {} {state} since {}",
                    key.kid, key.algorithm, key.created_at
                );
            }
        }
        Command::Migrate(config) => {
            config.validate()?;
            app::open(&config, Clock::system())
                .await?
                .store()
                .close()
                .await;
            println!("The schema is up to date.");
        }
        Command::Config(config) => {
            print!("{}", config.masked());
            config.validate()?;
        }
        Command::Healthcheck(Healthcheck { ops_addr }) => {
            if let Err(error) = healthcheck(ops_addr) {
                eprintln!("rbac-sentinel: {error}");
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::SeedUsers(seeding) => seed_users(*seeding).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve(config: Config) -> Result<(), Failure> {
    config.validate()?;
    telemetry::start_logging(config.log_format, &config.log_level)?;
    let recorder = telemetry::install_recorder()?;
    app::serve(config, recorder).await?;
    Ok(())
}

async fn admin_command(action: AdminAction) -> Result<(), Failure> {
    let (AdminAction::Create { config, .. } | AdminAction::Promote { config, .. }) = &action;
    config.validate()?;
    telemetry::start_logging(LogFormat::Pretty, "warn")?;
    let service = app::open(config, Clock::system()).await?;
    let user = match &action {
        AdminAction::Create {
            username, email, ..
        } => {
            let mut password = String::new();
            std::io::stdin().read_line(&mut password)?;
            let password = Password::new(password.trim_end_matches(['\r', '\n']));
            auth::create_admin(&service, username, email, password).await?
        }
        AdminAction::Promote { name, .. } => service.promote(name).await?,
    };
    service.store().close().await;
    println!("{} is an administrator.", user.username);
    Ok(())
}

async fn seed_users(seeding: SeedUsers) -> Result<(), Failure> {
    let config = &seeding.config;
    config.validate()?;
    config.validate_seeding(seeding.allow_seeding)?;
    telemetry::start_logging(LogFormat::Pretty, "warn")?;
    let service = app::open(config, Clock::system()).await?;
    let start = Instant::now();
    let rate = |made: u32| f64::from(made) / start.elapsed().as_secs_f64();
    let password = seeding.password.as_ref().map(Secret::expose);
    let with_sessions = seeding.sessions_per_user > 0;
    let seeded = service
        .seed_users(seeding.count, with_sessions, password, |made, total| {
            println!("{made} of {total} accounts, {:.0} a second", rate(made));
        })
        .await?;
    service.store().close().await;
    println!("{} accounts were made.", seeded.made);
    if let Some(password) = seeded.generated {
        println!("Their password is {}", *password);
    }
    Ok(())
}

/// The document does not depend on the configuration, but its assembly wants a service.
async fn openapi() -> Result<String, Failure> {
    #[derive(Parser)]
    struct Defaults {
        #[command(flatten)]
        config: Config,
    }
    let folder = std::env::temp_dir().join(format!("rbac-sentinel-{}", uuid::Uuid::now_v7()));
    let mut config = Defaults::parse_from(["rbac-sentinel"]).config;
    config.database.url = None;
    config.redis.url = None;
    config.data_dir.clone_from(&folder);
    let document = match app::open(&config, Clock::system()).await {
        Ok(service) => {
            let document = api::document(&service);
            service.store().close().await;
            document
        }
        Err(error) => Err(error),
    };
    std::fs::remove_dir_all(&folder)?;
    Ok(document?)
}

/// `GET /readyz`, with nothing but a socket: this runs in containers every few seconds.
fn healthcheck(address: SocketAddr) -> std::io::Result<()> {
    let timeout = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 200") {
        Ok(())
    } else {
        Err(std::io::Error::other("not ready"))
    }
}
