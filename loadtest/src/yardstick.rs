//! What this machine can do: how long a password hash takes on it, and a bare round trip of HTTP. Targets
//! of speed are given in these, so that they mean the same on every machine.

use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::Result;

/// Hashes that are timed.
const HASHES: usize = 5;
/// Hashes of each thread that are timed where several hash.
const HASHES_AMONG: usize = 15;
const PASSWORD: &[u8] = b"granite-meadow";
const SALT: &[u8] = b"of-the-yardstick";
/// Round trips that are timed, after some to warm up.
const ROUND_TRIPS: usize = 200;
/// An answer as short as HTTP allows.
const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// Times of the machine, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Yardstick {
    /// One Argon2id hash with the recommended parameters (19 MiB, two passes), alone.
    pub hash_ms: f64,
    /// One request by the users' client to a server that does nothing, and to the server's machine if it
    /// is another one.
    pub round_trip_ms: f64,
}

impl Yardstick {
    /// Measures it. `far` is the server's address if it is on another machine.
    ///
    /// # Errors
    /// When nothing can be listened on or hashed.
    pub async fn measure(far: Option<(String, u16)>) -> Result<Self> {
        let mut round_trip = round_trip().await?;
        if let Some(address) = far {
            round_trip += connect(address).await?;
        }
        Ok(Self {
            hash_ms: tokio::task::spawn_blocking(hash).await??,
            round_trip_ms: round_trip,
        })
    }
}

/// The median of some times, in milliseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    middle.as_secs_f64() * 1e3
}

fn hash() -> Result<f64> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default());
    let mut times = Vec::new();
    for _ in 0..HASHES {
        let mut out = [0; 32];
        let started = Instant::now();
        let hashed = argon2.hash_password_into(PASSWORD, SALT, &mut out);
        hashed.map_err(|error| format!("the machine cannot hash: {error}"))?;
        times.push(started.elapsed());
    }
    Ok(median(times))
}

/// The median time of a hash where so many threads hash, each in memory of its own that it keeps, in milliseconds:
/// they share the paths to memory, and cores may be halves of one.
///
/// # Errors
/// When nothing can be hashed.
pub async fn hash_among(threads: usize) -> Result<f64> {
    tokio::task::spawn_blocking(move || among(threads)).await?
}

fn among(threads: usize) -> Result<f64> {
    let hashing = |_| {
        std::thread::spawn(|| -> Result<Vec<Duration>> {
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default());
            let mut memory = vec![Block::new(); argon2.params().block_count()];
            let mut times = Vec::new();
            for _ in 0..=HASHES_AMONG {
                let (mut out, started) = ([0; 32], Instant::now());
                argon2
                    .hash_password_into_with_memory(PASSWORD, SALT, &mut out, &mut memory)
                    .map_err(|error| format!("the machine cannot hash: {error}"))?;
                times.push(started.elapsed());
            }
            // The first touches the memory for the first time.
            Ok(times.split_off(1))
        })
    };
    let hashing: Vec<_> = (0..threads).map(hashing).collect();
    let mut times = Vec::new();
    for thread in hashing {
        let measured = thread.join();
        times.extend(measured.map_err(|_| "a thread that hashes panicked")??);
    }
    Ok(median(times))
}

async fn round_trip() -> Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let server = tokio::spawn(answer(listener));
    let client = reqwest::Client::builder().build()?;
    let mut times = Vec::new();
    for number in 0..ROUND_TRIPS + ROUND_TRIPS / 4 {
        let started = Instant::now();
        client.get(&url).send().await?.bytes().await?;
        if number >= ROUND_TRIPS / 4 {
            times.push(started.elapsed());
        }
    }
    server.abort();
    Ok(median(times))
}

/// Answers every request. The client may open a connection before the one that it has is free again.
async fn answer(listener: TcpListener) -> Result<()> {
    loop {
        let (mut stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let mut head = [0; 4096];
            // A request of this client is one packet.
            while stream.read(&mut head).await.is_ok_and(|bytes| bytes > 0) {
                if stream.write_all(ANSWER).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// How long a connection to another machine takes: one round trip.
async fn connect(address: (String, u16)) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        TcpStream::connect((address.0.as_str(), address.1)).await?;
        times.push(started.elapsed());
    }
    Ok(median(times))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn machine_is_measured() {
        let yardstick = Yardstick::measure(None).await.expect("measured");
        assert!(yardstick.hash_ms > 0.0 && yardstick.round_trip_ms > 0.0);
    }

    #[tokio::test]
    async fn hashes_beside_others_are_measured() {
        for threads in [1, 2] {
            // On a busy machine anything may come out but nothing.
            assert!(hash_among(threads).await.expect("measured") > 0.1);
        }
    }

    #[test]
    fn median_is_no_mean() {
        let times = [1, 900, 2].map(Duration::from_millis).to_vec();
        assert!((median(times) - 2.0).abs() < f64::EPSILON);
    }
}
