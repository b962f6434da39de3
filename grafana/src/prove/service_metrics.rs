//! What the service says of itself, without Prometheus in between.

use std::time::{Duration, Instant};

use reqwest::Client;
use testkit::exposition::Exposition;

use crate::Result;

/// How long a scrape may take.
const TIMEOUT: Duration = Duration::from_mins(1);
/// How long the service may take to count what it has answered.
const SETTLE: Duration = Duration::from_secs(10);

/// The metrics of one replica.
#[derive(Clone, Debug)]
pub struct ServiceMetrics {
    client: Client,
    url: String,
}

impl ServiceMetrics {
    /// Those behind this operational listener.
    ///
    /// # Errors
    /// When there is no HTTP client.
    pub fn new(ops: &str) -> Result<Self> {
        Ok(Self {
            client: Client::builder().timeout(TIMEOUT).build()?,
            url: format!("{ops}/metrics"),
        })
    }

    /// Now, without the requests of the synthetic login.
    ///
    /// # Errors
    /// When they cannot be had.
    pub async fn now(&self) -> Result<Exposition> {
        let answer = self.client.get(&self.url).send().await?;
        let text = answer.error_for_status()?.text().await?;
        Ok(Exposition::parse(&text)?.without_synthetic())
    }

    /// Once nothing is being answered any more.
    ///
    /// # Errors
    /// As [`Self::now`].
    pub async fn settled(&self) -> Result<Exposition> {
        let deadline = Instant::now() + SETTLE;
        loop {
            let exposition = self.now().await?;
            if !exposition.is_busy() || Instant::now() > deadline {
                return Ok(exposition);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
