//! Tools that tests, benchmarks, the load lab and the monitoring share. They know the service as a
//! program and by HTTP, never as a crate.
//!
//! - [`service`] starts the service; [`postgres`] and [`redis`] start throwaway servers, [`haproxy`] a proxy;
//!   [`process`] is under all of them
//! - [`ports`] finds free ports; [`http`] fetches a page
//! - [`exposition`] reads metrics; [`lab_metrics`] names those of the load lab
//! - [`machine`] describes the machine, and the resources that a process uses
//! - [`dice`] throws numbers that are the same in every run

#![forbid(unsafe_code)]
#![warn(missing_docs, clippy::pedantic)]
#![expect(clippy::doc_markdown, reason = "names of products are words")]

pub mod dice;
pub mod exposition;
pub mod haproxy;
pub mod http;
pub mod lab_metrics;
pub mod machine;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod redis;
pub mod service;

use std::time::Duration;

/// A failure, as a sentence.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The result of a step that may fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Timeout of whatever must happen: far longer than a slow machine takes, so that it only ends what
/// hangs.
pub const TIMEOUT: Duration = Duration::from_mins(2);
