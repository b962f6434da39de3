//! What the service takes of the machine: memory at rest and in a burst of logins, the time until
//! it is ready, and what a scrape costs.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Until, Wire, load};
use crate::scrape::{self, Scrape};
use crate::server::{Server, credentials, folder};
use crate::stats::{Latency, median, milliseconds};
use crate::{Result, machine};

const BURST: usize = 1000;
const ACCOUNTS: usize = 20;
const STARTS: usize = 10;
/// Longer than idle hash threads keep their memory.
const REST: Duration = Duration::from_secs(40);

/// Measures and prints.
pub fn measure() -> Result<Value> {
    let folder = folder()?;
    let server = Server::service(folder.path(), &[])?;
    server.register(ACCOUNTS)?;
    server.stop()?;

    println!("Start, memory and scrapes");
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let start = Instant::now();
        let server = Server::service(folder.path(), &[])?;
        starts.push(milliseconds(start.elapsed()));
        server.stop()?;
    }
    let start = median(&starts);
    println!("  ready after {start:.0} ms (existing database, median of {STARTS})");

    let server = Server::service(folder.path(), &[])?;
    thread::sleep(Duration::from_secs(2));
    let idle = machine::resident(server.pid());
    println!("  resident memory when idle {}", mebibytes(idle));

    let requests: Vec<Wire> = (0..BURST).map(|n| credentials(n % ACCOUNTS)).collect();
    let burst = load(server.api, &requests, Until::Once);
    let peak = machine::resident_peak(server.pid());
    let (elapsed, outcomes, retry_after) = (burst.elapsed, burst.outcomes(), burst.retry_after);
    let latency = Latency::of(burst.latencies);
    println!(
        "  {BURST} logins at once: {outcomes}; {retry_after} with Retry-After; {:.1} s in all; \
         accepted ones {latency}",
        elapsed.as_secs_f64()
    );
    println!("  peak {}", mebibytes(peak));

    let scrape = Scrape::take(server.ops)?;
    let (series, bytes) = (scrape.series(), scrape.bytes());
    let (whole, render) = scrape::time(server.ops)?;
    println!(
        "  a scrape: {series} series, {bytes} bytes, {whole:.2} ms, of which rendering {render:.2} ms"
    );

    thread::sleep(REST);
    let rested = machine::resident(server.pid());
    println!("  {} s later {}", REST.as_secs(), mebibytes(rested));
    Ok(json!({
        "start_ms": start,
        "starts_ms": starts,
        "idle_mib": idle,
        "burst_connections": BURST,
        "burst_outcomes": outcomes,
        "burst_retry_after": retry_after,
        "burst_seconds": elapsed.as_secs_f64(),
        "burst_latency": latency.json(),
        "peak_mib": peak,
        "rested_mib": rested,
        "series": series,
        "scrape_bytes": bytes,
        "scrape_ms": whole,
        "render_ms": render,
    }))
}

fn mebibytes(value: Option<f64>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |mib| format!("{mib:.1} MiB"))
}
