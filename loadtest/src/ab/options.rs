//! Options of a comparison of two builds.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::scenarios::{self, Scenario};
use crate::spawn::setting;

/// Options of `ab`.
#[derive(Args, Debug)]
pub struct Options {
    /// Scenario whose steps are compared, one by one; the main handlers of the service if it is not given
    #[arg(value_parser = scenarios::find)]
    pub scenario: Option<Scenario>,

    /// The program of a build: first the old one, then the new one
    #[arg(long = "binary", value_name = "PROGRAM", required = true, action = clap::ArgAction::Append)]
    pub binaries: Vec<PathBuf>,

    /// Only this step of the scenario; may be repeated. The fewer there are, the smaller the differences
    /// that can be shown
    #[arg(long = "step", value_name = "STEP")]
    pub steps: Vec<String>,

    /// A setting for both servers, as an environment variable; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    pub settings: Vec<(String, String)>,

    /// Time for everything
    #[arg(long, value_parser = humantime::parse_duration, default_value = "1m", value_name = "TIME")]
    pub run_time: Duration,

    /// How often both servers are started anew. Two dozen can bear that one of them goes wrong
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(2..=60))]
    pub rounds: u32,

    /// Users that take a step at the same time, each as soon as it is answered
    #[arg(long, default_value_t = 1, value_parser = users)]
    pub users: usize,

    /// Seed of the users' random numbers
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// A folder for ab.json and ab.md
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,

    /// No progress
    #[arg(long, short)]
    pub quiet: bool,
}

fn users(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(users) if (1..=64).contains(&users) => Ok(users),
        _ => Err("must be a number from 1 to 64".to_owned()),
    }
}
