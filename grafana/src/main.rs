//! Generates the monitoring of rbac-sentinel, and checks it.

#![forbid(unsafe_code)]
#![warn(clippy::pedantic)]

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use grafana::generate;
use grafana::rules::Links;

/// The monitoring of rbac-sentinel: dashboards and rules from the catalogue of metrics.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write dashboards and rules below `grafana/`
    Generate(GenerateOptions),
}

#[derive(Args)]
struct GenerateOptions {
    /// Where the runbook is read: what the links of alerts begin with
    #[arg(long, default_value_t = Links::default().runbook, value_name = "URL")]
    runbook: String,
    /// Where Grafana is: what the links of alerts begin with
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
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("grafana: {error}");
            ExitCode::FAILURE
        }
    }
}
