//! The names that the service and its monitoring share.
//!
//! - [`endpoints`] every method of every path, with the objectives that count its requests
//! - [`metrics`] every metric, with its type, unit, help, labels and buckets
//! - [`event_names`] the names of events in the log
//! - [`permissions`] what callers may be allowed to do
//! - [`options`] the environment variables of the service
//!
//! The service records through these types, and the dashboards and rules in `grafana/` are generated
//! from them. This crate depends on nothing of the service, so `grafana` need not compile the service.

#![forbid(unsafe_code)]
#![warn(missing_docs, clippy::pedantic)]
#![expect(
    clippy::doc_markdown,
    reason = "names of products and standards are words, not code"
)]

pub mod endpoints;
pub mod event_names;
pub mod metrics;
pub mod options;
pub mod permissions;
