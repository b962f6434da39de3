//! A run several times, and how far its figures lie apart.
//!
//! Each run is a process of its own, with a folder of its own below that of all.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use maud::html;
use serde::Serialize;

use crate::child::{this_program, wait};
use crate::cli::Options;
use crate::ending::{Ending, Failure, LAB_FAILED, NOT_STARTED};
use crate::key_figures::{Unit, key_figures};
use crate::median::median;
use crate::output::{print, say};
use crate::report::html::page;
use crate::report::{remove, save};
use crate::result::RunResult;
use crate::stop::{Reason, Stop};
use crate::{Result, setup};

/// The files of all runs.
const FILES: [&str; 3] = ["repeat.json", "repeat.md", "repeat.html"];

/// All runs.
#[derive(Debug, Serialize)]
struct Repeated {
    /// The version of this form.
    version: u32,
    scenario: String,
    /// The folders of the runs.
    runs: Vec<PathBuf>,
    /// How they ended.
    endings: Vec<Ending>,
    figures: Vec<Spread>,
}

/// One figure of all runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Spread {
    name: String,
    unit: Unit,
    median: f64,
    least: f64,
    most: f64,
    values: Vec<f64>,
}

/// Runs a scenario so many times; returns the worst ending.
///
/// # Errors
/// When a run did not take place, or the lab failed.
pub fn repeat(options: &Options) -> Result<Ending, Failure> {
    let stop = Stop::new();
    stop.on_signals().map_err(Failure::NotStarted)?;
    let folder = folder(options).map_err(Failure::NotStarted)?;
    // What was left there before would be taken for the spread of these runs.
    remove(&folder, &FILES).map_err(Failure::NotStarted)?;
    let mut runs = Vec::new();
    for number in 1..=options.repeat {
        if stop.reason().is_some() {
            break;
        }
        if !options.quiet {
            say(&format!("run {number} of {}", options.repeat));
        }
        let own = folder.join(number.to_string());
        let status = run(&own, &stop).map_err(Failure::Lab)?;
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        match code {
            Some(NOT_STARTED) => {
                return Err(Failure::NotStarted(
                    format!("there was no run {number}").into(),
                ));
            }
            None | Some(LAB_FAILED) => {
                return Err(Failure::Lab(
                    format!("run {number} ended with {status}").into(),
                ));
            }
            Some(_) => runs.push(own),
        }
    }
    let results: Result<Vec<_>> = runs
        .iter()
        .map(|run| RunResult::read(&run.join("result.json")))
        .collect();
    let results = results.map_err(Failure::Lab)?;
    let repeated = Repeated {
        version: 1,
        scenario: results
            .first()
            .map(|result| result.scenario.clone())
            .unwrap_or_default(),
        runs,
        endings: results.iter().map(|result| result.ending).collect(),
        figures: spreads(&results),
    };
    let text = text(&repeated);
    write(&repeated, &text, &folder).map_err(Failure::Lab)?;
    print(&format!(
        "{text}\nIn {}: repeat.html, repeat.md, repeat.json\n",
        folder.display()
    ));
    Ok(match stop.reason() {
        Some((Reason::Signal, _)) => Ending::Interrupted,
        _ => worst(&repeated.endings),
    })
}

fn folder(options: &Options) -> Result<PathBuf> {
    let scenario = options.scenario.as_ref().ok_or("which scenario?")?;
    setup::folder(options, scenario, &setup::run_id(setup::now()))
}

/// This program with the same words, but for one run into this folder.
fn run(folder: &Path, stop: &Stop) -> Result<ExitStatus> {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let mut child = this_program()?.args(words_of_one(&words, folder)).spawn()?;
    wait(&mut child, stop)
}

/// What comes later wins, and what is behind two dashes is goose's.
fn words_of_one(words: &[OsString], folder: &Path) -> Vec<OsString> {
    let goose = words
        .iter()
        .position(|word| word == "--")
        .unwrap_or(words.len());
    let (ours, goose) = words.split_at(goose);
    let last = ["--repeat".into(), "1".into(), "--out".into(), folder.into()];
    ours.iter()
        .cloned()
        .chain(last)
        .chain(goose.iter().cloned())
        .collect()
}

fn worst(endings: &[Ending]) -> Ending {
    let order = [
        Ending::Interrupted,
        Ending::BrokeOff,
        Ending::Invalid,
        Ending::Missed,
    ];
    let worst = order.into_iter().find(|ending| endings.contains(ending));
    worst.unwrap_or(Ending::Held)
}

/// The figures that all runs have.
fn spreads(results: &[RunResult]) -> Vec<Spread> {
    let all: Vec<_> = results.iter().map(key_figures).collect();
    let Some((first, rest)) = all.split_first() else {
        return Vec::new();
    };
    let spreads = first.iter().filter_map(|one| {
        let mut values = vec![one.value];
        for run in rest {
            values.push(run.iter().find(|other| other.name == one.name)?.value);
        }
        let mut sorted = values.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        Some(Spread {
            name: one.name.clone(),
            unit: one.unit,
            median: median(&sorted),
            least: sorted[0],
            most: sorted[sorted.len() - 1],
            values,
        })
    });
    spreads.collect()
}

impl Spread {
    fn columns(&self) -> [String; 3] {
        [self.median, self.least, self.most].map(|value| self.unit.show(value))
    }
}

/// What so few runs say, and what they do not.
fn honesty(runs: usize) -> String {
    format!(
        "Least and most of {runs} runs are no bounds: even if nothing changes, the next run lies outside them 2 \
         times in {}.",
        runs + 1
    )
}

fn ended(repeated: &Repeated) -> String {
    let words: Vec<_> = repeated
        .endings
        .iter()
        .map(|ending| ending.word())
        .collect();
    format!("The runs, in their order: {}.", words.join(", "))
}

fn text(repeated: &Repeated) -> String {
    let runs = repeated.runs.len();
    let mut text = format!(
        "# {}: {runs} runs\n\n{}\n\n",
        repeated.scenario,
        ended(repeated)
    );
    text.push_str("| | Median | Least | Most |\n|---|---:|---:|---:|\n");
    for spread in &repeated.figures {
        let [median, least, most] = spread.columns();
        let _ = writeln!(text, "| {} | {median} | {least} | {most} |", spread.name);
    }
    let _ = writeln!(text, "\n{}", honesty(runs));
    text
}

fn html_page(repeated: &Repeated) -> String {
    let runs = repeated.runs.len();
    let title = format!("{}: {runs} runs", repeated.scenario);
    let body = html! {
        h1 { (title) }
        p { (ended(repeated)) }
        ul {
            @for number in 1..=runs {
                li { a href={ (number) "/report.html" } { "Run " (number) } }
            }
        }
        table {
            thead { tr { th { "" } th { "Median" } th { "Least" } th { "Most" } } }
            tbody {
                @for spread in &repeated.figures {
                    tr { td { (spread.name) } @for column in spread.columns() { td { (column) } } }
                }
            }
        }
        p.small { (honesty(runs)) }
    };
    page(&title, &body)
}

fn write(repeated: &Repeated, text: &str, folder: &Path) -> Result<()> {
    let json = serde_json::to_string_pretty(repeated)?;
    let texts = [json, text.to_owned(), html_page(repeated)];
    save(folder, FILES.into_iter().zip(texts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::sample;

    #[test]
    fn spread_is_that_of_figures_which_all_runs_have() {
        let mut runs = [70.0, 90.0, 74.0].map(|per_second| sample(20.0, per_second, 0.0));
        runs[0].corrected.count = 1;
        let spreads = spreads(&runs);
        let goodput = spreads.iter().find(|one| one.name == "goodput");
        let goodput = goodput.expect("all have it");
        assert_eq!(goodput.columns(), ["74.0/s", "70.0/s", "90.0/s"]);
        assert_eq!(goodput.values, [70.0, 90.0, 74.0]);
        assert!(!spreads.iter().any(|one| one.name.starts_with("P95")));
    }

    #[test]
    fn words_of_one_run_are_those_of_all_but_for_its_folder() {
        let words = [
            "peak",
            "--repeat",
            "3",
            "--out",
            "all",
            "--",
            "--request-log",
            "x",
        ];
        let one = words_of_one(&words.map(OsString::from), Path::new("all/2"));
        let expected = "peak --repeat 3 --out all --repeat 1 --out all/2 -- --request-log x";
        assert_eq!(one.join(" ".as_ref()), expected);
    }

    #[test]
    fn worst_ending_is_that_of_all() {
        assert_eq!(worst(&[Ending::Held, Ending::Held]), Ending::Held);
        let endings = [Ending::Missed, Ending::Invalid, Ending::Held];
        assert_eq!(worst(&endings), Ending::Invalid);
        assert!(honesty(3).ends_with("2 times in 4."));
    }
}
