//! rbac-sentinel: authentication and role-based access control that shows what it is doing.
//!
//! The map, from the outside in; imports point downwards only, and a test holds that:
//!
//! - [`cli`] the command line, one file a command
//! - [`app`] puts the services together, runs the two listeners, and stops them
//! - [`probe`] the synthetic login
//! - [`telemetry`] logs, the metrics recorder, the probes of the runtime
//! - [`api`] HTTP: guard, edge, problem details, handlers
//! - [`auth`] the flows: register, log in, refresh, log out, change the password
//! - [`accounts`] making and changing accounts, roles given and taken; [`jobs`] what is repeated
//! - [`sessions`] who calls and whether they may; issuing tokens, ending sessions
//! - [`tokens`] JWTs, their keys, refresh tokens; [`limits`] the rate limits
//! - [`hashing`] the hash gate; [`secrets`] random values, key derivation, sealing
//! - [`store`] the database; [`cache`] what is kept in memory or Redis; [`rbac`] the decision, without I/O
//! - [`events`] what happened: one value becomes counters and a log line
//! - [`metrics`] the catalogue; [`config`], [`error`], [`clock`]; [`request_context`] which request a
//!   task answers
//!
//! To add an endpoint, see [`api`]; a metric, [`metrics`]; a statement, [`store::sql`].

#![forbid(unsafe_code)]
#![warn(missing_docs, clippy::pedantic)]
#![expect(
    clippy::doc_markdown,
    reason = "names of products and standards are words, not code"
)]

pub mod accounts;
pub mod api;
pub mod app;
pub mod auth;
pub mod cache;
pub mod cli;
pub mod clock;
pub mod config;
pub mod error;
pub mod events;
pub mod hashing;
pub mod jobs;
pub mod limits;
pub mod probe;
pub mod rbac;
pub mod request_context;
pub mod secrets;
pub mod sessions;
pub mod store;
pub mod telemetry;
pub mod tokens;

pub use catalogue::metrics;
