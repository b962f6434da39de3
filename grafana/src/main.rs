//! Generates the monitoring of rbac-sentinel, and checks it.

#![forbid(unsafe_code)]
#![warn(clippy::pedantic)]
#![expect(
    clippy::doc_markdown,
    reason = "names of products are words, and doc comments are the text of --help"
)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use grafana::lint::Shipped;
use grafana::prove::{self, Fault, Pace, Programs};
use grafana::rules::Links;
use grafana::{Result, generate};

/// The monitoring of rbac-sentinel: dashboards and rules from the catalogue of metrics.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write dashboards, rules and docs/metrics.md
    Generate(GenerateOptions),
    /// Check dashboards, rules and runbook against the catalogue
    Lint,
    /// Query every panel and rule on a real Prometheus, reconcile counters, inject faults, watch alerts
    Prove(ProveOptions),
}

#[derive(Args)]
struct ProveOptions {
    /// The service's binary
    #[arg(long, value_name = "PROGRAM")]
    server: PathBuf,
    /// The load lab's binary
    #[arg(long, value_name = "PROGRAM")]
    lab: PathBuf,
    /// The folder with PostgreSQL's binaries
    #[arg(long, env = "POSTGRES_BIN", value_name = "FOLDER")]
    postgres_bin: PathBuf,
    /// The Redis server
    #[arg(
        long,
        env = "REDIS_SERVER",
        default_value = "redis-server",
        value_name = "PROGRAM"
    )]
    redis_server: PathBuf,
    /// The PostgreSQL exporter
    #[arg(
        long,
        env = "POSTGRES_EXPORTER",
        default_value = "prometheus-postgres-exporter",
        value_name = "PROGRAM"
    )]
    postgres_exporter: PathBuf,
    /// The Redis exporter
    #[arg(
        long,
        env = "REDIS_EXPORTER",
        default_value = "prometheus-redis-exporter",
        value_name = "PROGRAM"
    )]
    redis_exporter: PathBuf,
    /// Prometheus
    #[arg(
        long,
        env = "PROMETHEUS",
        default_value = "prometheus",
        value_name = "PROGRAM"
    )]
    prometheus: PathBuf,
    /// Time scale: divides every duration of the rules and the scrape interval by this
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=30))]
    pace: u32,
    /// Duration of the load lab's run
    #[arg(long, default_value = "60s", value_parser = humantime::parse_duration, value_name = "TIME")]
    load: Duration,
    /// Inject no faults
    #[arg(long)]
    no_faults: bool,
    /// Allow alerts on slowness, on machines whose speed is not representative
    #[arg(long)]
    ignore_speed: bool,
    /// The folder for report.md and report.json
    #[arg(long, default_value = "target/proof", value_name = "FOLDER")]
    out: PathBuf,
    /// A program to run at the end, while Prometheus still answers. Its environment: PROMETHEUS_URL,
    /// SCRAPE_INTERVAL, the times of load and proof in LOAD_FROM, LOAD_TO, PROOF_FROM, PROOF_TO, and OUT,
    /// the folder for its files
    #[arg(long, value_name = "PROGRAM")]
    then: Option<PathBuf>,
}

#[derive(Args)]
struct GenerateOptions {
    /// URL of the runbook in links
    #[arg(long, default_value_t = Links::default().runbook, value_name = "URL")]
    runbook: String,
    /// URL of Grafana in links
    #[arg(long, default_value_t = Links::default().grafana, value_name = "URL")]
    grafana: String,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Generate(options) => generate::write(
            generate::folder(),
            &Links {
                runbook: options.runbook,
                grafana: options.grafana,
            },
        ),
        Command::Lint => lint(),
        Command::Prove(options) => prove(options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("grafana: {error}");
            ExitCode::FAILURE
        }
    }
}

fn lint() -> Result<()> {
    let findings = Shipped::read(generate::folder())?.lint()?;
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => Err(format!("{count} findings").into()),
    }
}

fn prove(options: ProveOptions) -> Result<()> {
    let options = prove::Options {
        programs: Programs {
            server: std::path::absolute(options.server)?,
            lab: std::path::absolute(options.lab)?,
            postgres_bin: options.postgres_bin,
            redis: options.redis_server,
            postgres_exporter: options.postgres_exporter,
            redis_exporter: options.redis_exporter,
            prometheus: options.prometheus,
        },
        pace: Pace(options.pace),
        load: options.load,
        faults: if options.no_faults {
            Vec::new()
        } else {
            Fault::ALL.to_vec()
        },
        ignore_speed: options.ignore_speed,
        out: std::path::absolute(options.out)?,
        then: options.then.map(std::path::absolute).transpose()?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(prove::prove(&options))?;
    print!("{}", report.markdown());
    let complaints = report.complaints(options.ignore_speed);
    for complaint in &complaints {
        eprintln!("grafana: {complaint}");
    }
    match complaints.len() {
        0 => Ok(()),
        count => Err(format!("{count} things do not hold").into()),
    }
}
