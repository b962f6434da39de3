//! Latency of reads during a login storm.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::exposition::Between;

use crate::common::Result;
use crate::common::client::{Wire, get};
use crate::common::scrape;
use crate::common::stats::Latency;
use crate::load::{Until, load};
use crate::reader::{PAUSE, read};
use crate::server::{Server, credentials, folder};

const STORM: usize = 40;
const DURATION: Duration = Duration::from_secs(15);
const HISTOGRAM: &str = "http_server_request_duration_seconds";
const ROUTE: [(&str, &str); 1] = [("http_route", "/users/me")];

/// Latencies of one period.
struct Window {
    latency: Latency,
    /// The histogram's bucket that holds the 99th percentile, in milliseconds.
    server: Option<(f64, f64)>,
}

impl Window {
    fn print(&self, name: &str) {
        println!("  {name:10} {}", self.latency);
        if let Some((lower, upper)) = self.server {
            println!("             on the server P99 is between {lower} and {upper} ms");
        }
    }

    fn json(&self) -> Value {
        json!({ "client": self.latency.json(), "server_p99_between_ms": self.server })
    }
}

/// Measures and prints.
pub fn measure() -> Result<Value> {
    let folder = folder()?;
    let server = Server::service(folder.path(), &[])?;
    server.register(STORM)?;
    let token = server.tokens(1)?.remove(0);
    let request = get("/users/me", &token);
    read(server.api, &request, Duration::from_secs(1))?;
    println!(
        "GET /users/me every {} ms on one connection, {} s each",
        PAUSE.as_millis(),
        DURATION.as_secs()
    );

    let idle = window(&server, &request)?;
    idle.print("idle");

    let requests: Vec<Wire> = (0..STORM).map(credentials).collect();
    let address = server.api;
    // The storm begins before the window and ends after it.
    let lead = Duration::from_secs(1);
    let storm =
        thread::spawn(move || load(address, &requests, Until::Elapsed(DURATION + lead * 2)));
    thread::sleep(lead);
    let stormy = window(&server, &request)?;
    let storm = storm.join().map_err(|_| "the storm panicked")?;
    stormy.print("storm");
    let factor = stormy.latency.p99.as_secs_f64() / idle.latency.p99.as_secs_f64();
    println!(
        "  P99 in the storm is {factor:.1} times the idle one; the storm: {:.1} logins/s from \
         {STORM} connections ({}; {} with Retry-After)",
        storm.rate(),
        storm.outcomes(),
        storm.retry_after
    );
    Ok(json!({
        "idle": idle.json(),
        "storm": stormy.json(),
        "p99_factor": factor,
        "storm_logins_per_second": storm.rate(),
        "storm_outcomes": storm.outcomes(),
        "storm_retry_after": storm.retry_after,
    }))
}

fn window(server: &Server, request: &Wire) -> Result<Window> {
    let before = scrape(server.ops)?;
    let latency = Latency::of(read(server.api, request, DURATION)?);
    let after = scrape(server.ops)?;
    let buckets = Between { before, after }.buckets(HISTOGRAM, &ROUTE);
    let server = buckets.bounds_of(0.99);
    let server = server.map(|(lower, upper)| (lower * 1e3, upper * 1e3));
    Ok(Window { latency, server })
}
