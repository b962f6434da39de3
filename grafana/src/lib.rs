//! The monitoring of rbac-sentinel as typed values, and what proves it.
//!
//! The map:
//!
//! - [`known`] the metrics that there are: the catalogue's, the load lab's, Prometheus' own
//! - [`slo`] the objectives; [`select`] how series are selected, once for all
//! - [`dashboard`] what a dashboard is made of, and its JSON; [`dashboards`] the four of them
//! - [`rules`] what a rule is made of, its YAML, and all rules
//! - [`lint`] what dashboards and rules must satisfy
//! - [`explore`] metrics that are on no panel and in no alert, each with its reason
//! - [`generate`] writes the files that are committed
//! - [`prove`] asks them all of a real [`prometheus`], and breaks things
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

/// What keeps a command from doing its work, as a sentence for whoever gave it.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The result of everything that may fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;
