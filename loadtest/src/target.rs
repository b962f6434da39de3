//! Client of the server under test: checks before a run, metrics, accounts.

use std::net::{IpAddr, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, Version};
use testkit::exposition::{Between, Exposition};

use crate::Result;
use crate::connection::{Connection, below, root};
use crate::own::{OwnRequests, Rows};
use crate::replica::Replica;
use crate::routes::Route;
use crate::state::{Account, Tokens};
use crate::summed::summed;

/// The histogram of requests: source of all counts and quantiles of the server.
pub const REQUESTS: &str = "http_server_request_duration_seconds";

/// Timeout of the lab's own requests.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Time limit for the server to finish its requests.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time limit for registering an account on a busy server.
const REGISTER_TIMEOUT: Duration = Duration::from_mins(1);
/// The same for counting a request that has been answered.
pub const COUNT_TIMEOUT: Duration = Duration::from_secs(1);
/// An operation with the general rate limit and no other.
const LIMITED: Route = Route::Keys;

/// A server: one process, or several replicas behind one address.
#[derive(Clone, Debug)]
pub struct Target {
    /// URL of the API.
    pub api: Url,
    /// Its processes, of which there is at least one.
    pub replicas: Vec<Replica>,
    version: Version,
    client: Client,
    own: OwnRequests,
}

impl Target {
    /// A server at these addresses.
    ///
    /// # Errors
    /// Names the address that is invalid, or of which there are two.
    pub fn new(api: &str, ops: &[String], connection: &Connection) -> Result<Self> {
        let url = |what: &str, text: &str| {
            let url =
                Url::parse(text).map_err(|error| format!("{what} `{text}` is no URL: {error}"))?;
            if url.host_str().is_none() {
                return Err(format!("{what} `{text}` names no host"));
            }
            Ok(url)
        };
        let api = url("--host", api)?;
        let mut replicas: Vec<Replica> = Vec::new();
        for ops in ops {
            let url = url("--ops", ops)?;
            if replicas.iter().any(|other| *other.ops() == url) {
                return Err(format!("--ops `{ops}` is given twice: it would count twice").into());
            }
            replicas.push(Replica::new(url)?);
        }
        Ok(Self {
            api,
            replicas,
            version: connection.version(),
            client: connection.client().build()?,
            own: OwnRequests::default(),
        })
    }

    /// Whether the API is on this machine: its name resolves to loopback addresses only.
    #[must_use]
    pub fn is_here(&self) -> bool {
        let Some(host) = self.api.host_str() else {
            return false;
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = host.parse::<IpAddr>() {
            return address.is_loopback();
        }
        let addresses = (host, self.api.port_or_known_default().unwrap_or(80)).to_socket_addrs();
        addresses.is_ok_and(|all| {
            let all: Vec<_> = all.collect();
            !all.is_empty() && all.iter().all(|address| address.ip().is_loopback())
        })
    }

    /// Name and port of the API's machine, if it is another one.
    #[must_use]
    pub fn far(&self) -> Option<(String, u16)> {
        let host = self.api.host_str().filter(|_| !self.is_here())?;
        let port = self.api.port_or_known_default()?;
        Some((host.trim_matches(['[', ']']).to_owned(), port))
    }

    /// Waits until the server is ready.
    ///
    /// # Errors
    /// When it is not ready in time.
    pub async fn wait_ready(&self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            match self.check_ops().await {
                // It listens where it is ready, so one answer tells whether it speaks as it should.
                Ok(()) => return self.check_api().await,
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    /// Whether the server can be reached and is ready.
    ///
    /// # Errors
    /// Whether it is not the expected one of both.
    pub async fn check_ready(&self) -> Result<()> {
        self.check_ops().await?;
        self.check_api().await
    }

    /// Whether each replica can be reached and is ready. The API is asked for nothing.
    ///
    /// # Errors
    /// Which is not.
    pub async fn check_ops(&self) -> Result<()> {
        for replica in &self.replicas {
            replica.check_ready().await?;
        }
        Ok(())
    }

    /// Whether the API answers, and in the expected version of HTTP.
    ///
    /// # Errors
    /// When it does not.
    pub async fn check_api(&self) -> Result<()> {
        let url = below(&self.api, "/health")?;
        let request = self.client.get(url.clone());
        let answer = self.send("GET /health", request).await;
        let answer = answer.map_err(|error| {
            format!(
                "{url} cannot be reached ({}): does --host name the API, and --ca who vouches for it?",
                root(&error)
            )
        })?;
        if answer.status() != StatusCode::OK {
            let status = answer.status();
            return Err(format!("{url} answered {status}: does --host name the API?").into());
        }
        if answer.version() != self.version {
            let (found, asked) = (answer.version(), self.version);
            return Err(format!("{url} speaks {found:?}, not {asked:?}").into());
        }
        Ok(())
    }

    /// The metrics of each replica now.
    ///
    /// # Errors
    /// When those of one cannot be read or are another program's.
    pub async fn each(&self) -> Result<Vec<Exposition>> {
        let asked = self.replicas.iter().cloned();
        let asked: Vec<_> = asked
            .map(|replica| tokio::spawn(async move { replica.metrics(REQUESTS).await }))
            .collect();
        let mut each = Vec::new();
        for answer in asked {
            each.push(answer.await??);
        }
        Ok(each)
    }

    /// Its metrics now, of all replicas together.
    ///
    /// # Errors
    /// As [`Self::each`].
    pub async fn metrics(&self) -> Result<Exposition> {
        Ok(summed(self.each().await?))
    }

    /// The metrics of each replica once no request is in flight.
    ///
    /// # Errors
    /// As [`Self::each`].
    pub async fn settled(&self) -> Result<Vec<Exposition>> {
        self.settled_within(SETTLE_TIMEOUT).await
    }

    /// The same, or what they are after this time: where others ask, too, there may always be one in flight.
    ///
    /// # Errors
    /// As [`Self::each`].
    pub async fn settled_within(&self, patience: Duration) -> Result<Vec<Exposition>> {
        let deadline = Instant::now() + patience;
        loop {
            let each = self.each().await?;
            if !each.iter().any(Exposition::is_busy) || Instant::now() > deadline {
                return Ok(each);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Logs an account in.
    ///
    /// # Errors
    /// The password is wrong, or an unexpected response.
    pub async fn login(&self, account: &Account) -> Result<Tokens> {
        let form = [
            ("username", &account.username),
            ("password", &account.password),
        ];
        let request = self.client.post(self.url(Route::Login)?).form(&form);
        let answer = self
            .send(&Route::Login.name(), request)
            .await
            .map_err(|error| format!("the lab's own login was not answered ({})", root(&error)))?;
        let status = answer.status();
        let json: serde_json::Value = answer.json().await.unwrap_or_default();
        match (json["access_token"].as_str(), json["refresh_token"].as_str()) {
            (Some(access), Some(refresh)) => Ok(Tokens::new(access.to_owned(), refresh.to_owned(), TIMEOUT)),
            _ if status == StatusCode::BAD_REQUEST => Err(format!(
                "the administrator `{}` cannot log in: wrong name or password (--admin-username, LOADTEST_ADMIN_PASSWORD)",
                account.username
            )
            .into()),
            _ => Err(format!("the login of `{}` was answered {status}", account.username).into()),
        }
    }

    /// Whether this account is an administrator's.
    ///
    /// # Errors
    /// When it is not, or its password is wrong.
    pub async fn check_admin(&self, admin: &Account) -> Result<()> {
        let tokens = self.login(admin).await?;
        let request = self.client.get(self.url(Route::AdminOnly)?);
        let request = request.bearer_auth(tokens.access);
        let answer = self.send(&Route::AdminOnly.name(), request).await?;
        let status = answer.status();
        if status == StatusCode::OK {
            return Ok(());
        }
        Err(format!(
            "`{}` is no administrator: {} answered {status}",
            admin.username,
            Route::AdminOnly.name()
        )
        .into())
    }

    /// Whether requests count against rate limits, by the server's own counter.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn has_rate_limits(&self) -> Result<bool> {
        let before = self.metrics().await?;
        let request = self.client.get(self.url(LIMITED)?);
        self.send(&LIMITED.name(), request).await?;
        let after = summed(self.settled_within(COUNT_TIMEOUT).await?);
        Ok(Between { before, after }.rise("auth_rate_limit_decisions_total", &[]) > 0.0)
    }

    /// Registers an account; tries again while the server is busy.
    ///
    /// # Errors
    /// The unexpected response.
    pub async fn register(&self, account: &Account) -> Result<()> {
        let body = serde_json::json!({
            "username": account.username, "email": account.email(), "password": account.password
        });
        let deadline = Instant::now() + REGISTER_TIMEOUT;
        loop {
            let request = self.client.post(self.url(Route::Register)?).json(&body);
            let answer = self.send(&Route::Register.name(), request).await?;
            let status = answer.status();
            match status {
                StatusCode::CREATED => return Ok(()),
                StatusCode::SERVICE_UNAVAILABLE if Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                _ => {
                    let name = Route::Register.name();
                    return Err(format!(
                        "an account for the run cannot be made: {name} answered {status}"
                    )
                    .into());
                }
            }
        }
    }

    /// What the lab itself has asked the API for so far.
    #[must_use]
    pub fn own(&self) -> Rows {
        self.own.rows()
    }

    async fn send(&self, operation: &str, request: RequestBuilder) -> reqwest::Result<Response> {
        let started = Instant::now();
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        self.own.answered(operation, status, started.elapsed());
        Ok(answer)
    }

    fn url(&self, route: Route) -> Result<Url> {
        below(&self.api, route.template())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(host: &str) -> Result<Target> {
        with_ops(host, &["http://127.0.0.1:9464"])
    }

    fn with_ops(host: &str, ops: &[&str]) -> Result<Target> {
        let ops: Vec<_> = ops.iter().map(|ops| (*ops).to_owned()).collect();
        let connection = Connection::new(None, false, TIMEOUT)?;
        Target::new(host, &ops, &connection)
    }

    fn is_here(host: &str) -> bool {
        target(host).expect("URLs").is_here()
    }

    #[test]
    fn only_loopback_addresses_are_this_machine() {
        assert!(is_here("http://127.0.0.1:8000"));
        assert!(is_here("http://127.9.9.9"));
        assert!(is_here("http://[::1]:8000"));
        assert!(is_here("http://localhost:8000"));
        assert!(!is_here("http://192.0.2.1:8000"));
        assert!(!is_here("http://0.0.0.0:8000"));
        assert!(!is_here("https://[2001:db8::1]"));
        assert!(!is_here("http://127.0.0.1.example.invalid"));
    }

    #[test]
    fn invalid_address_is_named() {
        for wrong in ["localhost", "8000", "mailto:a@b"] {
            let error = target(wrong).expect_err("no address");
            assert!(error.to_string().contains(wrong), "{error}");
        }
    }
    #[test]
    fn replica_that_is_named_twice_is_refused() {
        let host = "http://127.0.0.1:8000";
        let two = ["http://127.0.0.1:9464", "http://127.0.0.1:9465"];
        assert_eq!(with_ops(host, &two).expect("URLs").replicas.len(), 2);
        let twice = ["http://127.0.0.1:9464", "http://127.0.0.1:9464/"];
        let error = with_ops(host, &twice).expect_err("twice").to_string();
        assert!(error.contains("9464/` is given twice"), "{error}");
    }
}
