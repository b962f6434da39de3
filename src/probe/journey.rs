//! The probe's journey: login, profile, refresh and logout, over HTTP at the service's own address.
//!
//! A service that rejects every login shows no 5xx, and without traffic it shows nothing. A periodic
//! login detects both.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use metrics::Counter;
use poem::http::{Request, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use uuid::Uuid;

use super::account::{ProbeAccount, USERNAME};
use crate::api::operations::PROBE;
use crate::api::probe_mark::{HEADER, Mark};
use crate::events::names;
use crate::jobs::Job;
use crate::metrics::{CANARY_RUNS, CanaryStep, Outcome};
use crate::sessions::PROBE_ACCOUNT;

/// How long one step may take: more than the hash gate lets a login wait.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const NOTHING: (&str, String) = ("", String::new());

/// The synthetic probe.
pub struct Probe {
    account: ProbeAccount,
    /// Whether the account is known to exist.
    has_account: bool,
    mark: Mark,
    address: SocketAddr,
    /// For a listener with TLS.
    tls: Option<TlsConnector>,
    interval: Duration,
    runs: Vec<[Counter; Outcome::ALL.len()]>,
}

/// Why a journey failed. Responses are not included: they may contain tokens.
enum Why {
    /// The connection failed or ended.
    Connection(String),
    /// The step timed out.
    Timeout,
    /// The response had another status than expected.
    Status(StatusCode),
    /// The response had the expected status and another body.
    Body,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(error) => write!(f, "no connection: {error}"),
            Self::Timeout => write!(f, "no answer within {TIMEOUT:?}"),
            Self::Status(status) => write!(f, "the response had status {}", status.as_u16()),
            Self::Body => f.write_str("the response had another body than expected"),
        }
    }
}

/// The fields read of an answer with tokens.
#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
}

/// The field read of an account.
#[derive(Deserialize)]
struct Me {
    id: Uuid,
}

impl Probe {
    /// A probe of the listener that is bound to this address, with a journey every `interval`; `tls` is
    /// for a listener that speaks it.
    #[must_use]
    pub fn new(
        account: ProbeAccount,
        mark: Mark,
        bound: SocketAddr,
        tls: Option<TlsConnector>,
        interval: Duration,
    ) -> Self {
        let series = |step: &CanaryStep, outcome: Outcome| {
            CANARY_RUNS.series(&[step.word(), outcome.word()])
        };
        let runs = CanaryStep::ALL.iter();
        let runs = runs.map(|step| [Outcome::Success, Outcome::Failure].map(|o| series(step, o)));
        Self {
            account,
            has_account: false,
            mark,
            address: reachable(bound),
            tls,
            interval,
            runs: runs.collect(),
        }
    }

    fn count(&self, step: CanaryStep, outcome: Outcome) {
        self.runs[step as usize][outcome as usize].increment(1);
    }

    /// Runs the steps; `step` is the current one.
    async fn journey(&self, step: &mut CanaryStep) -> Result<(), Why> {
        // The connection ends with the journey.
        let mut connection = JoinSet::new();
        let mut visit = self.connect(&mut connection).await?;
        let account = [
            ("username", USERNAME),
            ("password", self.account.password()),
        ];
        let form = serde_urlencoded::to_string(account).map_err(|_| Why::Body)?;
        let first: Tokens = read(&visit.ask(*step, None, (FORM, form)).await?)?;
        self.passed(step, CanaryStep::Me);

        let access = Some(first.access_token.as_str());
        let me: Me = read(&visit.ask(*step, access, NOTHING).await?)?;
        if me.id != PROBE_ACCOUNT {
            return Err(Why::Body);
        }
        self.passed(step, CanaryStep::Refresh);

        let token = json!({"refresh_token": first.refresh_token}).to_string();
        let second: Tokens = read(&visit.ask(*step, None, (JSON, token)).await?)?;
        self.passed(step, CanaryStep::Logout);

        let access = Some(second.access_token.as_str());
        visit.ask(*step, access, NOTHING).await?;
        self.count(*step, Outcome::Success);
        Ok(())
    }

    fn passed(&self, step: &mut CanaryStep, next: CanaryStep) {
        self.count(*step, Outcome::Success);
        *step = next;
    }

    async fn connect(&self, connection: &mut JoinSet<()>) -> Result<Visit<'_>, Why> {
        let open = async {
            let stream = self.open().await?;
            handshake(TokioIo::new(stream)).await.map_err(unreachable)
        };
        let (service, driver) = timeout(TIMEOUT, open).await.map_err(|_| Why::Timeout)??;
        connection.spawn(async move {
            // An error reaches the request that waits for the response.
            let _ = driver.await;
        });
        Ok(Visit {
            probe: self,
            service,
        })
    }
}

/// Bytes to and from the service, with TLS or without.
trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

impl Probe {
    async fn open(&self) -> Result<Box<dyn Io>, Why> {
        let stream = TcpStream::connect(self.address).await;
        let stream = stream.map_err(unreachable)?;
        let Some(tls) = &self.tls else {
            return Ok(Box::new(stream));
        };
        let name = self.address.ip().into();
        let stream = tls.connect(name, stream).await.map_err(unreachable)?;
        Ok(Box::new(stream))
    }
}

impl Job for Probe {
    async fn tick(&mut self) -> Duration {
        let start = Instant::now();
        if !self.has_account {
            // A failure shows in the journey that follows.
            self.has_account = self.account.ensure().await.is_ok();
        }
        let mut step = CanaryStep::Login;
        if let Err(why) = self.journey(&mut step).await {
            self.count(step, Outcome::Failure);
            let at = step.word();
            tracing::warn!(event = names::PROBE_FAILED, step = at, %why, "the synthetic login failed");
            if step == CanaryStep::Login && matches!(why, Why::Status(StatusCode::BAD_REQUEST)) {
                self.has_account = self.account.renew().await.is_ok();
            }
        }
        self.interval.saturating_sub(start.elapsed())
    }
}

/// One connection's requests.
struct Visit<'a> {
    probe: &'a Probe,
    service: SendRequest<Full<Bytes>>,
}

impl Visit<'_> {
    /// The body of the response, if it is the expected one.
    async fn ask(
        &mut self,
        step: CanaryStep,
        access_token: Option<&str>,
        (media_type, body): (&str, String),
    ) -> Result<Bytes, Why> {
        let endpoint = PROBE[step as usize];
        let mut request = Request::builder()
            .method(endpoint.method.word())
            .uri(endpoint.template)
            .header(header::HOST, self.probe.address.to_string())
            .header(header::USER_AGENT, "rbac-sentinel canary")
            .header(HEADER, self.probe.mark.value());
        if !media_type.is_empty() {
            request = request.header(header::CONTENT_TYPE, media_type);
        }
        if let Some(token) = access_token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Full::from(body)).map_err(unreachable)?;
        let answer = async {
            let answer = self
                .service
                .send_request(request)
                .await
                .map_err(unreachable)?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
            Ok((status, body.map_err(unreachable)?.to_bytes()))
        };
        let (status, body) = timeout(TIMEOUT, answer).await.map_err(|_| Why::Timeout)??;
        if status.is_success() {
            Ok(body)
        } else {
            Err(Why::Status(status))
        }
    }
}

fn unreachable(error: impl fmt::Display) -> Why {
    Why::Connection(error.to_string())
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Why> {
    serde_json::from_slice(body).map_err(|_| Why::Body)
}

/// The address at which a listener bound to `bound` is reached from this machine.
fn reachable(bound: SocketAddr) -> SocketAddr {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, bound.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probe_reaches_the_listener_where_it_is_bound() {
        for (bound, asked) in [
            ("0.0.0.0:8000", "127.0.0.1:8000"),
            ("[::]:8000", "[::1]:8000"),
            ("127.0.0.2:1", "127.0.0.2:1"),
            ("[::1]:1", "[::1]:1"),
        ] {
            let bound = bound.parse().expect("an address");
            assert_eq!(reachable(bound).to_string(), asked);
        }
    }

    #[test]
    fn failure_text_does_not_repeat_the_answer() {
        let failed = read::<Tokens>(b"{\"access_token\": \"planted\"}").map(|_| ());
        assert_eq!(
            failed.expect_err("no refresh token").to_string(),
            "the response had another body than expected"
        );
        assert_eq!(
            Why::Status(StatusCode::SERVICE_UNAVAILABLE).to_string(),
            "the response had status 503"
        );
    }
}
