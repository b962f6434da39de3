//! The parts of a rule, its YAML, and all rules.

mod availability;
mod burn;
mod compat;
mod health;
mod saturation;
mod security;
mod sli;
mod yaml;

use std::borrow::Cow;
use std::time::Duration;

pub use saturation::MEMORY_LIMIT_GIB;
pub use yaml::{Links, yaml};

/// The severity of an alert, which decides the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Wakes the person on call: users are affected, or there is an attack.
    Page,
    /// To be handled within days.
    Ticket,
    /// For information; nothing is wrong.
    Info,
}

impl Severity {
    /// The value of the label.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
            Self::Info => "info",
        }
    }
}

/// A recorded series.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its name, as `level:metric:operations`.
    pub name: String,
    /// Its expression.
    pub expr: String,
}

/// An alert.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Its name, in CamelCase.
    pub name: &'static str,
    /// Its condition.
    pub expr: String,
    /// How long the condition must hold.
    pub lasts: Duration,
    /// Its severity.
    pub severity: Severity,
    /// The windows, for alerts that share a name.
    pub window: Option<&'static str>,
    /// The problem in a line, with values.
    pub summary: Cow<'static, str>,
    /// Its meaning, and where to look first.
    pub description: Cow<'static, str>,
    /// The section of the runbook, without `#`.
    pub runbook: &'static str,
    /// The uid of the dashboard that shows it.
    pub dashboard: &'static str,
}

impl Alert {
    /// An alert that fires as soon as `expr` has a result.
    pub(crate) fn new(severity: Severity, name: &'static str, expr: impl Into<String>) -> Self {
        Self {
            name,
            expr: expr.into(),
            lasts: Duration::ZERO,
            severity,
            window: None,
            summary: Cow::Borrowed(""),
            description: Cow::Borrowed(""),
            runbook: "",
            dashboard: "",
        }
    }

    /// Sets how long the expression must have a result before the alert fires.
    pub(crate) fn lasts(mut self, lasts: Duration) -> Self {
        self.lasts = lasts;
        self
    }

    /// The windows, for alerts that share a name.
    pub(crate) fn window(mut self, window: &'static str) -> Self {
        self.window = Some(window);
        self
    }

    /// Sets the summary (the problem in a line, with values) and the description (its meaning, and where
    /// to look first).
    pub(crate) fn text(
        mut self,
        summary: impl Into<Cow<'static, str>>,
        description: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.summary = summary.into();
        self.description = description.into();
        self
    }

    /// Sets the section of the runbook, without `#`, and the uid of the dashboard that shows it.
    pub(crate) fn links(mut self, runbook: &'static str, dashboard: &'static str) -> Self {
        self.runbook = runbook;
        self.dashboard = dashboard;
        self
    }
}

/// Rules that are evaluated together, one after the other.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name.
    pub name: &'static str,
    /// Recorded series; evaluated first.
    pub records: Vec<Record>,
    /// Alerts.
    pub alerts: Vec<Alert>,
}

/// A file of rules.
#[derive(Clone, Debug)]
pub struct RuleFile {
    /// Its name below the folder of rules.
    pub name: &'static str,
    /// Its purpose: the first line, as a comment.
    pub about: &'static str,
    /// Its groups.
    pub groups: Vec<Group>,
}

/// All files of rules that the shipped configuration loads.
#[must_use]
pub fn all() -> Vec<RuleFile> {
    vec![
        sli::file(),
        burn::file(),
        availability::file(),
        security::file(),
        saturation::file(),
        health::file(),
    ]
}

/// Optional files of rules, in a folder that is not loaded.
#[must_use]
pub fn optional() -> Vec<RuleFile> {
    vec![compat::file()]
}

/// All alerts.
#[must_use]
pub fn alerts() -> Vec<Alert> {
    let groups = all().into_iter().flat_map(|file| file.groups);
    groups.flat_map(|group| group.alerts).collect()
}

/// The names of all recorded series.
#[must_use]
pub fn recorded() -> Vec<String> {
    let groups = all().into_iter().flat_map(|file| file.groups);
    let records = groups.flat_map(|group| group.records);
    records.map(|record| record.name).collect()
}

/// A duration in minutes.
const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}
