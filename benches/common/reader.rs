//! Reads at a steady pace.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::Result;
use crate::common::client::{Connection, Wire, runtime};

/// The pause before each read.
pub const PAUSE: Duration = Duration::from_millis(5);

/// The latencies of a request that is sent at a steady pace on one connection, from this thread.
pub fn read(address: SocketAddr, request: &Wire, duration: Duration) -> Result<Vec<Duration>> {
    runtime().block_on(async {
        let mut connection = Connection::open(address).await?;
        let mut latencies = Vec::new();
        let end = Instant::now() + duration;
        while Instant::now() < end {
            // Blocks on purpose: nothing else runs on this thread, and the runtime's timer is coarser.
            thread::sleep(PAUSE);
            let sent = Instant::now();
            let answer = connection.exchange(request).await?;
            latencies.push(sent.elapsed());
            if answer.status != 200 {
                return Err(format!("a read was answered {}", answer.status).into());
            }
        }
        Ok(latencies)
    })
}
