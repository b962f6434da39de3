//! The command line of the load lab.

#![forbid(unsafe_code)]
#![warn(clippy::pedantic)]

use std::process::ExitCode;

use clap::Parser as _;
use loadtest::cli::{Arguments, Command};
use loadtest::{document, list, print, run, say, text};

/// Everything held.
const HELD: u8 = 0;
/// The run took place, and something did not hold: an objective, an identity, the baseline.
const MISSED: u8 = 1;
/// There was no run: wrong usage, or a server that cannot be tested.
const MISUSED: u8 = 2;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Some(Command::List) => list().map_err(Into::into).map(|text| {
            print(&text);
            HELD
        }),
        Some(Command::Show { scenario }) => text(&scenario).map_err(Into::into).map(|text| {
            print(text);
            HELD
        }),
        Some(Command::Report { files }) => document(&files).map(|text| {
            print(&text);
            HELD
        }),
        None => run::run(&arguments.run).map(|held| if held { HELD } else { MISSED }),
    };
    done.unwrap_or_else(|error| {
        say(&format!("loadtest: {error}"));
        MISUSED
    })
    .into()
}
