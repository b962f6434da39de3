//! What a rule is made of, its YAML, and all rules.

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

/// How urgent an alert is, and so where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Somebody is woken: users suffer, or somebody is attacking.
    Page,
    /// Somebody looks at it within days.
    Ticket,
    /// Somebody should know, and nothing is wrong.
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

/// A series that Prometheus keeps ready.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its name, as `level:metric:operations`.
    pub name: String,
    /// What it is.
    pub expr: String,
}

/// An alert.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Its name, in CamelCase.
    pub name: &'static str,
    /// When it fires.
    pub expr: String,
    /// For how long that must be so.
    pub lasts: Duration,
    /// How urgent it is.
    pub severity: Severity,
    /// For alerts that share a name: over which windows.
    pub window: Option<&'static str>,
    /// What is wrong, in a line, with values.
    pub summary: Cow<'static, str>,
    /// What it means and what to look at first.
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

    /// For how long the expression must have a result before the alert fires.
    pub(crate) fn lasts(mut self, lasts: Duration) -> Self {
        self.lasts = lasts;
        self
    }

    /// For alerts that share a name: over which windows.
    pub(crate) fn window(mut self, window: &'static str) -> Self {
        self.window = Some(window);
        self
    }

    /// What is wrong in a line, with values; and what it means and what to look at first.
    pub(crate) fn text(
        mut self,
        summary: impl Into<Cow<'static, str>>,
        description: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.summary = summary.into();
        self.description = description.into();
        self
    }

    /// The section of the runbook, without `#`, and the uid of the dashboard that shows it.
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
    /// What is recorded, first.
    pub records: Vec<Record>,
    /// What is alerted on.
    pub alerts: Vec<Alert>,
}

/// A file of rules.
#[derive(Clone, Debug)]
pub struct RuleFile {
    /// Its name below the folder of rules.
    pub name: &'static str,
    /// What it is for: its first line, as a comment.
    pub about: &'static str,
    /// Its groups.
    pub groups: Vec<Group>,
}

/// All files of rules that are loaded.
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

/// Files of rules for those who want them: in a folder of their own, which is not loaded.
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

/// How long a condition must hold.
const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}
