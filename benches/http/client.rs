//! A small HTTP client that costs little, so that what is measured is the server.
//!
//! It speaks just enough HTTP/1.1: one request at a time on a connection that stays open, answers
//! with a `Content-Length`.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Threads of the load generator.
const THREADS: usize = 2;

/// A request as it goes over the wire.
pub type Wire = Arc<[u8]>;

/// `GET` with a bearer token.
pub fn get(path: &str, token: &str) -> Wire {
    let text =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n");
    text.into_bytes().into()
}

/// `POST` of a body.
pub fn post(path: &str, content_type: &str, body: &str) -> Wire {
    let length = body.len();
    let text = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    text.into_bytes().into()
}

/// `POST /login`.
pub fn login(name: &str, password: &str) -> Wire {
    let form = format!("username={name}&password={password}");
    post("/login", "application/x-www-form-urlencoded", &form)
}

/// An open connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer, read whole.
pub struct Answer<'a> {
    pub status: u16,
    head: &'a str,
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(self.head, name)
    }
}

impl Connection {
    /// Opens a connection.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let buffer = Vec::with_capacity(16 * 1024);
        Ok(Self { stream, buffer })
    }

    /// Sends a request and reads its answer.
    pub async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let body = loop {
            self.fill().await?;
            if let Some(end) = end_of_head(&self.buffer) {
                break end;
            }
        };
        let head = std::str::from_utf8(&self.buffer[..body]).map_err(malformed)?;
        let status = head.get(9..12).unwrap_or_default();
        let status = status.parse().map_err(malformed)?;
        let length: usize = header(head, "content-length")
            .ok_or_else(|| malformed("no Content-Length"))?
            .parse()
            .map_err(malformed)?;
        while self.buffer.len() < body + length {
            self.fill().await?;
        }
        let head = std::str::from_utf8(&self.buffer[..body]).map_err(malformed)?;
        let body = &self.buffer[body..];
        Ok(Answer { status, head, body })
    }

    /// The same where the answer has no body; gives the status.
    pub async fn exchange_empty(&mut self, request: &[u8]) -> io::Result<u16> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        while end_of_head(&self.buffer).is_none() {
            self.fill().await?;
        }
        let head = std::str::from_utf8(&self.buffer).map_err(malformed)?;
        let status = head.get(9..12).unwrap_or_default();
        status.parse().map_err(malformed)
    }

    async fn fill(&mut self) -> io::Result<()> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let blank = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(blank + 4)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n")
        .filter_map(|line| line.split_once(": "))
        .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
}

fn malformed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// What a load brought to light.
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
    /// Connections that broke, by what happened.
    pub errors: BTreeMap<String, u64>,
}

impl Load {
    /// Answers with status 200, a second.
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

/// A runtime for one thread.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
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
