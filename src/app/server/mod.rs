//! Accepts connections and serves them with hyper, until told to stop.
//!
//! poem's own server is not used. In 3.1.12 it keeps polling a connection after hyper has reported its
//! end, so a handler runs on after its client has left: passwords are hashed needlessly, and aborted
//! requests are not counted. It also does not set `TCP_NODELAY`, has no timeout for slow headers, spins
//! when accepting fails, and resets connections in the backlog when it stops.
//!
//! hyper's own timeouts are not used. They do not cover connections that have not sent a byte, clients
//! that do not read their answer, and idle HTTP/2 connections. The [`ConnectionLimits`] bound how long
//! a client can hold a connection, and each connection is counted once when it ends, with the reason.

mod activity;
mod sources;
mod stream;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use futures_util::FutureExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use poem::http::uri::Scheme;
use poem::http::{StatusCode, Version};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Endpoint, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use self::activity::Activity;
use self::sources::{Asking, Held, Sources};
use self::stream::{Socket, Stream};
use crate::api::Refused;
use crate::app::tls::Tls;
use crate::config::Networks;
use crate::metrics::{
    ConnectionEnd, HTTP_ACCEPT_ERRORS, HTTP_CONNECTION_MAX, HTTP_CONNECTIONS,
    HTTP_CONNECTIONS_CLOSED, Listener,
};

/// Grace period for idle connections at shutdown: a request may already be in the socket buffer.
const IDLE_DRAIN: Duration = Duration::from_millis(100);
/// How long to wait after accepting failed, for instance because file descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long a TLS handshake may take: a few round trips.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a client beyond the connection limit has to send a request and read the 503.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(2);
/// The most bytes of a request's head; tokens take some hundreds. A client that never completes its
/// head occupies this much memory.
const MAX_HEAD: u32 = 16 * 1024;
/// The most bytes of an answer that are buffered for a slow client.
const BUFFER: usize = 64 * 1024;
/// The flow-control window of an HTTP/2 connection, all its streams together, in bytes: the smallest
/// that the protocol allows. A larger window helps long uploads, and there are none.
const WINDOW: u32 = 64 * 1024 - 1;
/// Open and pending-reset streams of one HTTP/2 connection.
const MAX_STREAMS: u32 = 100;
const MAX_PENDING_RESETS: usize = 20;

/// The connection limits of one listener.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// The timeout for sending a request's head, and for not reading a response.
    pub client_timeout: Duration,
    /// The timeout of connections between two requests.
    pub idle_timeout: Duration,
    /// Connections that are served at once.
    pub connections: usize,
    /// Connections that one source may have.
    pub per_source: usize,
    /// The trusted proxies, which may have more.
    pub proxies: Networks,
    /// Connections beyond that which get a 503 at once; further ones wait in the backlog.
    pub refusals: usize,
}

/// Serves until `stop` is ready; then accepts no more, and closes connections whose requests do not
/// finish within `grace`.
///
/// # Errors
/// When the listener has no address any more.
pub async fn serve<E>(
    (listener, label): (TcpListener, Listener),
    tls: Option<Arc<Tls>>,
    endpoint: E,
    limits: ConnectionLimits,
    stop: impl Future<Output = ()>,
    grace: Duration,
) -> io::Result<()>
where
    E: Endpoint<Output = Response> + 'static,
{
    let local = listener.local_addr()?;
    let sources = Sources::new(limits.per_source, limits.proxies);
    let server = Arc::new(Server {
        endpoint,
        tls,
        builder: builder(limits.client_timeout),
        client_timeout: limits.client_timeout,
        idle_timeout: limits.idle_timeout,
        requests: Arc::default(),
        most_requests: limits.connections,
        local,
        label,
    });
    #[expect(
        clippy::cast_precision_loss,
        reason = "connections are far fewer than 2^53"
    )]
    HTTP_CONNECTION_MAX.set(label, limits.connections as f64);
    let (stopping, _) = watch::channel(false);
    let mut clients = JoinSet::new();
    let mut refused = JoinSet::new();
    let begin = |clients: &mut JoinSet<()>, refused: &mut JoinSet<()>, (stream, remote)| {
        // Connections that ended make room.
        while clients.try_join_next().is_some() {}
        let server = Arc::clone(&server);
        let stopping = stopping.subscribe();
        if clients.len() >= limits.connections {
            refused.spawn(server.refuse(stream, remote, stopping, Refused::Full));
        } else if let Some(held) = sources.hold(remote.ip()) {
            clients.spawn(server.serve(stream, remote, stopping, held));
        } else if refused.len() < limits.refusals / 2 {
            refused.spawn(server.refuse(stream, remote, stopping, Refused::Source));
        } else {
            // The other half is for clients refused because of the total.
            Open::new(label).end = ConnectionEnd::Source;
        }
    };
    tokio::pin!(stop);
    loop {
        let has_room = clients.len() < limits.connections || refused.len() < limits.refusals;
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept(), if has_room => match accepted {
                Ok(client) => begin(&mut clients, &mut refused, client),
                Err(error) => {
                    HTTP_ACCEPT_ERRORS.inc(label);
                    tracing::warn!(%error, "accepting a connection failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = clients.join_next() => {}
            Some(_) = refused.join_next() => {}
        }
    }
    // The kernel has accepted what is in the backlog: closing the listener would reset those clients.
    while let Some(Ok(client)) = listener.accept().now_or_never() {
        begin(&mut clients, &mut refused, client);
    }
    drop(listener);
    stopping.send_replace(true);
    let all_ended = async {
        while clients.join_next().await.is_some() {}
        while refused.join_next().await.is_some() {}
    };
    if timeout(grace, all_ended).await.is_err() {
        tracing::warn!("requests were still in flight at the shutdown timeout");
    }
    // Dropping the sets aborts the rest.
    Ok(())
}

fn builder(client_timeout: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(client_timeout)
        .max_header_list_size(MAX_HEAD)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .max_send_buf_size(BUFFER);
    builder
}

/// An open connection, counted. One that is dropped with its task ended because the service stopped.
struct Open {
    listener: Listener,
    end: ConnectionEnd,
}

impl Open {
    fn new(listener: Listener) -> Self {
        HTTP_CONNECTIONS.with(listener).increment(1);
        Self {
            listener,
            end: ConnectionEnd::Shutdown,
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        HTTP_CONNECTIONS.with(self.listener).decrement(1);
        HTTP_CONNECTIONS_CLOSED.inc((self.listener, self.end));
    }
}

struct Server<E> {
    endpoint: E,
    tls: Option<Arc<Tls>>,
    builder: Builder<TokioExecutor>,
    client_timeout: Duration,
    idle_timeout: Duration,
    requests: Arc<AtomicUsize>,
    /// As many as connections: only HTTP/2 streams can exceed it.
    most_requests: usize,
    local: SocketAddr,
    label: Listener,
}

impl<E: Endpoint<Output = Response> + 'static> Server<E> {
    async fn serve(
        self: Arc<Self>,
        stream: TcpStream,
        remote: SocketAddr,
        stopping: watch::Receiver<bool>,
        held: Held,
    ) {
        let mut open = Open::new(self.label);
        open.end = self
            .serve_connection(stream, remote, stopping, Ok(held))
            .await;
    }

    /// Answers a client beyond the limit with 503 and `Retry-After`.
    async fn refuse(
        self: Arc<Self>,
        stream: TcpStream,
        remote: SocketAddr,
        stopping: watch::Receiver<bool>,
        why: Refused,
    ) {
        let mut open = Open::new(self.label);
        open.end = match why {
            Refused::Full => ConnectionEnd::Refused,
            Refused::Source => ConnectionEnd::Source,
        };
        let _ = timeout(
            REFUSAL_TIMEOUT,
            self.serve_connection(stream, remote, stopping, Err(why)),
        )
        .await;
    }

    async fn serve_connection(
        self: Arc<Self>,
        stream: TcpStream,
        remote: SocketAddr,
        mut stopping: watch::Receiver<bool>,
        admitted: Result<Held, Refused>,
    ) -> ConnectionEnd {
        // Without it small answers wait 40 ms for the client's acknowledgement.
        if stream.set_nodelay(true).is_err() {
            return ConnectionEnd::Closed;
        }
        let limit = self.client_timeout;
        // Before the first byte hyper cannot be told to stop and has allocated nothing, so wait for
        // readability here.
        let mut end = ConnectionEnd::Idle;
        let first_byte = tokio::select! {
            biased;
            readable = timeout(limit, stream.readable()) => readable,
            () = stopped(&mut stopping) => {
                end = ConnectionEnd::Shutdown;
                timeout(IDLE_DRAIN, stream.readable()).await
            }
        };
        match first_byte {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return ConnectionEnd::Closed,
            Err(_) => return end,
        }
        let scheme = self.scheme();
        let socket = match self.handshake(stream).await {
            Ok(socket) => socket,
            Err(end) => return end,
        };
        let activity = Arc::new(Activity::new());
        let stream = Stream::new(socket, Arc::clone(&activity), limit);
        let answering = Arc::clone(&activity);
        let admitted = Arc::new(admitted);
        let server = Arc::clone(&self);
        let service = service_fn(move |mut request: poem::http::Request<Incoming>| {
            let server = Arc::clone(&server);
            let activity = Arc::clone(&answering);
            let scheme = scheme.clone();
            let admitted = Arc::clone(&admitted);
            async move {
                let _working = activity.work();
                let asking = server.ask(&admitted);
                if let Err(refused) = asking {
                    request.extensions_mut().insert(refused);
                }
                let version = request.version();
                let local = LocalAddr(server.local.into());
                let request = (request, local, RemoteAddr(remote.into()), scheme).into();
                let response = server.endpoint.get_response(request).await;
                // Without multiplexing the connection ends with its answer.
                if response.status() == StatusCode::REQUEST_TIMEOUT && version < Version::HTTP_2 {
                    activity.cut(ConnectionEnd::Body);
                }
                Ok::<_, Infallible>(response.into())
            }
        });
        // On the heap, so that connections without a request are small.
        let connection = self.builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = Box::pin(connection);
        let end = tokio::select! {
            biased;
            // An error means that the client left; its request is counted where it is dropped.
            _ = connection.as_mut() => return activity.end(),
            end = activity.expired(limit, self.idle_timeout) => end,
            () = stopped(&mut stopping) => ConnectionEnd::Shutdown,
        };
        connection.as_mut().graceful_shutdown();
        if end == ConnectionEnd::Shutdown {
            let _ = connection.await;
        } else {
            let _ = timeout(IDLE_DRAIN, connection).await;
        }
        end
    }
}

impl<E> Server<E> {
    /// Counts a request on a connection that is served.
    fn ask(&self, admitted: &Result<Held, Refused>) -> Result<(Asking, Asking), Refused> {
        let held = admitted.as_ref().map_err(|refused| *refused)?;
        let of_source = held.ask().ok_or(Refused::Source)?;
        let of_all = Asking::begin(&self.requests, self.most_requests);
        Ok((of_source, of_all.ok_or(Refused::Full)?))
    }

    fn scheme(&self) -> Scheme {
        match self.tls {
            Some(_) => Scheme::HTTPS,
            None => Scheme::HTTP,
        }
    }

    /// Begins TLS on a connection that has sent something, if the listener speaks it.
    async fn handshake(&self, stream: TcpStream) -> Result<Socket, ConnectionEnd> {
        let Some(tls) = &self.tls else {
            return Ok(Socket::Plain(stream));
        };
        let handshake = tls.acceptor().accept(stream);
        match timeout(HANDSHAKE.min(self.client_timeout), handshake).await {
            Ok(Ok(stream)) => Ok(Socket::Tls(Box::new(stream))),
            // The client disconnected, as health checks of load balancers do.
            Ok(Err(error))
                if matches!(
                    error.kind(),
                    io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
                ) =>
            {
                Err(ConnectionEnd::Closed)
            }
            Ok(Err(_)) | Err(_) => Err(ConnectionEnd::Tls),
        }
    }
}

/// Waits until the service stops.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone: it has stopped.
    drop(stopping.wait_for(|stopping| *stopping).await);
}
