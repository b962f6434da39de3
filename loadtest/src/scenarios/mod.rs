//! Who does what, how much of it, and what is expected of the server meanwhile.

mod burst;
mod fastapi_auth;
mod login_storm;
mod peak;
mod rbac_mix;
mod refresh_storm;
mod sentinel;
mod soak;
mod stuffing;

use std::fmt::Write as _;
use std::pin::Pin;
use std::time::Duration;

use clap::ValueEnum;

use crate::verdict::{Fact, Target};
use crate::visitor::Visitor;

/// The scenarios by the names that they are asked for by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Name {
    /// 50 users of a website and its administration, as FastAuth-RBAC-Sentinel published it
    Sentinel,
    /// 300 users register, log in and read, as FastAPI-Authentication-System published it
    #[value(name = "fastapi-auth-300")]
    FastapiAuth300,
    /// The same with 500 users
    #[value(name = "fastapi-auth-500")]
    FastapiAuth500,
    /// The same with 800 users who come slowly
    #[value(name = "fastapi-auth-800")]
    FastapiAuth800,
    /// The same with 400 users who come fast
    FastapiAuthBurst,
    /// 1,000 users within ten seconds
    #[value(name = "burst-1000")]
    Burst1000,
    /// Logins far above what can be hashed, beside a trickle of reads
    LoginStorm,
    /// Every session is refreshed at the same moment, some from two tabs
    RefreshStorm,
    /// Guessed passwords from many sources, beside people who mean well
    Stuffing,
    /// Reads, pages of accounts and denials in known proportions
    RbacMix,
    /// As many reads as the machine gives
    Peak,
    /// Moderate load for an hour
    Soak,
}

impl Name {
    /// What it stands for.
    #[must_use]
    pub const fn scenario(self) -> &'static Scenario {
        match self {
            Self::Sentinel => &sentinel::SCENARIO,
            Self::FastapiAuth300 => &fastapi_auth::WITH_300,
            Self::FastapiAuth500 => &fastapi_auth::WITH_500,
            Self::FastapiAuth800 => &fastapi_auth::WITH_800,
            Self::FastapiAuthBurst => &fastapi_auth::BURST,
            Self::Burst1000 => &burst::SCENARIO,
            Self::LoginStorm => &login_storm::SCENARIO,
            Self::RefreshStorm => &refresh_storm::SCENARIO,
            Self::Stuffing => &stuffing::SCENARIO,
            Self::RbacMix => &rbac_mix::SCENARIO,
            Self::Peak => &peak::SCENARIO,
            Self::Soak => &soak::SCENARIO,
        }
    }
}

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
    pub targets: &'static [Target],
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
    const BASE: Self = Self {
        name: "",
        about: "",
        story: "",
        users: 0,
        rate: 10.0,
        run_time: Duration::from_mins(1),
        reference: None,
        targets: &[Target::NO_FAILURES],
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
    const fn of(system: &'static str) -> Self {
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
use step;

/// Registers and logs in: the beginning of most users.
async fn arrive(visitor: &mut Visitor<'_>) {
    visitor.arrive().await;
}

/// Logs in as the administrator.
async fn arrive_as_admin(visitor: &mut Visitor<'_>) {
    let admin = visitor.player.shared.admin.clone();
    visitor.arrive_as(admin).await;
}

/// All scenarios, for a person.
#[must_use]
pub fn list() -> String {
    let mut text = String::new();
    for name in Name::value_variants() {
        let scenario = name.scenario();
        let _ = writeln!(text, "{}\n    {}", scenario.name, scenario.about);
        let _ = writeln!(
            text,
            "    {} users, {} a second, then {}",
            scenario.users,
            scenario.rate,
            humantime::format_duration(scenario.run_time)
        );
        if let Some(reference) = &scenario.reference {
            let _ = writeln!(text, "    published by {}", reference.system);
        }
        for target in scenario.targets {
            let _ = writeln!(text, "    target: {target}");
        }
        for fact in scenario.facts {
            let _ = writeln!(text, "    expected: {}", fact.name);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_scenario_is_known_by_its_own_name() {
        for name in Name::value_variants() {
            let asked = name.to_possible_value().expect("shown");
            assert_eq!(asked.get_name(), name.scenario().name);
        }
        let names: BTreeSet<_> = Name::value_variants()
            .iter()
            .map(|name| name.scenario().name)
            .collect();
        assert_eq!(names.len(), Name::value_variants().len());
    }

    #[test]
    fn every_scenario_is_sound() {
        for name in Name::value_variants() {
            let scenario = name.scenario();
            let classes = (scenario.classes)();
            let weights: usize = classes.iter().map(|class| class.weight).sum();
            assert!(
                weights > 0 && scenario.users >= weights,
                "{}: all kinds take part",
                scenario.name
            );
            assert!(
                !scenario.targets.is_empty(),
                "{}: something is expected",
                scenario.name
            );
            for class in classes {
                assert!(
                    class
                        .wait
                        .is_none_or(|(least, most)| 0.0 < least && least <= most)
                );
            }
            assert!(list().contains(scenario.about));
        }
    }
}
