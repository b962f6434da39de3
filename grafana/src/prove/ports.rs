//! The ports of the stack.

use testkit::ports::free_port;

/// Ports on loopback. PostgreSQL and Redis choose their own.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// Of each replica of the service: the API and the operational listener.
    pub replicas: [(u16, u16); 2],
    /// The load lab's metrics.
    pub lab: u16,
    /// The exporter for PostgreSQL.
    pub postgres_exporter: u16,
    /// The exporter for Redis.
    pub redis_exporter: u16,
    /// Prometheus.
    pub prometheus: u16,
}

impl Ports {
    /// Free ports that stay free while a server restarts.
    #[must_use]
    pub fn free() -> Self {
        Self {
            replicas: [(); 2].map(|()| (free_port(), free_port())),
            lab: free_port(),
            postgres_exporter: free_port(),
            redis_exporter: free_port(),
            prometheus: free_port(),
        }
    }
}
