//! Public keys and health, for other services.

use std::sync::Arc;

use poem::http::header;
use poem_openapi::payload::Json;
use poem_openapi::types::Any;
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::Tag;
use super::edge::operation::{Access, Operation, RateLimit};
use super::failure::Failure;
use super::ops::Readiness;
use super::problem::{Problem, ProblemKind};
use crate::tokens::Tokens;
use catalogue::endpoints;

/// Public keys and health.
pub struct WellKnownApi {
    /// The keys.
    pub tokens: Arc<Tokens>,
    /// The health of the service.
    pub readiness: Arc<Readiness>,
}

/// The records of its operations.
pub const OPERATIONS: &[Operation] = &[
    Operation::new(endpoints::JWKS, Access::Public).open(),
    Operation::new(endpoints::HEALTH, Access::Public).rate_limit(RateLimit::Exempt),
];

/// A JWK set (RFC 7517).
#[derive(Object)]
struct Jwks {
    /// Public keys, each with `kid`, `use` and `alg`.
    keys: Vec<Any<serde_json::Value>>,
}

#[derive(ApiResponse)]
enum Keys {
    /// The public keys.
    #[oai(status = 200)]
    Ok(
        Json<Jwks>,
        /// How long the keys may be cached: new keys are published for longer than that before they sign.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

/// The health of the service.
#[derive(Debug, Object)]
struct Health {
    /// Always `ok`; otherwise the response is a 503.
    status: String,
}

#[derive(ApiResponse)]
enum Healthy {
    /// The service works.
    #[oai(status = 200)]
    Ok(Json<Health>),
}

#[expect(
    clippy::unused_async,
    reason = "the framework wants every operation to be async"
)]
#[OpenApi(tag = "Tag::Discovery")]
impl WellKnownApi {
    /// Read the public keys
    ///
    /// Returns the public keys that verify access tokens (RFC 7517). Empty with HS256.
    #[oai(path = "/.well-known/jwks.json", method = "get", operation_id = "jwks")]
    async fn jwks(&self) -> Result<Keys, Failure<0>> {
        let keys = self.tokens.keys();
        let max_age = format!("public, max-age={}", keys.max_age_seconds());
        let keys = keys.jwks().into_iter().map(Any).collect();
        Ok(Keys::Ok(Json(Jwks { keys }), max_age))
    }

    /// Check the service's health
    ///
    /// Returns 503 while a dependency does not answer.
    #[oai(path = "/health", method = "get", operation_id = "health")]
    async fn health(&self) -> Result<Healthy, Failure<0>> {
        if self.readiness.is_ready() {
            Ok(Healthy::Ok(Json(Health {
                status: "ok".to_owned(),
            })))
        } else {
            Err(Problem::retry(ProblemKind::Unavailable, 2)
                .header(header::CACHE_CONTROL, "no-store")
                .into())
        }
    }
}
