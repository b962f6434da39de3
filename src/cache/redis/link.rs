//! The connection to Redis, its watcher, and the one function through which every command goes.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use metrics::{Gauge, Histogram};
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult,
    ScriptInvocation, ServerErrorKind, cmd,
};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::breaker::{Breaker, Generation};
use super::{RedisOptions, scripts};
use crate::error::{Error, Result};
use crate::metrics::{
    DB_DURATION, DB_ERRORS, DEPENDENCY_UP, DbError, DbSystem, Dependency, LabelSet as _,
    RedisOperation, Rejection,
};

/// Timeout of a new connection, including DNS and TLS. Only the watcher waits for it.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Pause before reconnecting.
pub(super) const RETRY: Duration = Duration::from_millis(250);
/// Interval of probes of the connection in use.
const PROBE: Duration = Duration::from_millis(300);
/// The queue of commands for the connection's task; when it is full, callers wait within their
/// timeout.
const PIPELINE: usize = 1024;
/// Between two log lines about rejected values, in microseconds.
const REJECTION_PAUSE: i64 = 60_000_000;

pub(super) struct Link {
    client: Client,
    address: String,
    probe: Cmd,
    timeout: Duration,
    breaker: Breaker<MultiplexedConnection>,
    /// Notified when the circuit opens.
    opened: Notify,
    /// Notified when the circuit closes.
    closed: Notify,
    /// Whether a refused command was logged since the connection was made: once is enough.
    refusal_logged: AtomicBool,
    /// When the next rejected value or message is logged.
    next_rejection: AtomicI64,
    up: Gauge,
    durations: Vec<Histogram>,
}

/// A failed command, and whether it ends the connection.
#[derive(Debug)]
struct Failure {
    kind: DbError,
    breaks: bool,
    /// Safe to log: a server's own message may repeat the command, and is left out.
    word: String,
}

impl Link {
    pub(super) fn new(options: &RedisOptions) -> Result<Self> {
        // The error may contain the URL with its password.
        let misunderstood = |_| Error::internal("REDIS_URL cannot be parsed");
        let client = Client::open(options.url.as_str()).map_err(misunderstood)?;
        // Fails if a provider is installed already: there is only this one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut probe = cmd("SET");
        probe
            .arg(format!("{}probe", options.prefix))
            .arg(1)
            .arg("PX")
            .arg(60_000);
        let system = DbSystem::Redis.word();
        let durations = RedisOperation::ALL
            .iter()
            .map(|operation| DB_DURATION.series(&[system, operation.word()]))
            .collect();
        let up = DEPENDENCY_UP.series(&[Dependency::Redis.word()]);
        up.set(0.0);
        Ok(Self {
            address: client.get_connection_info().addr().to_string(),
            client,
            probe,
            timeout: options.timeout,
            breaker: Breaker::default(),
            opened: Notify::new(),
            closed: Notify::new(),
            refusal_logged: AtomicBool::new(false),
            next_rejection: AtomicI64::new(0),
            up,
            durations,
        })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Waits for a working connection.
    pub(super) async fn connected(&self) {
        loop {
            let closed = self.closed.notified();
            if self.breaker.current().is_some() {
                return;
            }
            closed.await;
        }
    }

    /// Drops the connection.
    pub(super) fn close(&self) {
        self.breaker.clear();
        self.up.set(0.0);
    }

    /// Sends a command.
    pub(super) async fn command<T: FromRedisValue>(
        &self,
        operation: RedisOperation,
        command: &Cmd,
    ) -> Result<T> {
        self.timed(operation, async |mut connection| {
            command.query_async(&mut connection).await
        })
        .await
    }

    /// Runs a script, and loads it again if Redis has lost it.
    pub(super) async fn script<T: FromRedisValue>(
        &self,
        operation: RedisOperation,
        call: &ScriptInvocation<'_>,
    ) -> Result<T> {
        self.timed(operation, async |mut connection| {
            call.invoke_async(&mut connection).await
        })
        .await
    }

    /// Runs every command: fails at once while the circuit is open, ends at the timeout, measures the
    /// duration and counts failures.
    async fn timed<T, F: Future<Output = RedisResult<T>>>(
        &self,
        operation: RedisOperation,
        work: impl FnOnce(MultiplexedConnection) -> F,
    ) -> Result<T> {
        let Some((connection, generation)) = self.breaker.current() else {
            return Err(Error::Unavailable);
        };
        let start = Instant::now();
        let result = timeout(self.timeout, work(connection)).await;
        self.durations[operation.index()].record(start.elapsed().as_secs_f64());
        let failure = match result {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => Failure::of(&error),
            Err(_) => Failure::timeout(),
        };
        self.failed(&failure, generation);
        Err(Error::Unavailable)
    }

    fn failed(&self, failure: &Failure, generation: Generation) {
        DB_ERRORS.inc((DbSystem::Redis, failure.kind));
        if failure.breaks {
            if self.breaker.open(generation) {
                self.up.set(0.0);
                self.opened.notify_one();
                let error = failure.word.as_str();
                tracing::warn!(error, "Redis does not answer: continuing without it");
            }
        } else if !self.refusal_logged.swap(true, Ordering::Relaxed) {
            let error = failure.word.as_str();
            tracing::warn!(error, "Redis refuses a command: continuing without it");
        }
    }

    /// Logs that something in Redis was rejected, unless that was logged in the last minute.
    pub(super) fn log_rejection(&self, rejection: Rejection, now: i64) {
        let next = self.next_rejection.load(Ordering::Relaxed);
        let pause = now.saturating_add(REJECTION_PAUSE);
        let order = Ordering::Relaxed;
        let first = now >= next
            && (self.next_rejection)
                .compare_exchange(next, pause, order, order)
                .is_ok();
        if first {
            let [item, reason] = rejection.label_values() else {
                return;
            };
            tracing::warn!(
                item,
                reason,
                "Redis contains or sent a value that no replica wrote: find out what else can \
                 write to it"
            );
        }
    }

    /// Keeps a connection open until the future is dropped: connects, probes, reconnects after a
    /// failure. Requests never connect themselves.
    pub(super) async fn watch(&self) {
        let mut silent = false;
        loop {
            match self.connect().await {
                Ok(connection) => {
                    self.refusal_logged.store(false, Ordering::Relaxed);
                    self.breaker.close(connection);
                    self.up.set(1.0);
                    self.closed.notify_waiters();
                    tracing::info!("Redis answers");
                    silent = true;
                    self.probe_until_it_fails().await;
                }
                Err(failure) if !silent => {
                    let error = failure.word.as_str();
                    tracing::warn!(error, "Redis cannot be reached: continuing without it");
                    silent = true;
                }
                Err(_) => {}
            }
            sleep(RETRY).await;
        }
    }

    async fn connect(&self) -> Result<MultiplexedConnection, Failure> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            // `timed` applies the timeout.
            .set_response_timeout(None)
            .set_pipeline_buffer_size(PIPELINE);
        let prepare = async {
            let mut connection = self
                .client
                .get_multiplexed_async_connection_with_config(&config)
                .await?;
            for script in &scripts::ALL {
                script.load_async(&mut connection).await?;
            }
            RedisResult::Ok(connection)
        };
        let prepared = timeout(2 * CONNECT_TIMEOUT, prepare).await;
        let mut connection = prepared
            .map_err(|_| Failure::timeout())?
            .map_err(|error| Failure::of(&error))?;
        // Use Redis only if it answers within the timeout of requests.
        let probe = connection.req_packed_command(&self.probe);
        timeout(self.timeout, probe)
            .await
            .map_err(|_| Failure::timeout())?
            .and_then(redis::Value::extract_error)
            .map_err(|error| Failure::of(&error))?;
        Ok(connection)
    }

    async fn probe_until_it_fails(&self) {
        while self.breaker.current().is_some() {
            tokio::select! {
                () = sleep(PROBE) => {}
                // May belong to the previous connection: check again.
                () = self.opened.notified() => continue,
            }
            // A failure opens the circuit, which ends the loop.
            let _: Result<()> = self.command(RedisOperation::Probe, &self.probe).await;
        }
    }
}

/// The error for an answer of an unexpected shape.
pub(super) fn misunderstood() -> Error {
    DB_ERRORS.inc((DbSystem::Redis, DbError::Decode));
    Error::Unavailable
}

impl Failure {
    fn timeout() -> Self {
        Self {
            kind: DbError::Timeout,
            breaks: true,
            word: "no answer in time".to_owned(),
        }
    }

    fn of(error: &RedisError) -> Self {
        let (kind, breaks) = match error.kind() {
            _ if error.is_timeout() => (DbError::Timeout, true),
            ErrorKind::Io | ErrorKind::AuthenticationFailed => (DbError::Connection, true),
            // Later answers on this connection may be misaligned.
            ErrorKind::Parse => (DbError::Decode, true),
            ErrorKind::UnexpectedReturnType => (DbError::Decode, false),
            // Restarting, or no longer the primary: reconnect, the name may resolve to another server.
            ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly
                | ServerErrorKind::ClusterDown,
            ) => (DbError::Refused, true),
            ErrorKind::Server(_) | ErrorKind::Extension => (DbError::Refused, false),
            _ => (DbError::Other, true),
        };
        // Errors of the operating system or TLS do not contain the server's message.
        let cause = std::error::Error::source(error).filter(|_| error.is_io_error());
        let word = match cause {
            Some(cause) => cause.to_string(),
            None => format!("{} {}", error.category(), error.code().unwrap_or_default()),
        };
        Self {
            kind,
            breaks,
            word: word.trim().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: ErrorKind) -> Failure {
        let detail = "hunter2".to_owned();
        Failure::of(&RedisError::from((kind, "hunter2", detail)))
    }

    #[test]
    fn a_refused_command_is_no_reason_to_give_the_connection_up() {
        use DbError::{Connection, Decode, Refused};
        for (kind, counted, breaks) in [
            (ErrorKind::Io, Connection, true),
            (ErrorKind::AuthenticationFailed, Connection, true),
            (ErrorKind::Parse, Decode, true),
            (ErrorKind::UnexpectedReturnType, Decode, false),
            (ErrorKind::Server(ServerErrorKind::ReadOnly), Refused, true),
            (
                ErrorKind::Server(ServerErrorKind::BusyLoading),
                Refused,
                true,
            ),
            (
                ErrorKind::Server(ServerErrorKind::MasterDown),
                Refused,
                true,
            ),
            (
                ErrorKind::Server(ServerErrorKind::ClusterDown),
                Refused,
                true,
            ),
            (
                ErrorKind::Server(ServerErrorKind::ResponseError),
                Refused,
                false,
            ),
            (ErrorKind::Server(ServerErrorKind::NoPerm), Refused, false),
            (ErrorKind::Extension, Refused, false),
        ] {
            assert_eq!(failure(kind).kind, counted, "{kind:?}");
            assert_eq!(failure(kind).breaks, breaks, "{kind:?}");
        }
    }

    #[test]
    fn what_a_server_says_is_not_repeated() {
        for kind in [
            ErrorKind::Io,
            ErrorKind::Server(ServerErrorKind::ResponseError),
            ErrorKind::UnexpectedReturnType,
        ] {
            let word = failure(kind).word;
            assert!(!word.contains("hunter2"), "{word}");
        }
    }

    #[test]
    fn an_url_that_is_not_understood_is_not_repeated() {
        let options = RedisOptions::of("redis://:hunter2@localhost/no-number");
        let Err(Error::Internal(error)) = Link::new(&options) else {
            panic!("understood")
        };
        assert_eq!(error.to_string(), "REDIS_URL cannot be parsed");
    }

    #[test]
    fn no_answer_in_time_ends_the_connection() {
        let silence = std::io::Error::from(std::io::ErrorKind::TimedOut);
        for failure in [Failure::of(&RedisError::from(silence)), Failure::timeout()] {
            assert_eq!((failure.kind, failure.breaks), (DbError::Timeout, true));
        }
    }
}
