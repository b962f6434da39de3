//! `migrate`: brings the schema up to date. Opens the database alone.

use super::Failure;
use crate::app;
use crate::config::Config;

#[tokio::main(flavor = "current_thread")]
pub(super) async fn run(config: &Config) -> Result<(), Failure> {
    config.validate()?;
    app::open_store(config).await?.close().await;
    println!("The schema is up to date.");
    Ok(())
}
