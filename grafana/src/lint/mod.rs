//! The linter: checks the shipped dashboards and rules.
//!
//! The rules for dashboards are those of Grafana's dashboard linter in our own words, and our own: no
//! panel or rule can name a metric, a label, a label's value or a bucket's bound that does not exist.

mod coverage;
mod dashboard;
mod expr;
mod labels;
mod names;
mod references;
mod rules;
mod shape;
mod shipped;

use std::fmt;

pub use coverage::coverage;
pub use dashboard::dashboard;
pub use expr::{Place, check, parse};
pub use references::references;
pub use rules::{Document, Group, Rule, Targets, rules};
pub use shipped::{Shipped, anchors};

/// A violation in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where: a file, and a panel or rule in it.
    pub place: String,
    /// Which rule it breaks.
    pub rule: &'static str,
    /// The problem.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, rule, text } = self;
        write!(f, "{place}: {rule}: {text}")
    }
}

/// Exceptions from the rules, by panel and never by rule alone, each with its reason.
const EXCLUSIONS: &[(&str, &str, &str)] = &[(
    "target-rate-interval",
    "Failed logins against the same hour yesterday",
    "yesterday's figure is over a fixed hour",
)];

/// The findings so far.
#[derive(Debug)]
pub struct Findings {
    place: String,
    panel: String,
    list: Vec<Finding>,
}

impl Findings {
    /// No findings yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            place: String::new(),
            panel: String::new(),
            list: Vec::new(),
        }
    }

    /// Sets the place of the findings that follow: a file, and a panel or rule in it.
    pub fn at(&mut self, file: &str, panel: &str) {
        panel.clone_into(&mut self.panel);
        self.place = if panel.is_empty() {
            file.to_owned()
        } else {
            format!("{file}: {panel}")
        };
    }

    /// Adds a finding, unless there is an exception.
    pub fn add(&mut self, rule: &'static str, text: impl Into<String>) {
        let excluded =
            |(name, panel, _): &(&str, &str, &str)| *name == rule && *panel == self.panel;
        if !EXCLUSIONS.iter().any(excluded) {
            self.list.push(Finding {
                place: self.place.clone(),
                rule,
                text: text.into(),
            });
        }
    }

    /// Adds a finding unless `holds`.
    pub fn expect(&mut self, holds: bool, rule: &'static str, text: impl Into<String>) {
        if !holds {
            self.add(rule, text);
        }
    }

    /// All findings.
    #[must_use]
    pub fn into_list(self) -> Vec<Finding> {
        self.list
    }
}

impl Default for Findings {
    fn default() -> Self {
        Self::new()
    }
}
