//! The cost of growth: the same requests against a database with few accounts and with many.
//!
//! `cargo bench --bench growth -- --users 1000` fills a database, prints the figures and writes them
//! to a JSON file; run it again with a million and compare. With `--database-url` the database is
//! kept, and accounts that are there already are not made again.

#![forbid(unsafe_code)]

#[path = "../common/mod.rs"]
mod common;
mod requests;
mod server;

use std::path::PathBuf;

use clap::Parser;
use serde_json::json;

use self::common::{Result, machine};
use self::server::Place;

/// Measures the cost of growth.
#[derive(Parser)]
struct Options {
    /// Accounts in the database
    #[arg(long, default_value_t = 1000)]
    users: u32,
    /// The database; one in a folder of its own when absent
    #[arg(long)]
    database_url: Option<String>,
    /// Requests of each kind
    #[arg(long, default_value_t = 500)]
    samples: u32,
    /// Where the figures go
    #[arg(long, default_value = "target/bench-growth.json")]
    json: PathBuf,
    /// An option that cargo passes to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();
    if !options.bench {
        println!("nothing measured: run `cargo bench --bench growth`");
        return Ok(());
    }
    let machine = machine::describe();
    let folder = tempfile::tempdir()?;
    let place = Place {
        folder: folder.path(),
        database_url: options.database_url.as_deref(),
    };
    let seconds = server::seed(&place, options.users)?;
    println!(
        "{} accounts; making those that were missing took {seconds:.1} s",
        options.users
    );
    let before = machine::load_average();
    let server = server::start(&place)?;
    let figures = requests::measure(&server, options.users, options.samples)?;
    let after = machine::load_average();
    println!("load average: {before} before, {after} after");
    let text = json!({
        "machine": machine,
        "users": options.users,
        "seeding_seconds": seconds,
        "load_average": { "before": before, "after": after },
        "figures": figures,
    });
    if let Some(folder) = options.json.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&options.json, format!("{text:#}\n"))?;
    println!("figures: {}", options.json.display());
    Ok(())
}
