//! Resources: memory when idle and in a burst of logins, start time, cost of a scrape.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::exposition::Exposition;
use testkit::machine::{resident_bytes, resident_peak_bytes};

use crate::common::Result;
use crate::common::client::Wire;
use crate::common::scrape;
use crate::common::stats::{Latency, milliseconds};
use crate::load::{Until, load};
use crate::median::median;
use crate::server::{Server, credentials, folder};

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
    let idle = mib(resident_bytes(server.pid()));
    println!("  resident memory when idle {}", mebibytes(idle));

    let requests: Vec<Wire> = (0..BURST).map(|n| credentials(n % ACCOUNTS)).collect();
    let burst = load(server.api, &requests, Until::Once);
    let peak = mib(resident_peak_bytes(server.pid()));
    let (elapsed, outcomes, retry_after) = (burst.elapsed, burst.outcomes(), burst.retry_after);
    let latency = Latency::of(burst.latencies);
    println!(
        "  {BURST} logins at once: {outcomes}; {retry_after} with Retry-After; {:.1} s in all; \
         accepted ones {latency}",
        elapsed.as_secs_f64()
    );
    println!("  peak {}", mebibytes(peak));

    let metrics = scrape(server.ops)?;
    let (series, bytes) = (metrics.series.len(), metrics.bytes);
    let (whole, render) = scrape_time(server.ops)?;
    println!(
        "  a scrape: {series} series, {bytes} bytes, {whole:.2} ms, of which rendering {render:.2} ms"
    );

    thread::sleep(REST);
    let rested = mib(resident_bytes(server.pid()));
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

/// Median time of a scrape in milliseconds: for the client, and for rendering alone.
fn scrape_time(ops: SocketAddr) -> Result<(f64, f64)> {
    let mut whole = Vec::new();
    let mut render = Vec::new();
    for _ in 0..20 {
        let start = Instant::now();
        let page = testkit::http::get(&format!("http://{ops}/metrics"))?;
        whole.push(milliseconds(start.elapsed()));
        // Each answer contains the rendering time of the one before.
        let metrics = Exposition::parse(&page.body)?;
        render.push(metrics.sum("auth_metrics_render_duration_seconds", &[]) * 1e3);
    }
    Ok((median(&whole), median(&render[1..])))
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn mib(bytes: Option<u64>) -> Option<f64> {
    bytes.map(|bytes| bytes as f64 / f64::from(1024 * 1024))
}

fn mebibytes(value: Option<f64>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |mib| format!("{mib:.1} MiB"))
}
