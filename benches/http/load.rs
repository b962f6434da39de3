//! Many connections at once.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::common::client::{Answer, Connection, Wire, runtime};

/// Threads of the load generator.
const THREADS: usize = 2;

/// Results of a load.
#[derive(Default)]
pub struct Load {
    /// How long it lasted.
    pub elapsed: Duration,
    /// Latencies of the answers with status 200.
    pub latencies: Vec<Duration>,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Answers with `Retry-After`.
    pub retry_after: u64,
    /// Broken connections by error.
    pub errors: BTreeMap<String, u64>,
}

impl Load {
    /// Answers with status 200 per second.
    pub fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let count = self.latencies.len() as f64;
        count / self.elapsed.as_secs_f64()
    }

    /// Whether every answer had status 200.
    pub fn clean(&self) -> bool {
        self.errors.is_empty() && self.statuses.keys().all(|status| *status == 200)
    }

    /// The statuses and errors in words.
    pub fn outcomes(&self) -> String {
        let statuses = self.statuses.iter().map(|(k, n)| format!("{k}: {n}"));
        let errors = self.errors.iter().map(|(k, n)| format!("{k}: {n}"));
        statuses.chain(errors).collect::<Vec<_>>().join(", ")
    }

    fn note(&mut self, answer: &Answer<'_>, took: Duration) {
        *self.statuses.entry(answer.status).or_default() += 1;
        if answer.status == 200 {
            self.latencies.push(took);
        } else if answer.header("retry-after").is_some() {
            self.retry_after += 1;
        }
    }

    fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        self.retry_after += other.retry_after;
        for (error, count) in other.errors {
            *self.errors.entry(error).or_default() += count;
        }
    }
}

/// How long a load goes on.
#[derive(Clone, Copy)]
pub enum Until {
    /// Each connection sends its next request when it has its answer, for this long.
    Elapsed(Duration),
    /// Each connection sends one request.
    Once,
}

/// Puts load on a server: one connection for each request, spread over threads of their own. All
/// connections are open before the first request is sent.
pub fn load(address: SocketAddr, requests: &[Wire], until: Until) -> Load {
    let start = Arc::new(tokio::sync::Barrier::new(requests.len() + 1));
    let threads: Vec<_> = (0..THREADS)
        .map(|index| {
            let mine: Vec<Wire> = requests
                .iter()
                .skip(index)
                .step_by(THREADS)
                .cloned()
                .collect();
            let start = Arc::clone(&start);
            std::thread::spawn(move || {
                runtime().block_on(async move {
                    let mut connections = JoinSet::new();
                    for request in mine {
                        let start = Arc::clone(&start);
                        connections.spawn(drive(address, request, until, start));
                    }
                    connections.join_all().await
                })
            })
        })
        .collect();
    runtime().block_on(start.wait());
    let begin = Instant::now();
    let mut sum = Load::default();
    for thread in threads {
        let parts = thread.join().expect("the load generator does not panic");
        parts.into_iter().for_each(|part| sum.add(part));
    }
    sum.elapsed = begin.elapsed();
    sum
}

async fn drive(
    address: SocketAddr,
    request: Wire,
    until: Until,
    start: Arc<tokio::sync::Barrier>,
) -> Load {
    let mut load = Load::default();
    let opened = Connection::open(address).await;
    start.wait().await;
    let outcome = async {
        let mut connection = opened?;
        let begin = Instant::now();
        let mut sent = begin;
        loop {
            let answer = connection.exchange(&request).await?;
            let now = Instant::now();
            load.note(&answer, now - sent);
            match until {
                Until::Elapsed(duration) if now - begin < duration => sent = now,
                _ => return Ok::<_, io::Error>(()),
            }
        }
    };
    if let Err(error) = outcome.await {
        *load.errors.entry(error.to_string()).or_default() += 1;
    }
    load
}
