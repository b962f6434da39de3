//! The monitoring of rbac-sentinel as typed values, and the proof that it works.
//!
//! The map:
//!
//! - [`known`] the metrics that exist: the catalogue's, the load lab's, the exporters', Prometheus' own
//! - [`slo`] the objectives; [`select`] the selectors of series, shared by all panels and rules
//! - [`dashboard`] the parts of a dashboard, and its JSON; [`dashboards`] the four dashboards
//! - [`rules`] the parts of a rule, its YAML, and all rules
//! - [`lint`] checks dashboards and rules
//! - [`explore`] metrics that are on no panel and in no alert, each with the reason
//! - [`generate`] writes the committed files
//! - [`prove`] runs every query against a real [`prometheus`], and injects faults
//!
//! To add a panel, add it to its dashboard in [`dashboards`]; an alert, to [`rules`], with its tests in
//! `rules/tests` and its section in `docs/runbook.md`. Then `cargo run -p grafana -- generate`.

#![forbid(unsafe_code)]
#![warn(missing_docs, clippy::pedantic)]
#![expect(
    clippy::doc_markdown,
    reason = "names of products are words, and doc comments are the text of --help"
)]

pub mod dashboard;
pub mod dashboards;
pub mod explore;
pub mod generate;
pub mod known;
pub mod lint;
pub mod prometheus;
pub mod prove;
pub mod rules;
pub mod select;
pub mod slo;

/// A failure, as a sentence for the user.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The result of fallible functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;
