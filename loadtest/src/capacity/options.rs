//! Options of a search for the highest rate.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::administrator::Administrator;
use crate::percents::share;
use crate::rates;
use crate::spawn::Plan;

/// What is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Only {
    /// Logins
    Logins,
    /// Reads
    Reads,
}

/// Options of `capacity`.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Options {
    /// Start servers on free ports, and stop them afterwards
    #[arg(long, conflicts_with = "host", help_heading = "Server")]
    pub spawn: bool,

    /// How many replicas are started; with more than one number each is measured, all of them behind a proxy, so
    /// that its cost is the same
    #[arg(long, default_value = "1", value_delimiter = ',', value_parser = replicas, requires = "spawn", value_name = "NUMBER,…", help_heading = "Server")]
    pub replicas: Vec<usize>,

    /// The proxy's program
    #[arg(
        long,
        env = "HAPROXY",
        default_value = "haproxy",
        value_name = "PROGRAM",
        help_heading = "Server"
    )]
    pub haproxy: PathBuf,

    #[command(flatten)]
    /// What --spawn starts.
    pub plan: Plan,

    /// API of a running server
    #[arg(
        long,
        value_name = "URL",
        required_unless_present = "spawn",
        requires = "ops",
        help_heading = "Server"
    )]
    pub host: Option<String>,

    /// Operational listener of that server; repeated for each of several replicas behind --host
    #[arg(long, value_name = "URL", requires = "host", help_heading = "Server")]
    pub ops: Vec<String>,

    /// Process of that server, where it is on this machine; repeated for each of several replicas
    #[arg(
        long = "pid",
        value_name = "PID",
        requires = "host",
        help_heading = "Server"
    )]
    pub pids: Vec<u32>,

    #[command(flatten)]
    /// Who administers that server.
    pub administrator: Administrator,

    /// Accept a server with rate limits, which may then be what fills first
    #[arg(long, conflicts_with = "spawn", help_heading = "Server")]
    pub allow_limits: bool,

    /// Confirm that a server on another machine may be put under load
    #[arg(long, help_heading = "Server")]
    pub i_own_this_host: bool,

    /// Search for logins or for reads alone
    #[arg(long, value_name = "WORK", help_heading = "Search")]
    pub only: Option<Only>,

    /// Time of a run at one rate
    #[arg(long, value_parser = humantime::parse_duration, default_value = "15s", value_name = "TIME", help_heading = "Search")]
    pub step: Duration,

    /// How near to each other the highest rate that holds and the next one must be
    #[arg(long, value_parser = precision, default_value = "5 %", value_name = "PERCENT", help_heading = "Search")]
    pub precision: f64,

    /// Runs at most for each kind of work: a search that is not over by then says what it knows
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=200), value_name = "NUMBER", help_heading = "Search")]
    pub runs: u32,

    /// Rate of logins to begin at; half of what the hash threads should do by themselves if it is not given
    #[arg(long, value_parser = rates::rate, value_name = "RATE", help_heading = "Search")]
    pub logins_from: Option<f64>,

    /// Rate of reads to begin at; from the time of a bare round trip if it is not given
    #[arg(long, value_parser = rates::rate, value_name = "RATE", help_heading = "Search")]
    pub reads_from: Option<f64>,

    /// Seed of the users' random numbers
    #[arg(long, default_value_t = 1, help_heading = "Search")]
    pub seed: u64,

    /// The folder for capacity.json, capacity.md and the reports of all runs
    #[arg(long, value_name = "FOLDER", help_heading = "Report")]
    pub out: Option<PathBuf>,

    /// No progress
    #[arg(long, short, help_heading = "Report")]
    pub quiet: bool,
}

fn replicas(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (1..=16).contains(&number) => Ok(number),
        _ => Err("must be a number from 1 to 16".to_owned()),
    }
}

fn precision(text: &str) -> Result<f64, String> {
    match share(text, 100.0)? {
        precision if precision >= 0.01 => Ok(precision),
        _ => Err("must be at least 1 %: runs differ by more".to_owned()),
    }
}
