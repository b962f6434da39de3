//! Where the parts of the stack listen.

use std::net::TcpListener;

use crate::Result;

/// Where everything listens, on loopback.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// PostgreSQL.
    pub postgres: u16,
    /// Redis.
    pub redis: u16,
    /// Of each replica of the service, the API and the operational listener.
    pub replicas: [(u16, u16); 2],
    /// The load lab's metrics.
    pub lab: u16,
    /// The exporter of PostgreSQL's own figures.
    pub postgres_exporter: u16,
    /// The exporter of Redis' own figures.
    pub redis_exporter: u16,
    /// Prometheus.
    pub prometheus: u16,
}

impl Ports {
    /// Free ones, outside of those that the system gives to whoever connects: a server can come back to
    /// its own.
    ///
    /// # Errors
    /// When there are none.
    pub fn free() -> Result<Self> {
        let begin = 16_000 + std::process::id() % 8_000 * 2;
        let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
        let mut ports = (begin..begin + 4_000)
            .filter_map(|port| u16::try_from(port).ok())
            .filter(free);
        let mut next = || ports.next().ok_or("no free port");
        Ok(Self {
            postgres: next()?,
            redis: next()?,
            replicas: [(next()?, next()?), (next()?, next()?)],
            lab: next()?,
            postgres_exporter: next()?,
            redis_exporter: next()?,
            prometheus: next()?,
        })
    }
}
