//! Logins at saturation, compared with the hash gate's ceiling.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::backends::Backends;
use crate::common::Result;
use crate::common::client::Wire;
use crate::common::scrape;
use crate::common::stats::Latency;
use crate::load::{Until, load};
use crate::server::{Server, credentials, folder};

const CONNECTIONS: usize = 16;
const DURATION: Duration = Duration::from_secs(10);

/// Measures and prints, on each backend.
pub fn measure(backends: &Backends) -> Result<Value> {
    println!(
        "Logins, {CONNECTIONS} connections in a closed loop, {} s",
        DURATION.as_secs()
    );
    let mut figures = Map::new();
    figures.insert("embedded".to_owned(), logins("embedded", &[])?);
    if let Some(place) = backends.place()? {
        let name = backends.name();
        figures.insert(name.to_owned(), logins(name, &place.env)?);
    }
    Ok(figures.into())
}

fn logins(name: &str, env: &[(&str, String)]) -> Result<Value> {
    let folder = folder()?;
    let server = Server::service(folder.path(), env)?;
    server.register(CONNECTIONS)?;
    let requests: Vec<Wire> = (0..CONNECTIONS).map(credentials).collect();
    load(
        server.api,
        &requests,
        Until::Elapsed(Duration::from_secs(1)),
    );

    let before = scrape(server.ops)?;
    let load = load(server.api, &requests, Until::Elapsed(DURATION));
    let after = scrape(server.ops)?;
    let grown = |name: &str| after.sum(name, &[]) - before.sum(name, &[]);
    let hashes = grown("auth_password_hash_duration_seconds_count");
    let hash = grown("auth_password_hash_duration_seconds_sum") / hashes;
    let permits = after.sum("auth_password_hash_permits", &[]);
    let ceiling = permits / hash;
    let rate = load.rate();
    let outcomes = load.outcomes();
    let latency = Latency::of(load.latencies);
    println!("  {name}: {rate:.1} logins/s ({outcomes}); {latency}");
    println!(
        "  a hash takes {:.2} ms, {permits} at once: {ceiling:.1}/s at best; efficiency {:.1} %",
        hash * 1e3,
        rate / ceiling * 100.0
    );
    Ok(json!({
        "connections": CONNECTIONS,
        "logins_per_second": rate,
        "outcomes": outcomes,
        "latency": latency.json(),
        "hash_ms": hash * 1e3,
        "permits": permits,
        "ceiling_per_second": ceiling,
        "efficiency": rate / ceiling,
    }))
}
