//! Whether two builds differ: both run on this machine, and are asked in turns.
//!
//! A machine that other things run on is slower at one moment than at the next, so both builds are asked
//! within fractions of a second of each other, in a random order. A process may also be slower than another
//! one of the same program for as long as it lives, by where its memory lies. So both servers are started
//! anew again and again, and one such round counts as one measurement: what [`paired`] decides on is the
//! difference in each round.

pub mod options;
mod paired;
mod report;
mod rounds;
mod side;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;
use testkit::machine::{self, Machine};

use self::options::Options;
use self::report::{Comparison, compare};
use self::rounds::{Asked, Needed, measure};
use self::side::Side;
use crate::Result;
use crate::ending::{Ending, Failure};
use crate::output::{print, say};
use crate::report::remove;
use crate::runtime::block_on;
use crate::scenarios::{self, Scenario};
use crate::setup;
use crate::stop::Stop;

/// How often it may be wrong to say that two builds differ.
const ERROR: f64 = 0.05;
/// What is asked about each step: its processor time and its time.
const MEASURES: usize = 2;

/// Settings of both servers.
const SETTINGS: [(&str, &str); 3] = [
    // Otherwise the issuer has the port in it, and each start ends all sessions.
    ("PUBLIC_URL", "http://localhost"),
    // Work of the server's own that would fall to one of both by chance.
    ("CANARY", "off"),
    ("HOUSEKEEPING_INTERVAL", "0s"),
];

/// What came of a comparison, in a form of its own.
#[derive(Debug, Serialize)]
struct AbResult {
    version: u32,
    started: String,
    /// The commit of the lab.
    revision: String,
    machine: Machine,
    scenario: String,
    binaries: Vec<PathBuf>,
    settings: Vec<String>,
    rounds: usize,
    seconds: f64,
    ending: Ending,
    comparisons: Vec<Comparison>,
}

/// Compares two builds; returns how it ended: `Missed` if the new one is slower in anything.
///
/// # Errors
/// When it cannot begin, or a server cannot be stopped.
pub fn run(options: &Options) -> Result<Ending, Failure> {
    block_on(run_async(options))
}

async fn run_async(options: &Options) -> Result<Ending, Failure> {
    let stop = Stop::new();
    let own = scenarios::parse(include_str!("handlers.toml"), "handlers");
    let own = own.map_err(|error| Failure::NotStarted(error.into()))?;
    let scenario = options.scenario.as_ref().unwrap_or(&own);
    let asked = asked(options, scenario).map_err(Failure::NotStarted)?;
    let mut sides = sides(options, scenario).map_err(Failure::NotStarted)?;
    stop.on_signals().map_err(Failure::NotStarted)?;
    if let Some(folder) = &options.out {
        // What an earlier comparison has left there would be taken for this one's.
        remove(folder, &report::FILES).map_err(Failure::NotStarted)?;
    }
    let began = Instant::now();
    let measured = measure(options, scenario, &asked, &mut sides, &stop).await;
    let [old, new] = sides;
    old.end();
    new.end();
    if stop.reason().is_some() {
        say("loadtest: interrupted: nothing is said of two builds by half a comparison");
        return Ok(Ending::Interrupted);
    }
    let rounds = match measured? {
        Ok(rounds) => rounds,
        Err((ending, why)) => {
            say(&format!("loadtest: {}: {why}", ending.word()));
            return Ok(ending);
        }
    };
    conclude(options, scenario, &asked, &rounds, began.elapsed())
}

fn conclude(
    options: &Options,
    scenario: &Scenario,
    asked: &[Asked<'_>],
    rounds: &[Vec<[Needed; 2]>],
    took: Duration,
) -> Result<Ending, Failure> {
    let error = ERROR / (asked.len() * MEASURES) as f64;
    let comparisons = asked.iter().enumerate().flat_map(|(at, asked)| {
        let rounds: Vec<&[Needed; 2]> = rounds.iter().map(|round| &round[at]).collect();
        compare(asked.step.text(), &rounds, error)
    });
    let comparisons: Vec<_> = comparisons.collect();
    let slower = comparisons.iter().any(Comparison::is_slower);
    let result = AbResult {
        version: 1,
        started: setup::now().to_rfc3339(),
        revision: machine::revision(),
        machine: Machine::this(),
        scenario: scenario.name.clone(),
        binaries: options.binaries.clone(),
        settings: options
            .settings
            .iter()
            .map(|(name, _)| name.clone())
            .collect(),
        rounds: rounds.len(),
        seconds: took.as_secs_f64(),
        ending: if slower { Ending::Missed } else { Ending::Held },
        comparisons,
    };
    let text = report::text(&result);
    print(&text);
    if let Some(folder) = &options.out {
        report::write(&result, &text, folder).map_err(Failure::Lab)?;
    }
    Ok(result.ending)
}

/// The steps that are compared.
fn asked<'a>(options: &Options, scenario: &'a Scenario) -> Result<Vec<Asked<'a>>> {
    if scenario.limits || scenario.keeps_time() {
        let name = &scenario.name;
        return Err(
            format!("the steps of {name} cannot be taken one at a time, at full speed").into(),
        );
    }
    let all = scenario
        .classes
        .iter()
        .enumerate()
        .flat_map(|(kind, class)| {
            let steps = class.steps.iter();
            steps.map(move |(_, step)| Asked { kind, step })
        });
    let mut all: Vec<_> = all.collect();
    for wanted in &options.steps {
        if !all.iter().any(|one| one.step.text() == wanted) {
            let steps: Vec<_> = all.iter().map(|one| one.step.text()).collect();
            return Err(format!(
                "`{wanted}` is no step of {}: {}",
                scenario.name,
                steps.join(", ")
            )
            .into());
        }
    }
    if !options.steps.is_empty() {
        all.retain(|one| options.steps.iter().any(|wanted| wanted == one.step.text()));
    }
    let fewest = paired::fewest(ERROR / (all.len() * MEASURES) as f64);
    if (options.rounds as usize) < fewest {
        return Err(format!(
            "{} rounds can show nothing about {} steps: at least {fewest} are needed, or fewer steps (--step)",
            options.rounds,
            all.len()
        )
        .into());
    }
    Ok(all)
}

fn sides(options: &Options, scenario: &Scenario) -> Result<[Side; 2]> {
    let [old, new] = options.binaries.as_slice() else {
        return Err("two programs are compared: --binary OLD --binary NEW".into());
    };
    let settings = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut settings = settings.to_vec();
    settings.extend(scenario.settings.iter().chain(&options.settings).cloned());
    let run = setup::run_id(setup::now());
    let side = |name, program: &PathBuf| {
        Side::new(
            name,
            program.clone(),
            settings.clone(),
            &run,
            (options.users, options.seed),
        )
    };
    Ok([side("old", old)?, side("new", new)?])
}
