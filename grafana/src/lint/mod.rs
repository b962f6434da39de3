//! What dashboards and rules must satisfy, checked on the files that are shipped.
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

/// Something that a file must not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where: a file, and a panel or rule in it.
    pub place: String,
    /// Which rule it breaks.
    pub rule: &'static str,
    /// What is wrong.
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

/// What is collected on the way.
#[derive(Debug)]
pub struct Findings {
    place: String,
    panel: String,
    list: Vec<Finding>,
}

impl Findings {
    /// Nothing is wrong yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            place: String::new(),
            panel: String::new(),
            list: Vec::new(),
        }
    }

    /// What follows is about this file, and this panel or rule in it.
    pub fn at(&mut self, file: &str, panel: &str) {
        panel.clone_into(&mut self.panel);
        self.place = if panel.is_empty() {
            file.to_owned()
        } else {
            format!("{file}: {panel}")
        };
    }

    /// This is wrong, unless there is a reason.
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

    /// This is wrong unless `holds`.
    pub fn expect(&mut self, holds: bool, rule: &'static str, text: impl Into<String>) {
        if !holds {
            self.add(rule, text);
        }
    }

    /// All that is wrong.
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
