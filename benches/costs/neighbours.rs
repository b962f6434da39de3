//! The effect on a user while another client sends one kind of request on many connections.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::cases::{Case, Requests};
use crate::common::client::{get, runtime};
use crate::common::stats::{Latency, milliseconds};
use crate::common::{Result, machine};
use crate::processor::Client;
use crate::reader::read;
use crate::server::Server;

/// Connections of the other client, spread over the threads of the load generator.
const CONNECTIONS: usize = 16;
const THREADS: usize = 2;
/// Requests that one connection sends in turn, where no two are the same.
const VARIETY: usize = 64;
/// The storm begins this long before the reads, and ends as long after them.
const LEAD: Duration = Duration::from_millis(300);

/// The measurements beside one kind of request.
struct Row {
    name: String,
    requests_per_second: f64,
    statuses: Vec<u16>,
    latency: Latency,
}

/// Measures every kind of request that needs no account, prints a table, the worst P99 first, and writes
/// the figures.
pub fn measure(
    described: &Value,
    server: &Server,
    cases: Vec<Case>,
    duration: Duration,
    figures: &Path,
) -> Result<()> {
    // Nobody else logs in with it: the oldest of too many sessions of an account ends.
    let reader = server.sessions([server.unused()])?;
    let reader = reader.first().ok_or("no session")?;
    let request = get("/users/me", &reader.access);
    let api = server.service.api;
    let reads = |duration| read(api, &request, duration).map(Latency::of);
    reads(Duration::from_secs(1))?;
    let idle = reads(duration * 3)?;
    println!("GET /users/me beside {CONNECTIONS} connections of a stranger\nidle: {idle}\n");
    let mut rows = Vec::new();
    let strangers = |case: &Case| !case.ops && case.caller.starts_with("stranger");
    for case in cases.into_iter().filter(strangers) {
        let requests = requests(&case);
        let storm = thread::spawn(move || storm(api, &requests, duration + LEAD * 2));
        thread::sleep(LEAD);
        let latency = reads(duration)?;
        let (count, statuses) = storm.join().map_err(|_| "the load generator panicked")??;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let count = count as f64;
        rows.push(Row {
            name: format!("{} {} ({})", case.operation, case.what, case.caller),
            requests_per_second: count / (duration + LEAD * 2).as_secs_f64(),
            statuses,
            latency,
        });
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.latency.p99));
    for row in &rows {
        println!(
            "P50 {:7.3} ms  P99 {:7.3} ms  {:7.0} requests/s {:?}  {}",
            milliseconds(row.latency.p50),
            milliseconds(row.latency.p99),
            row.requests_per_second,
            row.statuses,
            row.name,
        );
    }
    println!("\nload average: {}", machine::load_average());
    let list: Vec<_> = rows.iter().map(Row::json).collect();
    let text = json!({ "machine": described, "idle": idle.json(), "beside": list });
    if let Some(folder) = figures.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(figures, format!("{text:#}\n"))?;
    println!("figures: {}", figures.display());
    Ok(())
}

impl Row {
    fn json(&self) -> Value {
        json!({
            "requests": self.name,
            "requests_per_second": self.requests_per_second,
            "statuses": self.statuses,
            "latency": self.latency.json(),
        })
    }
}

/// The requests that each connection sends in turn.
fn requests(case: &Case) -> Vec<Arc<[Vec<u8>]>> {
    let variety = match case.requests {
        Requests::Same(_) => 1,
        Requests::Numbered(_) | Requests::Once(_) => VARIETY,
    };
    let of = |connection| (0..variety).map(move |n| case.request(connection * VARIETY + n));
    (0..CONNECTIONS)
        .map(|connection| of(connection).collect())
        .collect()
}

/// Sends on all connections, each as fast as it is answered. The number of answers, and their statuses.
fn storm(
    address: SocketAddr,
    requests: &[Arc<[Vec<u8>]>],
    duration: Duration,
) -> Result<(usize, Vec<u16>)> {
    let threads: Vec<_> = requests
        .chunks(CONNECTIONS / THREADS)
        .map(|mine| {
            let mine = mine.to_vec();
            thread::spawn(move || {
                runtime().block_on(async move {
                    let mut connections = JoinSet::new();
                    for requests in mine {
                        connections.spawn(drive(address, requests, duration));
                    }
                    connections.join_all().await
                })
            })
        })
        .collect();
    let (mut count, mut statuses) = (0, Vec::new());
    for thread in threads {
        for outcome in thread.join().map_err(|_| "a connection panicked")? {
            let (sent, seen) = outcome?;
            count += sent;
            statuses.extend(seen);
        }
    }
    statuses.sort_unstable();
    statuses.dedup();
    Ok((count, statuses))
}

async fn drive(
    address: SocketAddr,
    requests: Arc<[Vec<u8>]>,
    duration: Duration,
) -> Result<(usize, Vec<u16>)> {
    let mut client = Client::open(address).await?;
    let (start, mut sent) = (Instant::now(), 0);
    while start.elapsed() < duration {
        client.ask(&requests[sent % requests.len()]).await?;
        sent += 1;
    }
    Ok((sent, client.statuses))
}
