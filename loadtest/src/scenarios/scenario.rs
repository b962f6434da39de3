//! What a scenario is made of.

use std::pin::Pin;
use std::time::Duration;

use crate::verdict::{Fact, Objective};
use crate::visitor::Visitor;

/// A load.
#[derive(Debug)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What its users do, in a sentence.
    pub about: &'static str,
    /// What limits it, and why.
    pub story: &'static str,
    /// How many users.
    pub users: usize,
    /// How many of them come in a second.
    pub rate: f64,
    /// How long they go on once all are there.
    pub run_time: Duration,
    /// What was published for this load.
    pub reference: Option<Reference>,
    /// What is expected of the figures.
    pub objectives: &'static [Objective],
    /// What is expected of the server's counters.
    pub facts: &'static [Fact],
    /// Whether it fills the machine: the users' times then contain waits that the server's do not.
    pub saturates: bool,
    /// Whether the server must have rate limits: they are off otherwise, as all users come from one
    /// address.
    pub limits: bool,
    /// Settings of a server that the lab starts.
    pub settings: &'static [(&'static str, &'static str)],
    /// How many accounts are made beforehand.
    pub accounts: usize,
    /// The kinds of users.
    pub classes: fn() -> Vec<Class>,
}

impl Scenario {
    /// What most of them have in common.
    pub(super) const BASE: Self = Self {
        name: "",
        about: "",
        story: "",
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

/// What was published.
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    /// By whom.
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
pub type Step = for<'a, 'u> fn(&'a mut Visitor<'u>) -> Work<'a>;

/// A kind of users.
#[derive(Clone, Copy, Debug)]
pub struct Class {
    /// Its name.
    pub name: &'static str,
    /// How many of them there are to how many of the others.
    pub weight: usize,
    /// Seconds between two steps: a uniform chance between these. None waits at all.
    pub wait: Option<(f64, f64)>,
    /// What each does first.
    pub start: Step,
    /// What each does again and again.
    pub step: Step,
}

impl Class {
    /// The usual pause between two steps.
    #[must_use]
    pub fn pace(&self) -> Option<Duration> {
        let (least, most) = self.wait?;
        Some(Duration::from_secs_f64(f64::midpoint(least, most)))
    }
}

/// A step from an `async fn` of this name.
macro_rules! step {
    ($name:ident) => {
        |visitor| Box::pin($name(visitor))
    };
}
pub(super) use step;

/// Registers and logs in: the beginning of most users.
pub(super) async fn arrive(visitor: &mut Visitor<'_>) {
    visitor.arrive().await;
}

/// Logs in as the administrator.
pub(super) async fn arrive_as_admin(visitor: &mut Visitor<'_>) {
    let admin = visitor.player.shared.admin.clone();
    visitor.arrive_as(admin).await;
}
