//! rbac-sentinel: authentication and role-based access control with built-in observability.
//!
//! The map, from the outside in; imports point downwards only, and a test checks it:
//!
//! - [`cli`] the command line, one file a command
//! - [`app`] puts the services together, runs the two listeners, and stops them
//! - [`probe`] the synthetic login
//! - [`telemetry`] logs, the metrics recorder, the probes of the runtime
//! - [`api`] HTTP: guard, edge, problem details, handlers
//! - [`auth`] the flows: register, log in, refresh, log out, change the password
//! - [`accounts`] creating and changing accounts, their roles, and the policy; [`decisions`] answers to other
//!   services; [`jobs`] periodic work
//! - [`sessions`] authorizing callers, issuing tokens, ending sessions
//! - [`tokens`] JWTs, their keys, refresh tokens; [`limits`] the rate limits; [`policies`] the live policy
//! - [`hashing`] the hash gate; [`secrets`] random values, key derivation, sealing
//! - [`store`] the database; [`cache`] caches in memory and Redis; [`rbac`] the decision, without I/O
//! - [`events`] domain events: one value becomes counters and a log line
//! - [`metrics`] the catalogue; [`config`], [`error`], [`clock`], [`rate`]; [`request_context`] which
//!   request a task answers
//!
//! To add an endpoint, see [`api`]; a metric, [`metrics`]; a statement, [`store::sql`].

#![forbid(unsafe_code)]
#![warn(missing_docs, clippy::pedantic)]
#![expect(
    clippy::doc_markdown,
    reason = "names of products and standards are words, not code"
)]

pub(crate) mod accounts;
pub(crate) mod api;
pub(crate) mod app;
pub(crate) mod auth;
pub(crate) mod cache;
pub mod cli;
pub(crate) mod clock;
pub(crate) mod config;
pub(crate) mod decisions;
pub(crate) mod error;
pub(crate) mod events;
pub(crate) mod hashing;
pub(crate) mod jobs;
pub(crate) mod limits;
pub(crate) mod policies;
pub(crate) mod probe;
pub(crate) mod rate;
pub(crate) mod rbac;
pub(crate) mod request_context;
pub(crate) mod secrets;
pub(crate) mod sessions;
pub(crate) mod store;
pub(crate) mod telemetry;
pub(crate) mod tokens;

pub(crate) use catalogue::metrics;

/// The items that this repository's tests and benchmarks use. Not a public interface. Everything else
/// is private, so that the compiler reports unused items.
#[doc(hidden)]
pub mod testing {
    pub use catalogue::metrics;

    pub mod accounts {
        pub use crate::accounts::policy_changes::{PolicyChanges, Precondition, RoleChange};
        pub use crate::accounts::{Actor, NewAccount};
    }
    pub mod api {
        pub use crate::api::operations;
        pub use crate::api::{
            Access, MAX_BODY, Operation, PAGES, PAGES_ALWAYS, ProblemKind, RateLimit,
        };
    }
    pub mod app {
        pub use crate::app::{Services, serve};
    }
    pub mod auth {
        pub use crate::auth::RefreshingClient;
        pub use crate::auth::login::{Attempt, LoggedIn};
    }
    pub mod cache {
        pub use crate::cache::redis;
        pub use crate::cache::{Cache, Counted, Key, Kind, Memory, Permit, Redis, RedisOptions};
        pub use crate::cache::{Group, LoginCounters, LoginDecision, Way};
    }
    pub mod clock {
        pub use crate::clock::Clock;
    }
    pub mod config {
        pub use crate::config::{Config, SigningAlgorithm};
    }
    pub mod decisions {
        pub use crate::decisions::registry::{EntityChanges, Registry};
        pub use crate::decisions::search::{Page, Position};
        pub use crate::decisions::{Decisions, USER};
    }
    pub mod error {
        pub use crate::error::Error;
    }
    pub mod hashing {
        pub use crate::hashing::{
            HashBounds, HashError, HashGate, HashGateConfig, HashParams, Password, Verdict,
        };
    }
    pub mod limits {
        pub use crate::limits::Source;
    }
    pub mod probe {
        pub use crate::probe::{USERNAME, password};
    }
    pub mod policies {
        pub use crate::policies::{Live, Policies};
    }
    pub mod rate {
        pub use crate::rate::Rate;
    }
    pub mod rbac {
        pub use crate::rbac::condition::{Condition, ConditionFault, LONGEST};
        pub use crate::rbac::{
            Action, Assignment, DEEPEST, Decided, EVERYONE, Entity, Grant, Held, Policy,
            PolicyFault, Properties, Question, Reach, Role, Snapshot, Way,
        };
        pub use crate::rbac::{Authority, Permission, Scope, Usage, UsedGrant};
    }
    pub mod request_context {
        pub use crate::request_context::{RequestContext, RequestId, in_request};
    }
    pub mod secrets {
        pub use crate::secrets::{Purpose, Secrets, derive, stored_secrets};
    }
    pub mod sessions {
        pub use crate::sessions::{Account, PROBE_ACCOUNT, Refusal, TokenPair};
    }
    pub mod store {
        pub use crate::store::*;
    }
    pub mod telemetry {
        pub use crate::telemetry::{install_recorder, start_logging};
    }
    pub mod tokens {
        pub use crate::tokens::{
            Claims, KeyChange, KeyOptions, KeyPhase, Keys, TokenOptions, Tokens,
        };
        pub use crate::tokens::{discard_unreadable_keys, list_keys, reseal_keys};
    }
}
