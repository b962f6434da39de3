//! `keys`: lists the signing keys. Opens the database alone.

use super::Failure;
use crate::app;
use crate::clock::Clock;
use crate::config::Config;

#[tokio::main(flavor = "current_thread")]
pub(super) async fn run(config: &Config) -> Result<(), Failure> {
    config.validate()?;
    let store = app::open_store(config).await?;
    for key in store.signing_keys(Clock::system().now()).await? {
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
    store.close().await;
    Ok(())
}
