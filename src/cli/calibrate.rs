//! `calibrate`: measures password hashing on this machine.

use super::Failure;
use crate::app;
use crate::config::Config;
use crate::hashing::calibrate;

#[tokio::main]
pub(super) async fn run(config: &Config) -> Result<(), Failure> {
    let report = calibrate::report(app::hash_params(config), config.hashing.hash_threads()).await?;
    println!("{report}");
    Ok(())
}
