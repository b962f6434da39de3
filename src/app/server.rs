//! Accepts connections and serves them with hyper, until told to stop.
//!
//! poem's own server is not used. In 3.1.12 it goes on polling a connection after hyper has reported
//! its end, so that a handler whose client left runs to its own end: hashing for nobody, and aborts
//! are never seen. It does not set `TCP_NODELAY` either, has no timeout for slow headers, spins when
//! accepting fails, and resets connections that wait in the backlog when it stops.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Endpoint, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long a client may take for the head of a request, and how long a connection may be idle.
/// Load balancers should give up idle connections sooner.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection without a request is waited for when the service stops: its first bytes may
/// be there already and only not be noticed yet.
const LAST_CALL: Duration = Duration::from_millis(100);
/// How long to wait after accepting failed, for instance for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Streams of one HTTP/2 connection, open and reset: bounds what one client can ask for.
const MAX_STREAMS: u32 = 200;
const MAX_PENDING_RESETS: usize = 20;

/// Serves until `stop` is ready; then accepts no more, and gives requests in flight `timeout` to
/// finish before it cuts them off.
///
/// # Errors
/// When the listener has no address any more.
pub async fn serve<E>(
    listener: TcpListener,
    endpoint: E,
    stop: impl Future<Output = ()>,
    timeout: Duration,
) -> io::Result<()>
where
    E: Endpoint<Output = Response> + 'static,
{
    let local = listener.local_addr()?;
    let server = Arc::new(Server {
        endpoint,
        builder: builder(),
        local,
    });
    let graceful = GracefulShutdown::new();
    let (stopping, _) = watch::channel(false);
    let connection = |stream, remote| {
        let server = Arc::clone(&server);
        server.connection(stream, remote, graceful.watcher(), stopping.subscribe())
    };
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, remote)) => {
                    connections.spawn(connection(stream, remote));
                }
                Err(error) => {
                    tracing::warn!(%error, "accepting a connection failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    // Whoever is in the backlog has been told that they are connected: closing the listener would
    // reset them.
    while let Some(Ok((stream, remote))) = listener.accept().now_or_never() {
        connections.spawn(connection(stream, remote));
    }
    drop(listener);
    stopping.send_replace(true);
    if tokio::time::timeout(timeout, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests were still in flight when their time was over");
    }
    // What is left is aborted with the set.
    drop(connections);
    Ok(())
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HEADER_TIMEOUT)
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS);
    builder
}

struct Server<E> {
    endpoint: E,
    builder: Builder<TokioExecutor>,
    local: SocketAddr,
}

impl<E: Endpoint<Output = Response> + 'static> Server<E> {
    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        remote: SocketAddr,
        watcher: Watcher,
        mut stopping: watch::Receiver<bool>,
    ) {
        // Without it small answers wait 40 ms for the client's acknowledgement.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        // hyper's timeouts, and its readiness to stop, begin with the first byte.
        let first_byte = tokio::select! {
            biased;
            readable = tokio::time::timeout(HEADER_TIMEOUT, stream.readable()) => readable,
            () = async { drop(stopping.wait_for(|stopping| *stopping).await) } => {
                tokio::time::timeout(LAST_CALL, stream.readable()).await
            }
        };
        if !matches!(first_byte, Ok(Ok(()))) {
            return;
        }
        let service = service_fn(|request: poem::http::Request<Incoming>| {
            let server = Arc::clone(&self);
            async move {
                let local = LocalAddr(server.local.into());
                let request = (request, local, RemoteAddr(remote.into()), Scheme::HTTP).into();
                let response = server.endpoint.get_response(request).await;
                Ok::<_, Infallible>(response.into())
            }
        });
        let connection = self.builder.serve_connection(TokioIo::new(stream), service);
        // An error is the client's leaving; what became of its request is counted where it is
        // dropped.
        let _ = watcher.watch(connection).await;
    }
}
