//! Options.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::ab::options as ab;
use crate::administrator::Administrator;
use crate::capacity::options as capacity;
use crate::plan::options as plan;
use crate::rates::{self, Rates};
use crate::scenarios::{self, Scenario};
use crate::spawn::Plan;
use crate::thresholds::Threshold;

/// The load lab of rbac-sentinel.
///
/// Drives the service as its users would, and compares their measurements with the service's metrics.
/// Exit code 0: everything held; 1: a target, an identity or the baseline was missed; 2: no run took
/// place; 3: the server broke off; 4: the lab itself failed; 5: interrupted; 6: invalid, because the lab
/// was starved.
#[derive(Parser, Debug)]
#[command(
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    args_override_self = true
)]
pub struct Arguments {
    /// A command instead of a run.
    #[command(subcommand)]
    pub command: Option<Command>,

    #[command(flatten)]
    /// Options of a run.
    pub run: Options,
}

/// Commands that run no load.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// List the scenarios, with their loads, references and targets
    List,
    /// Print a built-in scenario as TOML, to begin one's own with
    Show {
        /// Its name
        scenario: String,
    },
    /// Put two results beside each other: goodput, times, processor, memory, hash gate
    ///
    /// Exit code 0: they were compared; 2: one is no result, or they are not alike: of one scenario, load,
    /// seed, settings and machine, and both run to their end.
    Compare {
        /// A result: `result.json`, or the folder that it is in
        a: PathBuf,
        /// The other one
        b: PathBuf,
        /// Compare runs that are not alike, too; the table says in what
        #[arg(long)]
        force: bool,
    },
    /// Decide whether two builds of the server differ, step by step of a scenario
    ///
    /// Exit code 0: the new one is not slower in anything that could be shown; 1: it is; 2: nothing was
    /// compared; 3: a server ended; 4: the lab itself failed; 5: interrupted; 6: requests failed.
    Ab(Box<ab::Options>),
    /// Find the highest rate of logins and of reads at which the service keeps its objectives, and what fills first
    ///
    /// 99 of 100 logins within 500 ms and 99 of 100 reads within 25 ms, from the moment they are due. Exit code 0:
    /// it was found; 2: nothing could be asked; 3: a server ended; 4: the lab itself failed; 5: interrupted.
    Capacity(Box<capacity::Options>),
    /// Say how many replicas a demand needs, and what they take: cores, memory, connections, commands of Redis
    ///
    /// From what `capacity` found, what `calibrate` printed on the replicas' machine, or both.
    Plan(Box<plan::Options>),
    /// Make one result of those of several generators that asked the same server at the same time
    ///
    /// Each ran with --shared. Exit code 0: everything held for all of them together; 1: something was missed; 2: they
    /// cannot be added up; 4: the lab itself failed; 6: a generator was starved.
    Merge {
        /// The results: `result.json` of each, or the folder that it is in
        #[arg(required = true, value_name = "FOLDER")]
        results: Vec<PathBuf>,
        /// The folder for result.json, report.md and report.html
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
    /// Wait until the lab has ended, and end the server that it leaves
    #[command(hide = true)]
    Guard {
        /// The server's folder
        folder: PathBuf,
    },
    /// Print one document of several results
    Report {
        /// Results of runs: `result.json` of each
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

/// Options of a run.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Options {
    /// Scenario to run: one that `list` shows, or a TOML file
    #[arg(value_parser = scenarios::find, required = true)]
    pub scenario: Option<Scenario>,

    /// Start a server on free ports and an empty embedded database, and stop it afterwards
    #[arg(long, help_heading = "Server")]
    pub spawn: bool,

    #[command(flatten)]
    /// What --spawn starts.
    pub plan: Plan,

    /// API of a running server; may be https, and have a path
    #[arg(
        long,
        default_value = "http://127.0.0.1:8000",
        value_name = "URL",
        help_heading = "Server"
    )]
    pub host: String,

    /// Operational listener of that server: metrics and readiness; repeated for each of several replicas behind
    /// --host
    #[arg(
        long,
        default_value = "http://127.0.0.1:9464",
        value_name = "URL",
        help_heading = "Server"
    )]
    pub ops: Vec<String>,

    /// Process of that server, where it is on this machine: its processor time and memory are measured as with
    /// --spawn; repeated for each of several replicas
    #[arg(
        long = "pid",
        value_name = "PID",
        conflicts_with = "spawn",
        help_heading = "Server"
    )]
    pub pids: Vec<u32>,

    /// Certificates in PEM that https servers are trusted by, instead of the system's
    #[arg(long, value_name = "FILE", help_heading = "Server")]
    pub ca: Option<PathBuf>,

    /// Speak HTTP/2, under http:// with prior knowledge; HTTP/1.1 otherwise
    #[arg(long, help_heading = "Server")]
    pub http2: bool,

    #[command(flatten)]
    /// Who administers that server.
    pub administrator: Administrator,

    /// Accept a server with rate limits, which must be wider than this load
    #[arg(long, conflicts_with = "spawn", help_heading = "Server")]
    pub allow_limits: bool,

    /// Other generators ask the same server: what it counts is not compared with this one's requests; `merge` does
    /// that for all of them
    #[arg(long, conflicts_with = "spawn", help_heading = "Server")]
    pub shared: bool,

    /// Confirm that a server on another machine may be put under load
    #[arg(long, help_heading = "Server")]
    pub i_own_this_host: bool,

    /// Virtual users; the scenario's number by default
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=20_000), help_heading = "Load")]
    pub users: Option<u32>,

    /// Users started per second
    #[arg(long, value_parser = rate, value_name = "PER_SECOND", help_heading = "Load")]
    pub spawn_rate: Option<f64>,

    /// Run time after all have started
    #[arg(long, value_parser = humantime::parse_duration, value_name = "TIME", help_heading = "Load")]
    pub run_time: Option<Duration>,

    /// Steps begun a second, whether or not those before are answered; the users are a pool that takes them
    #[arg(long, value_parser = rates::rate, value_name = "RATE", help_heading = "Load")]
    pub rate: Option<f64>,

    /// The same in stages, one after another: `100/s:30s,100..500/s:1m` is one rate, then a slope
    #[arg(
        long,
        value_name = "RATE:TIME,…",
        conflicts_with_all = ["rate", "run_time"],
        help_heading = "Load"
    )]
    pub stages: Option<Rates>,

    /// Run so many times, and show how far the figures lie apart
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100), value_name = "TIMES", help_heading = "Load")]
    pub repeat: u32,

    /// Time after which a request counts as not answered
    #[arg(long, value_parser = humantime::parse_duration, default_value = "60s", value_name = "TIME", help_heading = "Load")]
    pub timeout: Duration,

    /// Seed of all random numbers: the same seed gives the same users and sequences
    #[arg(long, default_value_t = 1, help_heading = "Load")]
    pub seed: u64,

    /// The folder for result.json, report.md and report.html
    #[arg(long, value_name = "FOLDER", help_heading = "Report")]
    pub out: Option<PathBuf>,

    /// An earlier result.json of the same scenario to compare with
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub baseline: Option<PathBuf>,

    /// Tolerated loss of times and rates against the baseline, in percent
    #[arg(long, default_value_t = 25.0, value_parser = percent, value_name = "PERCENT", help_heading = "Report")]
    pub tolerance: f64,

    /// A bound of a figure, such as `p99.9 of GET /users/me < 2ms` or `goodput > 100/s`; may be repeated
    #[arg(long = "threshold", value_name = "BOUND", help_heading = "Report")]
    pub thresholds: Vec<Threshold>,

    /// Judge identities and failures but not speed, for machines whose speed means nothing
    #[arg(long, help_heading = "Report")]
    pub ignore_speed: bool,

    /// Address of the lab's own metrics during the run; port 0 takes a free one
    #[arg(
        long,
        default_value = "127.0.0.1:9646",
        value_name = "ADDRESS",
        help_heading = "Report"
    )]
    pub metrics_addr: SocketAddr,

    /// Time to go on serving those metrics after the run, for the last scrape
    #[arg(long, value_parser = humantime::parse_duration, default_value = "0s", value_name = "TIME", help_heading = "Report")]
    pub linger: Duration,

    /// No progress during the run
    #[arg(long, short, help_heading = "Report")]
    pub quiet: bool,

    /// Options of goose, such as `-- --request-log requests.csv --throttle-requests 100`
    #[arg(last = true, value_name = "GOOSE", help_heading = "Report")]
    pub goose: Vec<String>,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.1..=10_000.0).contains(&rate) => Ok(rate),
        _ => Err("must be a number from 0.1 to 10000".to_owned()),
    }
}

fn percent(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(percent) if (0.0..=1_000.0).contains(&percent) => Ok(percent),
        _ => Err("must be a number from 0 to 1000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn complaint(words: &[&str]) -> String {
        let words = ["loadtest"].iter().chain(words);
        Arguments::try_parse_from(words)
            .expect_err("refused")
            .to_string()
    }

    #[test]
    fn command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn invalid_options_are_named() {
        assert!(complaint(&["sentinal"]).contains("sentinel"));
        assert!(complaint(&[]).contains("SCENARIO"));
        assert!(complaint(&["peak", "--users", "0"]).contains("--users"));
        assert!(complaint(&["peak", "--spawn-rate", "NaN"]).contains("from 0.1 to 10000"));
        assert!(complaint(&["peak", "--spawn", "--set", "X"]).contains("NAME=VALUE"));
        assert!(complaint(&["peak", "--server", "x"]).contains("--spawn"));
        assert!(complaint(&["peak", "--rate", "500"]).contains("as in 500/s"));
        let both = ["peak", "--rate", "5/s", "--stages", "5/s:1s"];
        assert!(complaint(&both).contains("--stages"));
    }
}
