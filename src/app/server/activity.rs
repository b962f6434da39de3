//! The activity of a connection: whether a request is being answered, when bytes last moved, and why
//! the connection was closed.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::metrics::ConnectionEnd;

/// The first bytes of an HTTP/2 connection.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// State shared by a connection's stream, its requests and its watchdog.
pub(super) struct Activity {
    start: Instant,
    /// When the client last read bytes, in milliseconds from the start.
    sent: AtomicU64,
    requests: AtomicUsize,
    /// Bytes wait for the client to read them.
    blocked: AtomicBool,
    /// Bytes arrived and nothing was sent since.
    unanswered: AtomicBool,
    /// How many of the connection's first bytes matched the preface; more than its length if they did
    /// not.
    preface: AtomicUsize,
    cut: OnceLock<ConnectionEnd>,
}

/// A request that is being answered.
pub(super) struct Working<'a>(&'a Activity);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Activity {
    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
            sent: AtomicU64::new(0),
            requests: AtomicUsize::new(0),
            blocked: AtomicBool::new(false),
            unanswered: AtomicBool::new(false),
            preface: AtomicUsize::new(0),
            cut: OnceLock::new(),
        }
    }

    /// A request begins.
    pub(super) fn work(&self) -> Working<'_> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        Working(self)
    }

    /// Whether a request is being answered.
    pub(super) fn is_working(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0
    }

    /// Bytes arrived.
    pub(super) fn received(&self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        // The preface may arrive in parts.
        let seen = self.preface.load(Ordering::Relaxed);
        if let Some(missing) = PREFACE.get(seen..).filter(|missing| !missing.is_empty()) {
            let count = missing.len().min(bytes.len());
            let is_preface = missing[..count] == bytes[..count];
            let seen = if is_preface { seen + count } else { usize::MAX };
            self.preface.store(seen, Ordering::Relaxed);
        }
        self.unanswered.store(true, Ordering::Relaxed);
    }

    /// Whether it speaks HTTP/2.
    fn is_multiplexed(&self) -> bool {
        self.preface.load(Ordering::Relaxed) == PREFACE.len()
    }

    /// The client read some bytes.
    pub(super) fn sent(&self) {
        let millis = self.start.elapsed().as_millis();
        let millis = u64::try_from(millis).unwrap_or(u64::MAX);
        self.sent.store(millis, Ordering::Relaxed);
        self.unanswered.store(false, Ordering::Relaxed);
    }

    /// Whether bytes wait for the client to read them.
    pub(super) fn set_blocked(&self, blocked: bool) {
        self.blocked.store(blocked, Ordering::Relaxed);
    }

    /// Records why the connection is being closed; the first reason stays.
    pub(super) fn cut(&self, end: ConnectionEnd) {
        let _ = self.cut.set(end);
    }

    /// How a connection ended that was not closed by the server.
    pub(super) fn end(&self) -> ConnectionEnd {
        self.cut.get().copied().unwrap_or(ConnectionEnd::Closed)
    }

    /// Waits until the connection was idle for so long: no request in progress, nothing unread,
    /// nothing sent.
    pub(super) async fn expired(&self, limit: Duration) -> ConnectionEnd {
        loop {
            let now = Instant::now();
            let sent = self.start + Duration::from_millis(self.sent.load(Ordering::Relaxed));
            let busy = self.is_working() || self.blocked.load(Ordering::Relaxed);
            let due = if busy { now } else { sent } + limit;
            if due <= now {
                break;
            }
            tokio::time::sleep_until(due).await;
        }
        // HTTP/2 sends other frames, too.
        let head = self.unanswered.load(Ordering::Relaxed);
        if head && !self.is_multiplexed() {
            ConnectionEnd::Header
        } else {
            ConnectionEnd::Idle
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The end of a connection that sent these bytes and got no response.
    async fn end(parts: &[&[u8]]) -> ConnectionEnd {
        let activity = Activity::new();
        for part in parts {
            activity.received(part);
        }
        activity.expired(Duration::ZERO).await
    }

    #[tokio::test]
    async fn unanswered_bytes_are_a_slow_header_unless_they_are_http2() {
        for parts in [
            &[&b"GET / HTTP/1.1\r\n"[..]][..],
            &[b"P", b"OST / HTTP/1.1\r\n"],
            &[b"PRI * HT"],
            &[b"PRI * HT", b"TP/1.1\r\nHost: x\r\n\r\nSM", PREFACE],
        ] {
            assert_eq!(end(parts).await, ConnectionEnd::Header, "{parts:?}");
        }
        let (half, rest) = PREFACE.split_at(9);
        for parts in [&[PREFACE, b"\0\0\0\x04\x01"][..], &[half, rest, b"\0"]] {
            assert_eq!(end(parts).await, ConnectionEnd::Idle, "{parts:?}");
        }
        assert_eq!(end(&[]).await, ConnectionEnd::Idle);
    }
}
