//! The flows: register, log in, refresh, log out, and what administrators do to accounts.
//!
//! Everything here speaks the domain's language: no HTTP, no SQL. Each flow has one exit where its
//! event is emitted, whatever happened.

mod accounts;
mod bootstrap;
pub mod calibrate;
pub mod canary;
pub mod hash_gate;
mod housekeeping;
pub mod identity;
pub mod keys;
mod login;
pub mod password;
mod principals;
mod refresh;
mod register;
mod seeding;
mod sessions;
pub mod throttle;
pub mod token;

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;
use zeroize::Zeroizing;

use self::hash_gate::{HashError, HashGate};
use self::password::{Password, PasswordPolicy};
use self::principals::Principals;
use self::throttle::Throttle;
use self::token::{Claims, Tokens};
use crate::cache::Cache;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::metrics::{RBAC_DECISION_DURATION, VerificationResult};
use crate::rbac::Permission;
use crate::request_context::is_synthetic;
use crate::store::Store;

pub use accounts::UserChange;
pub use bootstrap::{FirstAdmin, create_admin, secret_for};
pub use housekeeping::HousekeepingPlan;
pub use principals::Account;
pub use register::Registration;
pub use seeding::Seeded;

/// Lifetimes of sessions and their tokens.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// A session ends when it was not refreshed for this long.
    pub session_idle: TimeDelta,
    /// A session ends after this long in any case.
    pub session: TimeDelta,
    /// How long the previous refresh token is still honoured.
    pub grace: TimeDelta,
}

/// What the service is made of.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// What replicas share, or what stands for it.
    pub cache: Arc<Cache>,
    /// Computes password hashes.
    pub gate: HashGate,
    /// Signs and verifies access tokens.
    pub tokens: Tokens,
    /// What a new password must be like.
    pub policy: PasswordPolicy,
    /// How long sessions last.
    pub lifetimes: Lifetimes,
    /// How often what may be asked.
    pub throttle: Throttle,
    /// The password of the canary's account.
    pub canary_password: Zeroizing<String>,
    /// What time it is.
    pub clock: Clock,
}

/// The authentication service.
pub struct Auth {
    store: Store,
    cache: Arc<Cache>,
    gate: HashGate,
    tokens: Tokens,
    principals: Principals,
    policy: PasswordPolicy,
    lifetimes: Lifetimes,
    throttle: Arc<Throttle>,
    canary_password: Zeroizing<String>,
    clock: Clock,
}

/// Somebody who proved who they are.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account.
    pub account: Arc<Account>,
    /// The session that the token belongs to.
    pub session: Uuid,
}

impl Caller {
    /// The account's id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.account.user.id
    }
}

/// Why a caller was not let through.
#[derive(Debug)]
pub enum Refusal {
    /// The token is no good.
    Token(VerificationResult),
    /// The token is good, the permission is missing.
    Permission(Permission),
    /// It could not be found out.
    Error(Error),
}

/// What a login or a refresh gives.
pub struct TokenPair {
    /// The signed JWT.
    pub access_token: String,
    /// The opaque token that gets the next pair.
    pub refresh_token: String,
    /// Lifetime of the access token, in seconds.
    pub expires_in: i64,
}

impl Auth {
    /// Puts the service together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts {
            store,
            cache,
            gate,
            tokens,
            policy,
            lifetimes,
            throttle,
            canary_password,
            clock,
        } = parts;
        Self {
            principals: Principals::new(&cache, clock.clone()),
            store,
            cache,
            gate,
            tokens,
            policy,
            lifetimes,
            throttle: Arc::new(throttle),
            canary_password,
            clock,
        }
    }

    /// The database.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Entries and counters, in process or shared with the other replicas.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Applies what other replicas say has changed, for as long as the future lives. Ends at once
    /// when there is nothing that they share.
    pub async fn listen(&self) {
        self.principals.listen().await;
    }

    /// Signing and verification.
    #[must_use]
    pub const fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The rate limits.
    #[must_use]
    pub const fn throttle(&self) -> &Arc<Throttle> {
        &self.throttle
    }

    /// Sets the gauges of caches and pools. Called before each scrape.
    pub fn observe(&self) {
        self.tokens.cache().observe();
        self.principals.observe();
        self.store.observe_pools();
    }

    /// Finds out who holds a bearer token and whether they may do this.
    ///
    /// # Errors
    /// Why they may not.
    pub async fn authorize(&self, token: &str, permission: Permission) -> Result<Caller, Refusal> {
        let now = self.clock.now();
        let claims = self.tokens.verify(token, now).map_err(Refusal::Token)?;
        let start = Instant::now();
        let (account, cache) = self
            .principals
            .find(&self.store, claims.sid, claims.sub, now)
            .await
            .map_err(Refusal::Error)?;
        let Some(account) = account.filter(|account| canary::may_act(account.user.id)) else {
            token::count(VerificationResult::Revoked);
            return Err(Refusal::Token(VerificationResult::Revoked));
        };
        token::count(VerificationResult::Valid);
        let decision = account.authority.decide(permission);
        if !is_synthetic() {
            RBAC_DECISION_DURATION.observe(cache, start.elapsed());
        }
        if decision == crate::metrics::Decision::Deny {
            crate::events::Event::Denied {
                permission: permission.name(),
                user: claims.sub,
            }
            .emit();
            return Err(Refusal::Permission(permission));
        }
        Ok(Caller {
            account,
            session: claims.sid,
        })
    }

    fn pair(
        &self,
        user: &crate::store::User,
        session: Uuid,
        refresh_token: String,
        now: DateTime<Utc>,
        session_ends_at: DateTime<Utc>,
    ) -> Result<TokenPair> {
        let mut claims: Claims = self.tokens.claims(user.id, session, &user.roles, now);
        // Whoever verifies with the public keys alone must not honour it longer than we do.
        claims.exp = claims.exp.min(session_ends_at.timestamp());
        Ok(TokenPair {
            access_token: self.tokens.sign(&claims)?,
            refresh_token,
            expires_in: claims.exp - claims.iat,
        })
    }

    /// Refuses at once what the hash gate has no room for, before a limit counts it or the database
    /// is asked: a storm of logins shall cost others nothing but their turn at the gate, and who is
    /// refused for want of room has used up none of their attempts.
    fn ask_gate(&self) -> Result<()> {
        self.gate.ask().map_err(gate_error)
    }

    async fn hash_new(&self, password: &Password) -> Result<String> {
        self.gate.hash(password.clone()).await.map_err(gate_error)
    }

    fn check_password(
        &self,
        field: &'static str,
        password: &Password,
        username: &str,
        email: &str,
    ) -> Result<()> {
        self.policy
            .check(password, username, email)
            .map_err(|weak| Error::WeakPassword {
                field,
                rule: weak.to_string(),
            })
    }
}

fn gate_error(error: HashError) -> Error {
    match error {
        HashError::Overloaded { retry_after } => Error::Overloaded { retry_after },
        other => Error::internal(other),
    }
}
