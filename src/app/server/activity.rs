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
    /// Since when bytes have arrived and nothing was sent, in milliseconds from the start and one more; 0
    /// when everything was answered.
    unanswered: AtomicU64,
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
            unanswered: AtomicU64::new(0),
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
        if self.unanswered.load(Ordering::Relaxed) == 0 {
            let since = self.millis().saturating_add(1);
            self.unanswered.store(since, Ordering::Relaxed);
        }
    }

    /// Milliseconds since the start.
    fn millis(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether it speaks HTTP/2.
    fn is_multiplexed(&self) -> bool {
        self.preface.load(Ordering::Relaxed) == PREFACE.len()
    }

    /// The client read some bytes.
    pub(super) fn sent(&self) {
        self.sent.store(self.millis(), Ordering::Relaxed);
        self.unanswered.store(0, Ordering::Relaxed);
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

    /// Waits until the head of a request took longer than `head`, or until nothing happened for `idle`: no
    /// request in progress, nothing unread, nothing sent.
    pub(super) async fn expired(&self, head: Duration, idle: Duration) -> ConnectionEnd {
        loop {
            let now = Instant::now();
            let (due, end) = self.due(now, head, idle);
            if due <= now {
                return end;
            }
            // A head may begin meanwhile.
            tokio::time::sleep_until(due.min(now + head)).await;
        }
    }

    /// When the connection is to be closed if nothing happens until then, and why.
    fn due(&self, now: Instant, head: Duration, idle: Duration) -> (Instant, ConnectionEnd) {
        let at = |millis| self.start + Duration::from_millis(millis);
        if self.is_working() || self.blocked.load(Ordering::Relaxed) {
            return (now + head.min(idle), ConnectionEnd::Idle);
        }
        let unanswered = self.unanswered.load(Ordering::Relaxed);
        // HTTP/2 sends other frames, too.
        if unanswered > 0 && !self.is_multiplexed() {
            return (at(unanswered - 1) + head, ConnectionEnd::Header);
        }
        let sent = at(self.sent.load(Ordering::Relaxed));
        (sent + idle, ConnectionEnd::Idle)
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
        activity.expired(Duration::ZERO, Duration::ZERO).await
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

    #[test]
    fn head_has_its_own_deadline_however_long_the_connection_was_idle() {
        let seconds = Duration::from_secs;
        let (head, idle) = (seconds(30), seconds(75));
        for (head_at, is_http2, expected) in [
            (None, false, (seconds(85), ConnectionEnd::Idle)),
            (Some(10), false, (seconds(40), ConnectionEnd::Header)),
            (Some(84), false, (seconds(114), ConnectionEnd::Header)),
            (Some(84), true, (seconds(85), ConnectionEnd::Idle)),
        ] {
            let activity = Activity::new();
            if is_http2 {
                activity.received(PREFACE);
            }
            activity.sent.store(10_000, Ordering::Relaxed);
            let since = head_at.map_or(0, |at: u64| at * 1000 + 1);
            activity.unanswered.store(since, Ordering::Relaxed);
            let now = activity.start + seconds(84);
            let (due, end) = activity.due(now, head, idle);
            assert_eq!((due - activity.start, end), expected, "{head_at:?}");
            // A request in progress is asked about again.
            let working = activity.work();
            assert_eq!(activity.due(now, head, idle).0, now + head);
            drop(working);
            activity.set_blocked(true);
            assert_eq!(activity.due(now, head, idle).0, now + head);
        }
    }
}
