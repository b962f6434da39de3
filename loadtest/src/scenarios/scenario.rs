//! Parts of a scenario: load, users, expectations.

use std::time::Duration;

use super::actions::Step;
use crate::description::Description;
use crate::expectation::Expectations;
use crate::rates::Schedule;

/// A load, its users, and what is expected.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What it is and came from.
    pub description: Description,
    /// Number of users.
    pub users: usize,
    /// Users started per second.
    pub rate: f64,
    /// Run time after all have started.
    pub run_time: Duration,
    /// What is expected of it.
    pub expected: Expectations,
    /// The same in words.
    pub expect: Vec<String>,
    /// Whether it saturates the machine: users then wait where the server cannot see it.
    pub saturates: bool,
    /// Whether the server must have rate limits; off otherwise, because all users share one address.
    pub limits: bool,
    /// Whether nobody may scrape the server during the run, the timeline neither.
    pub unscraped: bool,
    /// Settings of a server that the lab starts.
    pub settings: Vec<(String, String)>,
    /// Accounts registered before the run.
    pub accounts: usize,
    /// The kinds of users.
    pub classes: Vec<Class>,
}

impl Scenario {
    /// Whether its users keep a time of their own, which rates would contradict.
    #[must_use]
    pub fn keeps_time(&self) -> bool {
        let steps = self.classes.iter().flat_map(|class| &class.steps);
        steps.into_iter().any(|(_, step)| step.keeps_time())
    }
}

/// A kind of users.
#[derive(Clone, Debug)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Number of these users in proportion to the other kinds.
    pub weight: usize,
    /// Shortest and longest pause between two steps, in seconds; none without a pause.
    pub wait: Option<(f64, f64)>,
    /// Rates at which steps begin, instead of after a pause.
    pub arrivals: Option<Schedule>,
    /// First step.
    pub begin: Step,
    /// Steps of which one is taken at a time, each with the number of times in proportion to the others.
    pub steps: Vec<(u32, Step)>,
}

impl Class {
    /// The usual pause between two steps.
    #[must_use]
    pub fn pace(&self) -> Option<Duration> {
        let (least, most) = self.wait?;
        Some(Duration::from_secs_f64(f64::midpoint(least, most)))
    }
}
