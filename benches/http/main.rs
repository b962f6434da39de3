//! The service under load, measured from outside by HTTP on real ports.
//!
//! `cargo bench --bench http` prints the figures and writes them to a JSON file. It reports
//! and does not judge: nothing fails for being slow. Servers and load generator share
//! the machine's cores, so compare figures of one run with each other, and quote medians and
//! ratios.

#![forbid(unsafe_code)]

mod backends;
mod bare;
mod cold;
#[path = "../common/mod.rs"]
mod common;
mod decisions;
mod load;
mod logins;
mod median;
mod memory;
mod process;
#[path = "../common/reader.rs"]
mod reader;
mod reads;
mod replicas;
mod saturation;
mod server;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Parser, ValueEnum};
use serde_json::{Map, Value, json};

use backends::Backends;
use common::{Result, machine};

/// Parts of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// `GET /users/me` at saturation, against a bare endpoint.
    Saturation,
    /// Logins a second.
    Logins,
    /// Latency of `GET /users/me` when idle and in a login storm.
    Reads,
    /// Memory, start and scrapes.
    Memory,
    /// `GET /users/me` of callers that are not cached.
    Cold,
    /// Decisions for other services at saturation, against a bare endpoint.
    Decisions,
    /// Time until another replica refuses a revoked session.
    Replicas,
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::Saturation => "saturation",
            Self::Logins => "logins",
            Self::Reads => "reads",
            Self::Memory => "memory",
            Self::Cold => "cold",
            Self::Decisions => "decisions",
            Self::Replicas => "replicas",
        }
    }
}

/// Measures the service from outside.
#[derive(Parser)]
struct Options {
    /// The parts to measure; all when absent
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Where the figures go
    #[arg(long, default_value = "target/bench-http.json")]
    json: PathBuf,
    /// Rounds of each contestant at saturation
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of a round at saturation
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Connections at saturation
    #[arg(long, default_value_t = 32)]
    connections: usize,
    #[command(flatten)]
    backends: Backends,
    /// An option that cargo passes to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
    /// Be the bare server
    #[arg(long, hide = true)]
    bare: bool,
    /// Be the service without a metrics recorder
    #[arg(long, hide = true)]
    unrecorded: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();
    if options.bare {
        return bare::serve();
    }
    if options.unrecorded {
        return server::serve_unrecorded();
    }
    if !options.bench {
        println!("nothing measured: run `cargo bench --bench http`");
        return Ok(());
    }
    process::raise_descriptor_limit();
    let mut figures = Map::new();
    figures.insert("machine".to_owned(), machine::describe());
    for part in Part::value_variants() {
        if !options.parts.is_empty() && !options.parts.contains(part) {
            continue;
        }
        let before = machine::load_average();
        let measured = match part {
            Part::Saturation => saturation::measure(&saturation::Plan {
                rounds: options.rounds,
                round: Duration::from_secs(options.seconds),
                connections: options.connections,
                backends: options.backends.clone(),
            })?,
            Part::Logins => logins::measure(&options.backends)?,
            Part::Reads => reads::measure()?,
            Part::Memory => memory::measure()?,
            Part::Cold => cold::measure(&options.backends)?,
            Part::Decisions => decisions::measure(
                options.rounds,
                Duration::from_secs(options.seconds),
                options.connections,
            )?,
            Part::Replicas => replicas::measure(&options.backends)?,
        };
        let after = machine::load_average();
        println!("load average: {before} before, {after} after\n");
        let load = json!({ "before": before, "after": after });
        let entry = json!({ "load_average": load, "figures": measured });
        figures.insert(part.name().to_owned(), entry);
    }
    write(&options.json, &Value::Object(figures))?;
    println!("figures: {}", options.json.display());
    Ok(())
}

fn write(path: &Path, figures: &Value) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, format!("{figures:#}\n"))?;
    Ok(())
}
