//! Parts of a scenario: load, users, expectations.

use std::pin::Pin;
use std::time::Duration;

use crate::rates::Schedule;
use crate::user::User;
use crate::verdict::{Fact, Objective};

/// A load, its users, and what is expected.
#[derive(Debug)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// Behaviour of its users, in a sentence.
    pub about: &'static str,
    /// Its bottleneck, and why.
    pub bottleneck: &'static str,
    /// Number of users.
    pub users: usize,
    /// Users started per second.
    pub rate: f64,
    /// Run time after all have started.
    pub run_time: Duration,
    /// Published figures of this load.
    pub reference: Option<Reference>,
    /// Objectives of the figures.
    pub objectives: &'static [Objective],
    /// Expectations of the server's counters.
    pub facts: &'static [Fact],
    /// Whether it saturates the machine: users then wait where the server cannot see it.
    pub saturates: bool,
    /// Whether the server must have rate limits; off otherwise, because all users share one address.
    pub limits: bool,
    /// Settings of a server that the lab starts.
    pub settings: &'static [(&'static str, &'static str)],
    /// Accounts registered before the run.
    pub accounts: usize,
    /// The kinds of users.
    pub classes: fn() -> Vec<Class>,
}

impl Scenario {
    /// Defaults.
    pub(super) const BASE: Self = Self {
        name: "",
        about: "",
        bottleneck: "",
        users: 0,
        rate: 10.0,
        run_time: Duration::from_mins(1),
        reference: None,
        objectives: &[Objective::NO_FAILURES],
        facts: &[],
        saturates: false,
        limits: false,
        settings: &[],
        accounts: 0,
        classes: Vec::new,
    };
}

/// Published figures.
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    /// The system.
    pub system: &'static str,
    /// Requests a second.
    pub per_second: Option<f64>,
    /// Median, in seconds.
    pub p50: Option<f64>,
    /// In seconds.
    pub p95: Option<f64>,
    /// In seconds.
    pub p99: Option<f64>,
    /// Share of requests that failed.
    pub failed: Option<f64>,
}

impl Reference {
    pub(super) const fn of(system: &'static str) -> Self {
        Self {
            system,
            per_second: None,
            p50: None,
            p95: None,
            p99: None,
            failed: None,
        }
    }
}

/// The work of one step.
pub type Work<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A step of a user.
pub type Step = for<'a, 'u> fn(&'a mut User<'u>) -> Work<'a>;

/// A kind of users.
#[derive(Clone, Debug)]
pub struct Class {
    /// Its name.
    pub name: &'static str,
    /// Number of these users in proportion to the other kinds.
    pub weight: usize,
    /// Shortest and longest pause between two steps, in seconds; none without a pause.
    pub wait: Option<(f64, f64)>,
    /// First step.
    pub start: Step,
    /// Step that is repeated.
    pub step: Step,
    /// Rates at which steps begin, instead of after a pause.
    pub arrivals: Option<Schedule>,
}

impl Class {
    /// The usual pause between two steps.
    #[must_use]
    pub fn pace(&self) -> Option<Duration> {
        let (least, most) = self.wait.filter(|_| self.arrivals.is_none())?;
        Some(Duration::from_secs_f64(f64::midpoint(least, most)))
    }
}

/// A step from an `async fn` of this name.
macro_rules! step {
    ($name:ident) => {
        |user| Box::pin($name(user))
    };
}
pub(super) use step;

/// Registers and logs in: the beginning of most users.
pub(super) async fn register_and_login(user: &mut User<'_>) {
    user.register_and_login().await;
}

/// Logs in as the administrator.
pub(super) async fn login_as_admin(user: &mut User<'_>) {
    let admin = user.state.shared.admin.clone();
    user.login_as(admin).await;
}
