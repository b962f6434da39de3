//! The socket under a connection, with what hyper lacks: a deadline for clients that do not read their
//! answer, and detection of clients that leave while they wait for it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_rustls::server::TlsStream;

use super::activity::Activity;
use crate::metrics::ConnectionEnd;

/// Minimum read rate, in bytes a second, once the send buffer is full; slower clients are
/// disconnected.
const SLOWEST: u64 = 1024;

/// A client's socket.
pub(super) enum Socket {
    Plain(TcpStream),
    /// With TLS, boxed because its state is large.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Socket {
    /// The socket itself.
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

/// The same as a stream of bytes, with or without TLS.
macro_rules! carried {
    ($socket:expr, $poll:ident $(, $argument:expr)*) => {
        match &mut $socket {
            Socket::Plain(socket) => Pin::new(socket).$poll($($argument),*),
            Socket::Tls(stream) => Pin::new(stream.as_mut()).$poll($($argument),*),
        }
    };
}

/// A client's connection.
pub(super) struct Stream {
    socket: Socket,
    activity: Arc<Activity>,
    timeout: Duration,
    /// Set while bytes could not be sent.
    blocked: Option<Blocked>,
}

/// An unread part of an answer.
struct Blocked {
    since: Instant,
    taken: u64,
    alarm: Pin<Box<Sleep>>,
}

impl Stream {
    pub(super) fn new(socket: Socket, activity: Arc<Activity>, timeout: Duration) -> Self {
        Self {
            socket,
            activity,
            timeout,
            blocked: None,
        }
    }

    /// Notes the outcome of an attempt to send.
    fn sending(
        &mut self,
        cx: &mut Context<'_>,
        attempt: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match attempt {
            Poll::Ready(Ok(taken)) => {
                self.activity.sent();
                if let Some(blocked) = &mut self.blocked {
                    blocked.taken += taken as u64;
                }
                Poll::Ready(Ok(taken))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Ready(Err(ready!(self.poll_blocked(cx)))),
        }
    }

    /// Ready when the client has not read for too long.
    fn poll_blocked(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let timeout = self.timeout;
        self.activity.set_blocked(true);
        let blocked = self.blocked.get_or_insert_with(|| Blocked::new(timeout));
        ready!(blocked.poll_expired(cx, timeout));
        self.activity.cut(ConnectionEnd::Write);
        // Otherwise the kernel would keep the unread bytes and go on offering them.
        let _ = self.socket.tcp().set_zero_linger();
        Poll::Ready(io::ErrorKind::TimedOut.into())
    }

    /// Fails when the client has left. hyper does not notice while a request is in progress, if more
    /// bytes have followed it already.
    fn watch(&self, cx: &mut Context<'_>) -> io::Result<()> {
        let mut byte = [0];
        match self
            .socket
            .tcp()
            .poll_peek(cx, &mut ReadBuf::new(&mut byte))
        {
            Poll::Ready(Ok(0)) => Err(io::ErrorKind::ConnectionReset.into()),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Ready(Ok(_)) | Poll::Pending => Ok(()),
        }
    }
}

impl Blocked {
    fn new(timeout: Duration) -> Self {
        let since = Instant::now();
        Self {
            since,
            taken: 0,
            alarm: Box::pin(sleep_until(since + timeout)),
        }
    }

    /// Ready when the write deadline, extended by the bytes already read, has passed.
    fn poll_expired(&mut self, cx: &mut Context<'_>, timeout: Duration) -> Poll<()> {
        loop {
            ready!(self.alarm.as_mut().poll(cx));
            let due = self.since + patience(timeout, self.taken);
            if due <= Instant::now() {
                return Poll::Ready(());
            }
            self.alarm.as_mut().reset(due);
        }
    }
}

/// The write deadline of a client that has read so many bytes since the send buffer was full.
fn patience(timeout: Duration, taken: u64) -> Duration {
    timeout + Duration::from_secs(taken / SLOWEST)
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = carried!(self.socket, poll_read, cx, buffer);
        self.activity.received(&buffer.filled()[before..]);
        if read.is_pending() {
            // hyper receives the next request where the last one was. Nothing of it, such as a
            // password, stays while the connection is idle. What is freed is wiped by the allocator.
            buffer.initialize_unfilled();
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let attempt = carried!(self.socket, poll_write, cx, bytes);
        self.sending(cx, attempt)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let attempt = carried!(self.socket, poll_write_vectored, cx, slices);
        self.sending(cx, attempt)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.socket {
            Socket::Plain(socket) => socket.is_write_vectored(),
            Socket::Tls(stream) => stream.is_write_vectored(),
        }
    }

    /// Called when everything is sent, and whenever hyper polls a connection that has nothing to
    /// send.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Of TLS a part may still be unsent.
        let flushed = carried!(self.socket, poll_flush, cx);
        if flushed.is_pending() {
            return Poll::Ready(Err(ready!(self.poll_blocked(cx))));
        }
        if self.blocked.take().is_some() {
            self.activity.set_blocked(false);
        }
        if self.activity.is_working() {
            self.watch(cx)?;
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        carried!(self.socket, poll_shutdown, cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn write_deadline_grows_with_bytes_read() {
        let timeout = Duration::from_secs(30);
        assert_eq!(patience(timeout, 0), timeout);
        assert_eq!(patience(timeout, SLOWEST - 1), timeout);
        assert_eq!(
            patience(timeout, 60 * SLOWEST),
            timeout + Duration::from_mins(1)
        );
    }
}
