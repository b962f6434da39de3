//! What came of a search, as plain data: the content of `capacity.json`.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use testkit::machine::Machine;

use super::search::Outcome;
use crate::Result;
use crate::about::About;
use crate::ending::Ending;
use crate::resources::Resources;
use crate::versioned::Versioned;
use crate::yardstick::Yardstick;

/// The version of this form.
pub const VERSION: u32 = 1;

/// The whole.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Capacity {
    /// The version of this form.
    pub version: u32,
    /// When it began (RFC 3339).
    pub started: String,
    /// The commit of the lab.
    pub revision: String,
    /// How it ended.
    pub ending: Ending,
    /// Why it ended before its time.
    pub because: Option<String>,
    /// The machine of the lab.
    pub machine: Machine,
    /// Whether the service ran on it, too.
    pub shared: bool,
    /// Whether a proxy stood before the service, which then is part of every figure.
    pub proxied: bool,
    /// What the machine can do.
    pub yardstick: Yardstick,
    /// Settings of a service that the lab started, with secrets hidden.
    pub settings: Vec<String>,
    /// Seconds of a run at one rate.
    pub step_seconds: f64,
    /// How near to each other the highest rate that held and the next one are, as a share.
    pub precision: f64,
    /// What was found, by number of replicas.
    pub stands: Vec<Stand>,
}

/// So many replicas.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Stand {
    /// Their number.
    pub replicas: usize,
    /// The service.
    pub about: About,
    /// What was found for each kind of work.
    pub works: Vec<Found>,
}

/// A kind of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Logins, each of which hashes a password.
    #[default]
    Logins,
    /// Reads, each of which verifies a token.
    Reads,
}

/// What was found for a kind of work.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Found {
    /// Which.
    pub work: Work,
    /// The highest rate that held, a second.
    pub rate: Option<f64>,
    /// Whether the service may hold more.
    pub at_least: bool,
    /// What filled first.
    pub filled: Option<Filled>,
    /// The run at that rate whose figures are those of the service at its limit.
    pub held: Option<Probe>,
    /// The one at the lowest rate above it that did not hold.
    pub missed: Option<Probe>,
    /// What was predicted from fewer replicas before this was measured.
    pub predicted: Option<Predicted>,
    /// All runs.
    pub probes: Vec<Probe>,
}

/// A run at a rate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Probe {
    /// The rate, a second.
    pub rate: f64,
    /// What came of it.
    pub outcome: Outcome,
    /// Successes a second.
    pub per_second: f64,
    /// 99 of 100 took at most this time from the moment they were due, in milliseconds.
    pub p99_ms: f64,
    /// What did not hold, in words.
    pub complaints: Vec<String>,
    /// What was in use.
    pub resources: Option<Resources>,
    /// The folder of its reports.
    pub folder: PathBuf,
}

/// What can be full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// The threads that hash passwords.
    HashGate,
    /// The processor.
    Processor,
    /// The pool of connections to the database.
    Connections,
    /// Redis.
    Redis,
    /// Limits that are set to refuse.
    RateLimits,
    /// The lab, which then cannot tell what the service would hold.
    Lab,
    /// Other programs, which left the service too little of the processor.
    Others,
}

/// What was full, and how that is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Filled {
    /// What.
    pub resource: Resource,
    /// The evidence.
    pub evidence: String,
}

/// A rate that follows from another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Predicted {
    /// The rate, a second.
    pub rate: f64,
    /// Whether it follows from a bound.
    pub at_least: bool,
    /// From what it follows.
    pub because: String,
}

impl Work {
    /// What is searched.
    pub const ALL: [Self; 2] = [Self::Logins, Self::Reads];

    /// The word in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Logins => "logins",
            Self::Reads => "reads",
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HashGate => "the hash threads",
            Self::Processor => "the processor",
            Self::Connections => "the connections to the database",
            Self::Redis => "Redis",
            Self::RateLimits => "the rate limits",
            Self::Lab => "the lab itself",
            Self::Others => "the processor, with other programs",
        })
    }
}

impl Found {
    /// The rate, as a bound where it is one.
    #[must_use]
    pub fn shown(&self) -> String {
        match self.rate {
            None => "none".to_owned(),
            Some(rate) if self.at_least => format!("at least {rate}/s"),
            Some(rate) => format!("{rate}/s"),
        }
    }

    /// By how much the measured rate differs from the predicted one, as a share of that. Nothing where either
    /// is a bound.
    #[must_use]
    pub fn deviation(&self) -> Option<f64> {
        let predicted = self.predicted.as_ref()?;
        let known = !self.at_least && !predicted.at_least;
        known.then_some(self.rate? / predicted.rate - 1.0)
    }
}

impl Stand {
    /// What was found for this kind of work.
    #[must_use]
    pub fn of(&self, work: Work) -> Option<&Found> {
        self.works.iter().find(|found| found.work == work)
    }
}

impl Capacity {
    /// Reads one: a file, or the folder that it is in.
    ///
    /// # Errors
    /// When it is none, or of another version.
    pub fn read(path: &Path) -> Result<Self> {
        let form = Versioned {
            file: "capacity.json",
            version: VERSION,
            other_form: "says nothing of a capacity",
            other_version: "is of version",
        };
        form.read(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacity_survives_writing_and_reading_and_other_versions_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("capacity.json");
        let capacity = Capacity {
            version: VERSION,
            stands: vec![Stand {
                replicas: 2,
                works: vec![Found {
                    rate: Some(60.0),
                    ..Found::default()
                }],
                ..Stand::default()
            }],
            ..Capacity::default()
        };
        let text = serde_json::to_string(&capacity).expect("JSON");
        std::fs::write(&file, &text).expect("written");
        let read = Capacity::read(folder.path()).expect("read");
        let found = read.stands[0].of(Work::Logins).expect("found");
        assert_eq!(found.shown(), "60/s");
        assert!(read.stands[0].of(Work::Reads).is_none());
        std::fs::write(&file, text.replace("\"version\":1", "\"version\":7")).expect("written");
        let error = Capacity::read(&file).expect_err("of another version");
        assert!(error.to_string().ends_with("is of version 7, not 1"));
        std::fs::write(&file, "{}").expect("written");
        let error = Capacity::read(&file).expect_err("nothing");
        assert!(error.to_string().contains("says nothing of a capacity"));
    }

    #[test]
    fn bound_is_shown_as_one() {
        let mut found = Found {
            rate: Some(3200.0),
            at_least: true,
            predicted: Some(Predicted {
                rate: 4000.0,
                at_least: false,
                because: String::new(),
            }),
            ..Found::default()
        };
        assert_eq!(found.shown(), "at least 3200/s");
        assert_eq!(found.deviation(), None, "nobody knows by how much");
        found.at_least = false;
        let deviation = found.deviation().expect("both are known");
        assert!((deviation + 0.2).abs() < 1e-9);
        if let Some(predicted) = &mut found.predicted {
            predicted.at_least = true;
        }
        assert_eq!(found.deviation(), None);
        found.rate = None;
        assert_eq!((found.shown().as_str(), found.deviation()), ("none", None));
    }
}
