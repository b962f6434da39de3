//! `seed-users`: fills a database for tests.

use std::time::{Duration, Instant};

use clap::Args;

use super::Failure;
use crate::app::Services;
use crate::clock::Clock;
use crate::config::{Config, LogFormat, Secret};
use crate::store::MAX_SEED;
use crate::telemetry;

#[derive(Args)]
pub(super) struct SeedUsers {
    /// Total number of accounts; the missing ones are created
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_SEED)))]
    count: u32,
    /// Active sessions of each new account
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=1))]
    sessions_per_user: u8,
    /// Password of the new accounts. Default: one is generated and shown once
    #[arg(long, env = "SEED_PASSWORD", hide_env_values = true)]
    password: Option<Secret>,
    /// Confirm that this database is for tests
    #[arg(long, env = "ALLOW_SEEDING")]
    allow_seeding: bool,
    #[command(flatten)]
    config: Config,
}

#[tokio::main]
pub(super) async fn run(seeding: &SeedUsers) -> Result<(), Failure> {
    let config = &seeding.config;
    config.validate()?;
    config.validate_seeding(seeding.allow_seeding)?;
    telemetry::start_logging(LogFormat::Pretty, "warn")?;
    let services = Services::open(config, Clock::system()).await?;
    let start = Instant::now();
    let password = seeding.password.as_ref().map(Secret::expose);
    let with_sessions = seeding.sessions_per_user > 0;
    let seeded = services
        .accounts
        .seed_users(seeding.count, with_sessions, password, |made, total| {
            let rate = per_second(made, start.elapsed());
            println!("{made} of {total} accounts, {rate:.0} a second");
        })
        .await?;
    services.store.close().await;
    println!("{} accounts were created.", seeded.made);
    if let Some(password) = seeded.generated {
        println!("Their password is {}", *password);
    }
    Ok(())
}

fn per_second(made: u32, time: Duration) -> f64 {
    f64::from(made) / time.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_is_of_accounts_in_a_second() {
        let rate = per_second(120, Duration::from_secs(48));
        assert_eq!(rate.to_string(), "2.5");
    }
}
