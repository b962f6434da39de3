//! The Redis that tests share.

use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

/// The URL of a Redis that answers: `TEST_REDIS_URL`, or the one on the default port.
#[track_caller]
pub fn redis_url() -> String {
    if let Ok(url) = std::env::var("TEST_REDIS_URL") {
        return url;
    }
    let usual = "127.0.0.1:6379";
    let address = usual.to_socket_addrs().expect("an address").next();
    let there = TcpStream::connect_timeout(&address.expect("one"), Duration::from_secs(5));
    assert!(
        there.is_ok(),
        "there is no Redis at {usual}: start redis-server, or name one in TEST_REDIS_URL"
    );
    format!("redis://{usual}/0")
}
