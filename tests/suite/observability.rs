//! What the service says about itself: the metrics are what the catalogue declares, whatever
//! clients do.

mod budget;
mod cardinality;
mod catalogue;
mod listeners;
mod overload;
mod reconcile;

use std::time::{Duration, Instant};

use crate::harness::{Builder, Metrics, PATIENCE, Server};

/// A server whose hashing is slow enough to pile up: one thread, and the most work that the
/// configuration allows.
fn slow_hashing() -> Builder {
    Server::builder()
        .env("HASH_MEMORY_KIB", "65536")
        .env("HASH_ITERATIONS", "10")
        .env("HASH_THREADS", "1")
        .env("HASH_DEADLINE", "1h")
}

/// Scrapes until the condition holds.
async fn scrape_until(server: &Server, what: &str, holds: impl Fn(&Metrics) -> bool) -> Metrics {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let metrics = server.metrics().await;
        if holds(&metrics) {
            return metrics;
        }
        assert!(
            Instant::now() < deadline,
            "never came: {what}\n{}",
            metrics.0
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
