//! Accepts connections and serves them with hyper, until told to stop.
//!
//! poem's own server is not used. In 3.1.12 it goes on polling a connection after hyper has reported
//! its end, so that a handler whose client left runs to its own end: hashing for nobody, and aborts
//! are never seen. It does not set `TCP_NODELAY` either, has no timeout for slow headers, spins when
//! accepting fails, and resets connections that wait in the backlog when it stops.
//!
//! hyper's own timeouts are not used. They leave out connections that have not said yet which HTTP
//! they speak, clients that do not take their answer, and idle HTTP/2. Nobody holds a connection for
//! longer than the [`Limits`] allow, and each is counted once when it ends, with the reason.

mod activity;
mod stream;

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
use poem::http::uri::Scheme;
use poem::http::{StatusCode, Version};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Endpoint, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use self::activity::Activity;
use self::stream::Stream;
use crate::api::Refused;
use crate::metrics::{
    ConnectionEnd, HTTP_ACCEPT_ERRORS, HTTP_CONNECTION_MAX, HTTP_CONNECTIONS,
    HTTP_CONNECTIONS_CLOSED, Listener,
};

/// How long a connection without a request is waited for when it is to end: its first bytes may be
/// there already and only not be noticed yet.
const LAST_CALL: Duration = Duration::from_millis(100);
/// How long to wait after accepting failed, for instance for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long somebody who is one too many may take to ask and to be told so.
const REFUSAL: Duration = Duration::from_secs(2);
/// The most bytes of a head, and the most that are kept for a client who does not take them.
const BUFFER: usize = 64 * 1024;
/// Streams of one HTTP/2 connection, open and reset: bounds what one client can ask for.
const MAX_STREAMS: u32 = 200;
const MAX_PENDING_RESETS: usize = 20;

/// What clients may take of one listener.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For the head of a request, without taking anything of an answer, or idle.
    pub client_timeout: Duration,
    /// Connections that are served at once.
    pub connections: usize,
    /// Connections beyond that are told so, at once; further ones wait in the backlog.
    pub refusals: usize,
}

/// Serves until `stop` is ready; then accepts no more, and gives requests in flight `grace` to
/// finish before it cuts them off.
///
/// # Errors
/// When the listener has no address any more.
pub async fn serve<E>(
    (listener, label): (TcpListener, Listener),
    endpoint: E,
    limits: Limits,
    stop: impl Future<Output = ()>,
    grace: Duration,
) -> io::Result<()>
where
    E: Endpoint<Output = Response> + 'static,
{
    let local = listener.local_addr()?;
    let server = Arc::new(Server {
        endpoint,
        builder: builder(limits.client_timeout),
        limits,
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
        // Who has left makes room.
        while clients.try_join_next().is_some() {}
        let server = Arc::clone(&server);
        let stopping = stopping.subscribe();
        if clients.len() < limits.connections {
            clients.spawn(server.serve(stream, remote, stopping));
        } else {
            refused.spawn(server.refuse(stream, remote, stopping));
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
    // Whoever is in the backlog has been told that they are connected: closing the listener would
    // reset them.
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
        tracing::warn!("requests were still in flight when their time was over");
    }
    // What is left is aborted with the sets.
    Ok(())
}

fn builder(client_timeout: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .header_read_timeout(None)
        .max_buf_size(BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(client_timeout)
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .max_send_buf_size(BUFFER);
    builder
}

/// An open connection, counted. Cut off with its task, it ended because the service stopped.
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
    builder: Builder<TokioExecutor>,
    limits: Limits,
    local: SocketAddr,
    label: Listener,
}

impl<E: Endpoint<Output = Response> + 'static> Server<E> {
    async fn serve(
        self: Arc<Self>,
        stream: TcpStream,
        remote: SocketAddr,
        stopping: watch::Receiver<bool>,
    ) {
        let mut open = Open::new(self.label);
        open.end = self.converse(stream, remote, stopping, None).await;
    }

    /// Tells somebody who is one too many to come back later.
    async fn refuse(
        self: Arc<Self>,
        stream: TcpStream,
        remote: SocketAddr,
        stopping: watch::Receiver<bool>,
    ) {
        let mut open = Open::new(self.label);
        open.end = ConnectionEnd::Refused;
        let _ = timeout(
            REFUSAL,
            self.converse(stream, remote, stopping, Some(Refused)),
        )
        .await;
    }

    async fn converse(
        self: Arc<Self>,
        stream: TcpStream,
        remote: SocketAddr,
        mut stopping: watch::Receiver<bool>,
        refused: Option<Refused>,
    ) -> ConnectionEnd {
        // Without it small answers wait 40 ms for the client's acknowledgement.
        if stream.set_nodelay(true).is_err() {
            return ConnectionEnd::Closed;
        }
        let limit = self.limits.client_timeout;
        // hyper's readiness to stop begins with the first byte, and so does the memory it takes.
        let mut end = ConnectionEnd::Idle;
        let first_byte = tokio::select! {
            biased;
            readable = timeout(limit, stream.readable()) => readable,
            () = stopped(&mut stopping) => {
                end = ConnectionEnd::Shutdown;
                timeout(LAST_CALL, stream.readable()).await
            }
        };
        match first_byte {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return ConnectionEnd::Closed,
            Err(_) => return end,
        }
        let activity = Arc::new(Activity::new());
        let stream = Stream::new(stream, Arc::clone(&activity), limit);
        let answering = Arc::clone(&activity);
        let server = Arc::clone(&self);
        let service = service_fn(move |mut request: poem::http::Request<Incoming>| {
            let server = Arc::clone(&server);
            let activity = Arc::clone(&answering);
            async move {
                let _working = activity.work();
                if let Some(refused) = refused {
                    request.extensions_mut().insert(refused);
                }
                let version = request.version();
                let local = LocalAddr(server.local.into());
                let request = (request, local, RemoteAddr(remote.into()), Scheme::HTTP).into();
                let response = server.endpoint.get_response(request).await;
                // Without multiplexing the connection ends with it.
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
            // An error is the client's leaving; what became of its request is counted where it is
            // dropped.
            _ = connection.as_mut() => return activity.end(),
            end = activity.expired(limit) => end,
            () = stopped(&mut stopping) => ConnectionEnd::Shutdown,
        };
        connection.as_mut().graceful_shutdown();
        if end == ConnectionEnd::Shutdown {
            let _ = connection.await;
        } else {
            let _ = timeout(LAST_CALL, connection).await;
        }
        end
    }
}

/// Waits until the service stops.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // Without a sender it has stopped.
    drop(stopping.wait_for(|stopping| *stopping).await);
}
