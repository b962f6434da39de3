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
    first: AtomicBool,
    multiplexed: AtomicBool,
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
            first: AtomicBool::new(true),
            multiplexed: AtomicBool::new(false),
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
        if self.first.swap(false, Ordering::Relaxed) {
            let multiplexed = bytes.starts_with(PREFACE);
            self.multiplexed.store(multiplexed, Ordering::Relaxed);
        }
        self.unanswered.store(true, Ordering::Relaxed);
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
        // HTTP/2 sends more than heads.
        let head = self.unanswered.load(Ordering::Relaxed);
        if head && !self.multiplexed.load(Ordering::Relaxed) {
            ConnectionEnd::Header
        } else {
            ConnectionEnd::Idle
        }
    }
}
