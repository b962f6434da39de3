//! Rate limits: which requests are refused, the response, and which are not affected.

mod client_address;
mod dear_requests;
mod every_request;
mod flows;
mod hash_gate;
mod hash_gate_metrics;
mod lockout;
mod metrics_and_log;
mod options;
mod recovery;
mod refusals;

use catalogue::options::rate_limits;
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::harness::{Answer, Builder, Client, Metrics, PASSWORD, Server};

/// A server with these limits, and so wide ones otherwise that no test meets them. It believes the
/// tests about addresses.
fn limits(rates: &[(&str, &str)]) -> Builder {
    let wide: Vec<_> = rate_limits().map(|name| (name, "1000000/1s")).collect();
    let builder = Server::builder()
        .env("RATE_LIMITS", "on")
        .env("TRUSTED_PROXIES", "127.0.0.1");
    wide.iter()
        .chain(rates)
        .fold(builder, |builder, (name, rate)| {
            assert!(wide.iter().any(|(known, _)| known == name), "{name}");
            builder.env(&format!("RATE_LIMIT_{name}"), rate)
        })
}

/// The same request from this address.
fn from(address: &str, request: RequestBuilder) -> RequestBuilder {
    request.header("x-forwarded-for", address)
}

async fn login(server: &Server, address: &str, name: &str, password: &str) -> Answer {
    let form = [("username", name), ("password", password)];
    let request = server.anon().request(Method::POST, "/login").form(&form);
    Answer::of(from(address, request)).await
}

async fn register(server: &Server, address: &str, username: &str, email: &str) -> Answer {
    let body = json!({ "username": username, "email": email, "password": PASSWORD });
    let request = server.anon().request(Method::POST, "/register").json(&body);
    Answer::of(from(address, request)).await
}

async fn refresh(server: &Server, address: &str, token: &str) -> Answer {
    let body = json!({ "refresh_token": token });
    let request = server.anon().request(Method::POST, "/refresh").json(&body);
    Answer::of(from(address, request)).await
}

async fn change_password(user: &Client, current: &str) -> Answer {
    let body = json!({ "current_password": current, "new_password": "amber-lantern-77" });
    user.post("/users/me/password", &body).await
}

/// How often a limiter made this decision.
fn decisions(metrics: &Metrics, limiter: &str, decision: &str) -> f64 {
    let labels = [("limiter", limiter), ("decision", decision)];
    metrics.sum("auth_rate_limit_decisions_total", &labels)
}

impl Answer {
    /// Asserts a refusal by this limit, counted by this, as problem details.
    #[track_caller]
    fn limited(&self, limit: &str, counted: &str) -> &Self {
        self.problem(429, "rate-limited");
        assert_eq!(self.json["limit"], limit, "{}", self.text);
        assert_eq!(self.json["counted"], counted, "{}", self.text);
        self
    }

    /// Asserts the same on an OAuth endpoint.
    #[track_caller]
    fn oauth_limited(&self, limit: &str) -> &Self {
        self.oauth(429, "temporarily_unavailable");
        let limit = format!("\"{limit}\";");
        assert!(self.header("ratelimit").starts_with(&limit), "{self:?}");
        self
    }
}
