//! The service's metrics, scraped directly.

use std::time::{Duration, Instant};

use reqwest::Client;
use testkit::exposition::Exposition;

use crate::Result;

/// Timeout of a scrape.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Timeout until answered requests are counted.
const SETTLE: Duration = Duration::from_secs(10);

/// The metrics of one replica.
#[derive(Clone, Debug)]
pub struct ServiceMetrics {
    client: Client,
    url: String,
}

impl ServiceMetrics {
    /// The metrics behind this operational listener.
    ///
    /// # Errors
    /// When there is no HTTP client.
    pub fn new(ops: &str) -> Result<Self> {
        Ok(Self {
            client: Client::builder().timeout(TIMEOUT).build()?,
            url: format!("{ops}/metrics"),
        })
    }

    /// Scrapes now; without the synthetic probe's requests.
    ///
    /// # Errors
    /// When the scrape fails.
    pub async fn now(&self) -> Result<Exposition> {
        let answer = self.client.get(&self.url).send().await?;
        let text = answer.error_for_status()?.text().await?;
        Ok(Exposition::parse(&text)?.without_synthetic())
    }

    /// Scrapes once no request is active.
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
