//! An HTTP client of the service that counts the answers.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use reqwest::{Client as Http, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::Result;

/// Timeout: longer than the service takes to shed.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Retry interval after a shed login: the minimum of `Retry-After`.
pub const BACK_OFF: Duration = Duration::from_secs(1);
/// Retries: a machine too slow for one login in a minute is too slow for the proof.
const TRIES: usize = 60;
/// Password of every account.
const PASSWORD: &str = "violet-harbour-31-of-the-proof";

/// Sends requests and counts the answers.
#[derive(Debug)]
pub struct Client {
    http: Http,
    base: String,
    /// Number of answers by method, route template and status.
    sent: Mutex<BTreeMap<(String, u16), u64>>,
}

/// The tokens of a login or refresh.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
}

impl Client {
    /// A client for the API at this URL.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(base: &str) -> Result<Self> {
        Ok(Self {
            http: Http::builder().timeout(TIMEOUT).build()?,
            base: base.to_owned(),
            sent: Mutex::default(),
        })
    }

    /// The number of answers by route and status.
    #[must_use]
    pub fn answers(&self) -> BTreeMap<(String, u16), u64> {
        self.sent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// Sends a request; returns status and body.
    async fn send(&self, route: &str, request: RequestBuilder) -> Result<(u16, Value)> {
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await?;
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        *sent.entry((route.to_owned(), status)).or_default() += 1;
        Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }

    /// Registers an account; returns the status.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn register(&self, name: &str) -> Result<u16> {
        let email = format!("{name}@load.invalid");
        let body = json!({"username": name, "email": email, "password": PASSWORD});
        let request = self.request(Method::POST, "/register").json(&body);
        Ok(self.send("/register", request).await?.0)
    }

    /// Logs in; returns the status and the tokens, if there are any.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn login(&self, name: &str, password: Option<&str>) -> Result<(u16, Option<Tokens>)> {
        let form = [
            ("username", name),
            ("password", password.unwrap_or(PASSWORD)),
        ];
        let request = self.request(Method::POST, "/login").form(&form);
        let (status, body) = self.send("/login", request).await?;
        Ok((status, tokens(&body)))
    }

    /// Logs in, and retries while logins are shed.
    ///
    /// # Errors
    /// When there is no answer, or another status.
    pub async fn enter(&self, name: &str, password: Option<&str>) -> Result<Tokens> {
        let mut tries = 0..TRIES;
        loop {
            match self.login(name, password).await? {
                (_, Some(tokens)) => return Ok(tokens),
                (503, None) if tries.next().is_some() => tokio::time::sleep(BACK_OFF).await,
                (status, None) => return Err(format!("{name} cannot log in: {status}").into()),
            }
        }
    }

    /// Refreshes; returns the status and the next tokens, if there are any.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn refresh(&self, token: &str) -> Result<(u16, Option<Tokens>)> {
        let request = self.request(Method::POST, "/refresh");
        let request = request.json(&json!({"refresh_token": token}));
        let (status, body) = self.send("/refresh", request).await?;
        Ok((status, tokens(&body)))
    }

    /// Reads with a token; returns the status.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get(&self, path: &str, token: &str) -> Result<u16> {
        let request = self.request(Method::GET, path).bearer_auth(token);
        Ok(self.send(path, request).await?.0)
    }

    /// Requests an unknown path; returns the status.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn scan(&self, path: &str) -> Result<u16> {
        Ok(self
            .send("unmatched", self.request(Method::GET, path))
            .await?
            .0)
    }

    /// Logs in and disconnects before the answer.
    pub async fn disconnect(&self, name: &str, after: Duration) {
        let form = [("username", name), ("password", PASSWORD)];
        let request = self.request(Method::POST, "/login").form(&form);
        let _ = request.timeout(after).send().await;
    }
}

fn tokens(body: &Value) -> Option<Tokens> {
    Some(Tokens {
        access: body["access_token"].as_str()?.to_owned(),
        refresh: body["refresh_token"].as_str()?.to_owned(),
    })
}
