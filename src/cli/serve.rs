//! `serve`: starts the service.

use super::Failure;
use crate::app;
use crate::config::{Config, LogAddresses};
use crate::request_context::Addresses;
use crate::telemetry;

#[tokio::main]
pub(super) async fn run(config: Config) -> Result<(), Failure> {
    config.validate()?;
    telemetry::start_logging(config.logs.log_format, &config.logs.log_level)?;
    match config.logs.log_addresses {
        LogAddresses::Full => Addresses::Full,
        LogAddresses::Masked => Addresses::Masked,
        LogAddresses::Off => Addresses::Off,
    }
    .apply();
    let recorder = telemetry::install_recorder()?;
    app::serve(config, recorder).await?;
    Ok(())
}
