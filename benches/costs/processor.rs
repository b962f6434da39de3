//! The processor time of the service's threads while it answers. Linux only.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};

use crate::cases::{Case, Requests};
use crate::common::client::{Connection, runtime};
use crate::common::{Result, scrape};
use crate::server::Server;

/// How long the idle service is watched.
const IDLE: Duration = Duration::from_secs(3);
/// Requests before the measured ones.
const WARM_UP: usize = 10;

/// The cost of a case.
pub struct Figure {
    pub case: Case,
    /// Processor time of one request, in milliseconds.
    pub milliseconds: f64,
    /// Password hashes of one request.
    pub hashes: f64,
    pub requests: usize,
    /// The statuses of the answers.
    pub statuses: Vec<u16>,
}

type Threads = HashMap<String, u64>;

/// CPU time of each running thread, in nanoseconds.
fn threads(pid: u32) -> Result<Threads> {
    let mut times = Threads::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
        // It may have ended since.
        let Ok(text) = fs::read_to_string(thread.path().join("schedstat")) else {
            continue;
        };
        let time = text.split(' ').next().unwrap_or_default().parse()?;
        times.insert(thread.file_name().to_string_lossy().into_owned(), time);
    }
    Ok(times)
}

/// Seconds between two readings. A thread that ended in between is left out.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds of minutes")]
fn between(before: &Threads, after: &Threads) -> f64 {
    let ran = after
        .iter()
        .map(|(id, time)| time.saturating_sub(before.get(id).copied().unwrap_or(0)));
    ran.sum::<u64>() as f64 / 1e9
}

/// Measures each case in turn on one connection.
pub fn measure(server: &Server, cases: Vec<Case>, requests: usize) -> Result<Vec<Figure>> {
    let pid = server.service.pid();
    let before = threads(pid)?;
    std::thread::sleep(IDLE);
    let idle = between(&before, &threads(pid)?) / IDLE.as_secs_f64();
    println!("idle: {:.3} ms of processor time a second\n", idle * 1e3);
    cases
        .into_iter()
        .map(|case| measure_case(server, case, requests, idle))
        .collect()
}

fn measure_case(server: &Server, case: Case, requests: usize, idle: f64) -> Result<Figure> {
    let address = if case.ops {
        server.service.ops
    } else {
        server.service.api
    };
    let pid = server.service.pid();
    let ops = server.service.ops;
    let hashes = || -> Result<f64> {
        let series = scrape(ops)?;
        Ok(series.sum("auth_password_hash_duration_seconds_count", &[]))
    };
    runtime().block_on(async {
        let mut client = Client::open(address).await?;
        // Requests that are used up cannot warm up.
        if let Requests::Same(_) | Requests::Numbered(_) = case.requests {
            let first = hashes()?;
            for index in 0..WARM_UP {
                client.ask(&case.request(requests + index)).await?;
            }
            let hashed = hashes()? > first;
            return client
                .measure(
                    case,
                    if hashed { requests / 10 } else { requests },
                    pid,
                    idle,
                    &hashes,
                )
                .await;
        }
        let prepared = case.prepared().unwrap_or(requests);
        client.measure(case, prepared, pid, idle, &hashes).await
    })
}

impl Case {
    /// How many requests there are, if each is for one use.
    const fn prepared(&self) -> Option<usize> {
        match &self.requests {
            Requests::Once(list) => Some(list.len()),
            Requests::Same(_) | Requests::Numbered(_) => None,
        }
    }

    pub fn request(&self, index: usize) -> Vec<u8> {
        match &self.requests {
            Requests::Same(bytes) => bytes.clone(),
            Requests::Numbered(make) => make(index),
            Requests::Once(list) => list[index % list.len()].clone(),
        }
    }
}

/// A connection that opens again after the service closed it.
pub struct Client {
    address: std::net::SocketAddr,
    connection: Connection,
    pub statuses: Vec<u16>,
}

impl Client {
    pub async fn open(address: std::net::SocketAddr) -> Result<Self> {
        Ok(Self {
            address,
            connection: Connection::open(address).await?,
            statuses: Vec::new(),
        })
    }

    pub async fn ask(&mut self, request: &[u8]) -> Result<()> {
        let status = match self.connection.exchange(request).await {
            Ok(answer) => {
                let last = answer.header("connection") == Some("close");
                let status = answer.status;
                if last {
                    self.connection = Connection::open(self.address).await?;
                }
                status
            }
            // Closed before the answer was read, as HTTP allows for a body that is refused.
            Err(_) => {
                self.connection = Connection::open(self.address).await?;
                0
            }
        };
        if !self.statuses.contains(&status) {
            self.statuses.push(status);
        }
        Ok(())
    }

    async fn measure(
        mut self,
        case: Case,
        requests: usize,
        pid: u32,
        idle: f64,
        hashes: &impl Fn() -> Result<f64>,
    ) -> Result<Figure> {
        self.statuses.clear();
        let requests = requests.max(1);
        let prepared: Vec<_> = (0..requests).map(|index| case.request(index)).collect();
        let hashed = hashes()?;
        let (before, start) = (threads(pid)?, Instant::now());
        for request in &prepared {
            self.ask(request).await?;
        }
        let (elapsed, after) = (start.elapsed(), threads(pid)?);
        let hashed = hashes()? - hashed;
        #[expect(clippy::cast_precision_loss, reason = "hundreds of requests")]
        let count = requests as f64;
        let spent = between(&before, &after) - idle * elapsed.as_secs_f64();
        Ok(Figure {
            milliseconds: spent.max(0.0) * 1e3 / count,
            hashes: hashed / count,
            requests,
            statuses: self.statuses,
            case,
        })
    }
}
