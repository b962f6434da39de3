//! One process of the server under test, by its operational listener.

use std::time::Duration;

use reqwest::{Client, StatusCode, Url};
use testkit::exposition::Exposition;
use tokio::net::TcpStream;

use crate::Result;
use crate::connection::{below, root};

/// Timeout of the lab's own requests.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A replica of the server.
#[derive(Clone, Debug)]
pub struct Replica {
    ops: Url,
    client: Client,
}

impl Replica {
    /// The one whose metrics and probes are there.
    ///
    /// # Errors
    /// When there can be no client.
    pub fn new(ops: Url) -> Result<Self> {
        let client = Client::builder().timeout(TIMEOUT).build()?;
        Ok(Self { ops, client })
    }

    /// Where its metrics and probes are.
    #[must_use]
    pub const fn ops(&self) -> &Url {
        &self.ops
    }

    /// Whether it can be reached and is ready.
    ///
    /// # Errors
    /// When it is not.
    pub async fn check_ready(&self) -> Result<()> {
        let url = below(&self.ops, "/readyz")?;
        let answer = self.client.get(url.clone()).send().await;
        let answer = answer.map_err(|error| {
            format!("{url} cannot be reached ({}): is the server running, and does --ops name its operational listener?", root(&error))
        })?;
        if answer.status() != StatusCode::OK {
            return Err(format!(
                "the server is not ready: {url} answered {}",
                answer.status()
            )
            .into());
        }
        Ok(())
    }

    /// Its metrics now.
    ///
    /// # Errors
    /// When they cannot be read, or have no such histogram: they are another program's.
    pub async fn metrics(&self, histogram: &str) -> Result<Exposition> {
        let url = below(&self.ops, "/metrics")?;
        let answer = self.client.get(url.clone()).send().await;
        let text = match answer.and_then(reqwest::Response::error_for_status) {
            Ok(answer) => answer.text().await?,
            Err(error) => {
                return Err(format!(
                    "{url} cannot be read ({}): nothing could be reconciled",
                    root(&error)
                )
                .into());
            }
        };
        let exposition = Exposition::parse(&text)?.without_synthetic();
        if exposition.bounds(histogram).is_empty() {
            return Err(format!("{url} has no {histogram}: it is not this service's").into());
        }
        Ok(exposition)
    }

    /// Whether somebody listens there. No answer within a second may be an answer later.
    pub async fn listens(&self) -> bool {
        let Ok(addresses) = self.ops.socket_addrs(|| None) else {
            return true;
        };
        let connected = TcpStream::connect(&*addresses);
        let connected = tokio::time::timeout(Duration::from_secs(1), connected).await;
        !matches!(connected, Ok(Err(_)))
    }
}
