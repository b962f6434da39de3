//! rbac-sentinel: authentication and role-based access control that shows what it is doing.
//!
//! The map, from the outside in; imports point downwards only, and a test holds that:
//!
//! - [`app`] puts the service together, runs its two listeners, and stops it
//! - [`telemetry`] logs, the metrics recorder, the probes of the runtime
//! - [`api`] HTTP: guard, edge, problem details, handlers
//! - [`auth`] the flows: register, log in, refresh, log out, administer
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

pub mod api;
pub mod app;
pub mod auth;
pub mod cache;
pub mod clock;
pub mod config;
pub mod error;
pub mod events;
pub mod rbac;
pub mod request_context;
pub mod store;
pub mod telemetry;

pub use catalogue::metrics;
