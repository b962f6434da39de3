//! HTTP client of one account, with assertions on answers.

use std::sync::OnceLock;

use rbac_sentinel::testing::api::ProblemKind;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// One HTTP client for all: connections are kept per server.
pub fn http() -> reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    // No idle connections: each belongs to the runtime of the test that opened it.
    CLIENT
        .get_or_init(|| {
            reqwest::Client::builder()
                .pool_max_idle_per_host(0)
                // Other members of the workspace enable the feature; tests look at answers as sent.
                .no_gzip()
                .timeout(super::PATIENCE)
                .build()
                .expect("a client")
        })
        .clone()
}

/// A client, with or without tokens.
#[derive(Clone, Debug)]
pub struct Client {
    pub base: String,
    pub access: Option<String>,
    pub refresh: Option<String>,
}

impl Client {
    /// The same with the tokens of a login's or refresh's answer.
    pub fn with(&self, tokens: &Value) -> Self {
        let text = |name: &str| tokens[name].as_str().map(str::to_owned);
        Self {
            base: self.base.clone(),
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }

    /// The same at another server.
    pub fn at(&self, server: &super::Server) -> Self {
        Self {
            base: server.api.clone(),
            ..self.clone()
        }
    }

    /// The same with another access token.
    pub fn token(&self, access: &str) -> Self {
        Self {
            access: Some(access.to_owned()),
            ..self.clone()
        }
    }

    /// A request to be completed.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = http().request(method, format!("{}{path}", self.base));
        match &self.access {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path)).await
    }

    /// Deletes the own account.
    pub async fn delete_me(&self, password: &str) -> Answer {
        let body = json!({ "current_password": password });
        Answer::of(self.request(Method::DELETE, "/users/me").json(&body)).await
    }

    pub async fn put(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::PUT, path)).await
    }

    /// `PUT` with a body.
    pub async fn put_json(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::PUT, path).json(body)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::PATCH, path).json(body)).await
    }

    /// `POST /login` with the form.
    pub async fn login(&self, name: &str, password: &str) -> Answer {
        let form = [("username", name), ("password", password)];
        Answer::of(self.request(Method::POST, "/login").form(&form)).await
    }

    /// `POST /login` with this form.
    pub async fn form(&self, form: &[(&str, &str)]) -> Answer {
        Answer::of(self.request(Method::POST, "/login").form(form)).await
    }

    /// The same account with the tokens of this client's refresh.
    pub async fn refreshed(&self) -> Self {
        let answer = self.refresh().await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        self.with(&answer.json)
    }

    /// Reads the own account until everything about it is cached.
    pub async fn warm_up(&self) {
        for _ in 0..3 {
            self.id().await;
        }
    }

    /// `POST /refresh` with this client's refresh token.
    pub async fn refresh(&self) -> Answer {
        let token = self.refresh.as_deref().expect("logged in");
        self.post("/refresh", &json!({ "refresh_token": token }))
            .await
    }

    /// The id of the own account.
    pub async fn id(&self) -> String {
        let answer = self.get("/users/me").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json["id"].as_str().expect("an id").to_owned()
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    /// The body as JSON; null when it is not.
    pub json: Value,
}

impl Answer {
    /// Sends the request and reads the answer.
    pub async fn of(request: reqwest::RequestBuilder) -> Self {
        Self::read(request.send().await.expect("answered")).await
    }

    pub async fn read(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.expect("a whole body");
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self {
            status,
            headers,
            text,
            json,
        }
    }

    /// A header as text; empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Asserts problem details of this status and kind.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> &Self {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let link = self.json["type"].as_str().expect("a link");
        let base = link.strip_suffix(&format!("/problems/{code}"));
        // Empty without PUBLIC_URL.
        let sound = base.is_some_and(|base| base.is_empty() || base.starts_with("http"));
        assert!(sound, "{link}");
        let kind = ProblemKind::ALL.iter().find(|kind| kind.code() == code);
        let kind = kind.expect("a kind of problem");
        assert_eq!(self.json["title"], kind.title());
        assert_eq!(self.json["status"], status);
        assert_eq!(self.json["request_id"], self.service_request_id());
        self
    }

    /// The service's id of the request.
    pub fn service_request_id(&self) -> &str {
        match self.header("x-service-request-id") {
            "" => self.header("x-request-id"),
            id => id,
        }
    }
}

impl Answer {
    /// Asserts problem details of this status and kind that name this field and no other.
    #[track_caller]
    pub fn names(&self, status: u16, code: &str, field: &str) -> &Self {
        self.problem(status, code);
        let named: Vec<_> = self.json["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        assert_eq!(named.len(), 1, "{}", self.text);
        assert_eq!(named[0]["field"], field, "{}", self.text);
        self
    }

    /// Asserts that an access token is no longer valid (RFC 6750 section 3.1).
    #[track_caller]
    pub fn invalid_token(&self) -> &Self {
        self.problem(401, "unauthenticated");
        let challenge = self.header("www-authenticate");
        assert!(challenge.starts_with("Bearer "), "{challenge}");
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
        self
    }

    /// Asserts an error response of RFC 6749 section 5.2.
    #[track_caller]
    pub fn oauth(&self, status: u16, error: &str) -> &Self {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.json["error"], error, "{}", self.text);
        assert!(self.json["error_description"].is_string(), "{}", self.text);
        assert_eq!(self.json.as_object().map(serde_json::Map::len), Some(2));
        assert!(self.header("content-type").starts_with("application/json"));
        assert_eq!(self.header("cache-control"), "no-store");
        self
    }
}
