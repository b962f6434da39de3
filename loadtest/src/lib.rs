//! The load lab: drives the service by HTTP as its users would, and compares what they saw with what
//! the service says of itself.
//!
//! The map, in the order of a run:
//!
//! - [`cli`] what was asked for; [`run`] the whole of a run, from the first check to the exit code
//! - [`setup`] what is done beforehand; [`spawn`] a server of one's own; [`target`] the server that is
//!   driven
//! - [`scenarios`] who does what, one file each, made of the steps of a [`visitor`], who is a [`player`];
//!   [`attack`] as goose runs them
//! - [`ledger`] what the visitors saw; [`live`] the same while it goes on
//! - [`memory`] what the server holds meanwhile
//! - [`result`] a run as plain data; [`figures`] both sides put together in it
//! - [`reconcile`] and [`brackets`] the two sides against each other; [`verdict`] the objectives;
//!   [`baseline`] an earlier run; [`delay`] how late the lab itself is
//! - [`report`] the result as JSON, as a table, and as the document of all results
//!
//! To add a scenario, write a file in [`scenarios`] and name it in its list.

#![forbid(unsafe_code)]
#![warn(missing_docs, clippy::pedantic)]
#![expect(
    clippy::cast_precision_loss,
    reason = "counts and microseconds stay far below 2^52"
)]
#![expect(
    clippy::doc_markdown,
    reason = "names of products are words, and doc comments are the text of --help"
)]

pub mod attack;
pub mod baseline;
pub mod brackets;
pub mod cli;
pub mod delay;
pub mod figures;
pub mod ledger;
pub mod live;
pub mod memory;
pub mod player;
pub mod reconcile;
pub mod report;
pub mod result;
pub mod routes;
pub mod run;
pub mod scenarios;
pub mod setup;
pub mod spawn;
pub mod target;
pub mod verdict;
pub mod visitor;

/// What keeps a run from taking place, as a sentence for whoever asked for it.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The result of everything that may keep a run from taking place.
pub type Result<T, E = Error> = std::result::Result<T, E>;
