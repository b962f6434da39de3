//! The command line of the load lab.

#![forbid(unsafe_code)]
#![warn(clippy::pedantic)]

use std::fmt::Display;
use std::process::ExitCode;

use clap::Parser as _;
use loadtest::cli::{Arguments, Command};
use loadtest::{
    Ending, Error, Failure, ab, capacity, compare, document, end_the_program, guard, list, merge,
    plan, print, run, say, text,
};

fn main() -> ExitCode {
    end_the_program();
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Some(Command::List) => printed(list().map_err(Into::into)),
        Some(Command::Show { scenario }) => printed(text(&scenario).map_err(Into::into)),
        Some(Command::Report { files }) => printed(document(&files)),
        Some(Command::Ab(options)) => ab::run(&options).map(Ending::code),
        Some(Command::Capacity(options)) => capacity::run(&options).map(Ending::code),
        Some(Command::Plan(options)) => printed(plan(&options)),
        Some(Command::Compare { a, b, force }) => printed(compare([&a, &b], force)),
        Some(Command::Merge { results, out }) => merge(&results, out.as_deref()).map(Ending::code),
        Some(Command::Guard { folder }) => guard(&folder).map(|()| 0).map_err(Failure::Lab),
        None => run::run(&arguments.run).map(Ending::code),
    };
    done.unwrap_or_else(|failure| {
        say(&format!("loadtest: {failure}"));
        failure.code()
    })
    .into()
}

/// Prints a text; there is no run.
fn printed(text: Result<impl Display, Error>) -> Result<u8, Failure> {
    let text = text.map_err(Failure::NotStarted)?;
    print(&text.to_string());
    Ok(0)
}
