//! Users of the service, by HTTP alone, and what they were answered.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use reqwest::{Client as Http, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::Result;

/// Longer than the service takes to refuse.
const PATIENCE: Duration = Duration::from_secs(20);
/// When to come again where there was no room: what `Retry-After` asks for at least.
pub const BACK_OFF: Duration = Duration::from_secs(1);
/// How often: a machine that has no time for a login in a minute has none for the proof.
const TRIES: usize = 60;
/// The password of every account of the proof.
const PASSWORD: &str = "violet-harbour-31-of-the-proof";

/// Sends requests and counts the answers.
#[derive(Debug)]
pub struct Client {
    http: Http,
    base: String,
    /// Answers by method and route template, and status.
    sent: Mutex<BTreeMap<(String, u16), u64>>,
}

/// What a login or a refresh gives.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
}

impl Client {
    /// Of the API at this URL.
    ///
    /// # Errors
    /// When there can be no client.
    pub fn new(base: &str) -> Result<Self> {
        Ok(Self {
            http: Http::builder().timeout(PATIENCE).build()?,
            base: base.to_owned(),
            sent: Mutex::default(),
        })
    }

    /// How many answers there were of each kind: by route and status.
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

    /// Sends it; gives status and body.
    async fn send(&self, route: &str, request: RequestBuilder) -> Result<(u16, Value)> {
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await?;
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        *sent.entry((route.to_owned(), status)).or_default() += 1;
        Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }

    /// Makes an account; gives the status.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn register(&self, name: &str) -> Result<u16> {
        let email = format!("{name}@load.invalid");
        let body = json!({"username": name, "email": email, "password": PASSWORD});
        let request = self.request(Method::POST, "/register").json(&body);
        Ok(self.send("/register", request).await?.0)
    }

    /// Logs in; gives the status and the tokens, if there are any.
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

    /// Logs in, and comes again where there was no room.
    ///
    /// # Errors
    /// When there is no answer, or another one.
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

    /// Refreshes; gives the status and the next tokens, if there are any.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn refresh(&self, token: &str) -> Result<(u16, Option<Tokens>)> {
        let request = self.request(Method::POST, "/refresh");
        let request = request.json(&json!({"refresh_token": token}));
        let (status, body) = self.send("/refresh", request).await?;
        Ok((status, tokens(&body)))
    }

    /// Reads with a token; gives the status.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get(&self, path: &str, token: &str) -> Result<u16> {
        let request = self.request(Method::GET, path).bearer_auth(token);
        Ok(self.send(path, request).await?.0)
    }

    /// Asks for what is not there; gives the status.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn scan(&self, path: &str) -> Result<u16> {
        Ok(self
            .send("unmatched", self.request(Method::GET, path))
            .await?
            .0)
    }

    /// Logs in and leaves before the answer.
    pub async fn leave(&self, name: &str, after: Duration) {
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
