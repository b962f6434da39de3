//! Shared by both benchmarks.

pub mod client;
pub mod machine;
pub mod stats;

use std::error::Error;
use std::net::SocketAddr;

use testkit::exposition::Exposition;

/// Any error ends the benchmark.
pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Metrics of the server with this operational listener.
pub fn scrape(ops: SocketAddr) -> Result<Exposition> {
    Exposition::parse(&testkit::http::get(&format!("http://{ops}/metrics"))?.body)
}
