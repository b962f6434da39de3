//! Free ports.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

/// Where the ports begin: below the range that the system assigns to clients and to port 0, so that a
/// server that restarts finds its port free.
const FIRST: u32 = 16_000;
const COUNT: u32 = 16_000;

/// A port on which nobody listens now.
///
/// # Panics
/// When every port is taken.
#[must_use]
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Processes that run at the same time begin at different ports.
    let begin = std::process::id().wrapping_mul(101);
    std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::Relaxed))
        .take(COUNT as usize)
        .filter_map(|number| u16::try_from(FIRST + begin.wrapping_add(number) % COUNT).ok())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_differ_and_can_be_bound() {
        let (one, other) = (free_port(), free_port());
        assert_ne!(one, other);
        assert!(TcpListener::bind(("127.0.0.1", one)).is_ok());
    }
}
