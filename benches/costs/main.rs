//! The processor time that one request costs the service, for every operation of the OpenAPI document,
//! every page, and every kind of caller: how much work an attacker can cause.
//!
//! `cargo bench --bench costs` prints a table, the most expensive first, writes all figures as JSON, and the
//! table into `docs/performance.md` where the build is optimised. The time is that of the service's threads,
//! less what they use when idle.
//!
//! `cargo bench --bench costs -- --neighbours` measures what a user notices of a stranger: the latency of
//! `GET /users/me` while 16 connections send one kind of request as fast as it is answered.

#![forbid(unsafe_code)]

mod cases;
#[path = "../common/mod.rs"]
mod common;
mod document;
mod neighbours;
mod processor;
#[path = "../common/reader.rs"]
mod reader;
mod report;
mod server;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use self::common::{Result, machine};

/// Measures the processor time of every operation.
#[derive(Parser)]
struct Options {
    /// Requests of each kind; a tenth of it where a password is hashed
    #[arg(long, default_value_t = 200)]
    requests: usize,
    /// Only requests whose operation or description contains this text; the table is not written
    #[arg(long)]
    only: Option<String>,
    /// Measure the effect of another client's requests on users instead
    #[arg(long)]
    neighbours: bool,
    /// With the default limit of pages, but without any other limit
    #[arg(long)]
    limit_pages: bool,
    /// Seconds of each kind of request, with `--neighbours`
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// The document whose table is replaced
    #[arg(long, default_value = "docs/performance.md")]
    document: PathBuf,
    /// Where all figures go
    #[arg(long, default_value = "target/bench-costs.json")]
    json: PathBuf,
    /// An option that cargo passes to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();
    if !options.bench {
        println!("nothing measured: run `cargo bench --bench costs`");
        return Ok(());
    }
    let machine = machine::describe();
    let folder = tempfile::tempdir()?;
    let server = server::Server::start(folder.path(), options.requests, options.limit_pages)?;
    let mut cases = cases::all(&server)?;
    if let Some(only) = &options.only {
        cases.retain(|case| case.operation.contains(only) || case.what.contains(only));
    }
    if options.neighbours {
        let duration = Duration::from_secs(options.seconds);
        return neighbours::measure(&machine, &server, cases, duration, &options.json);
    }
    let figures = processor::measure(&server, cases, options.requests)?;
    let document = options.only.is_none().then_some(options.document);
    report::write(&machine, figures, document.as_deref(), &options.json)
}
