//! The load lab: sends requests as users would, and compares their measurements with the service's own
//! metrics.
//!
//! The map, in the order of a run:
//!
//! - [`cli`] options; [`run`] a whole run, from the first check to the exit code; [`ending`] how it ended;
//!   [`runtime`] what it runs on
//! - [`setup`] preparation; [`files`] open files; [`spawn`] a server of the lab's own, which a [`guard`] lets
//!   not outlive the lab; [`target`] a client of the server under test, made of each [`replica`], whose metrics
//!   are [`summed`]; [`about`] what it says of itself; its [`administrator`]; [`own`] what the lab itself asks for
//! - [`scenarios`] one TOML file each, made of the actions of a [`user`], which keeps its [`state`];
//!   [`attack`] runs them with goose
//! - [`connection`] TLS and versions of HTTP; [`beneath`] goose's own options
//! - [`rates`] when arrivals are due; [`pacer`] lets users begin them then
//! - [`recorder`] the users' measurements, by [`outcome`], as [`statistics`]; [`silence`] how long nobody was
//!   answered; [`live`] the same during the run
//! - [`drive`] runs them and measures; [`monitor`] notices that the server is gone; [`stop`] ends a run before
//!   its time
//! - [`timeline`] both sides, second by second; [`histograms`] the users' latencies for other tools
//! - [`usage`] processor time, [`resources`] all that was in use; [`memory`] the server's memory during the run;
//!   [`delay`] scheduling delay of the lab itself
//! - [`yardstick`] what the machine can do; [`limit`] bounds of times in that
//! - [`result`] a run as plain data; [`figures`] fills it from both sides; [`times`] figures of many latencies,
//!   [`median`] the middle of a few values
//! - [`reconcile`] and [`latency_bounds`] compare the two sides; [`judge`] does, [`verdict`] judges objectives, [`facts`] the
//!   server's counters, [`thresholds`] bounds in words, [`expectation`] all of them by their words;
//!   [`baseline`] compares with an earlier run
//! - [`repeat`] runs several times, and shows how far the figures lie apart
//! - [`ab`] decides whether two builds differ
//! - [`capacity`] finds the highest rates that hold; its runs, as those of [`repeat`], are each a [`child`] process
//! - [`plan`](mod@plan) says from that how many replicas a demand needs, and what they take
//! - [`shared`] what a run leaves that was not alone with its server; [`merge`](mod@merge) makes one result of several
//!   generators'
//! - [`percents`] shares as options have them; [`versioned`] files whose form has a version
//! - [`compare`] puts two runs beside each other by their [`key_figures`]
//! - [`validity`] whether the lab was able to measure at all
//! - [`panics`] what becomes of the lab's own defects
//! - [`report`] the result as JSON, as tables, as a page, and as the document of all results
//!
//! To add a scenario, write a file in [`scenarios`]' folder `builtin` and name it in its list.

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

pub mod ab;
mod about;
mod administrator;
mod attack;
mod baseline;
mod beneath;
pub mod capacity;
mod child;
pub mod cli;
mod compare;
mod connection;
mod delay;
mod description;
mod drive;
mod ending;
mod expectation;
mod facts;
mod figures;
mod files;
mod guard;
mod histograms;
mod judge;
mod key_figures;
mod latency_bounds;
mod limit;
mod live;
#[cfg(test)]
mod machine_form;
mod median;
mod memory;
mod merge;
mod monitor;
mod outcome;
mod output;
mod own;
mod pacer;
mod panics;
mod percents;
mod plan;
mod rates;
mod reconcile;
mod recorder;
mod repeat;
mod replica;
mod report;
mod resources;
mod result;
mod routes;
pub mod run;
mod runtime;
mod scenarios;
#[cfg(test)]
mod schema;
mod setup;
mod shared;
mod silence;
mod spawn;
mod state;
mod statistics;
mod stop;
mod summed;
mod target;
mod thresholds;
mod timeline;
mod times;
mod usage;
mod user;
mod validity;
mod verdict;
mod versioned;
mod yardstick;

pub use compare::compare;
pub use ending::{Ending, Failure};
pub use guard::guard;
pub use merge::merge;
pub use output::{print, say};
pub use panics::end_the_program;
pub use plan::plan;
pub use report::results::document;
pub use scenarios::{list, text};

/// Why a run cannot take place, as a sentence.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The result of an essential step of a run.
pub type Result<T, E = Error> = std::result::Result<T, E>;
