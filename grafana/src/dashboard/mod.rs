//! The parts of a dashboard.

mod annotation;
mod json;
mod panel;
mod view;

pub use annotation::Annotation;
pub use json::json;
pub use panel::{Idle, Link, Panel, Target, Unit, View};

/// The colours of states, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// Good.
    Good,
    /// Worth a look.
    Warn,
    /// Needs action.
    Bad,
    /// Neither good nor bad.
    Plain,
}

impl Color {
    /// The name in Grafana's palette.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "green",
            Self::Warn => "orange",
            Self::Bad => "red",
            Self::Plain => "blue",
        }
    }
}

/// A dashboard.
#[derive(Clone, Debug)]
pub struct Dashboard {
    /// Its uid in links: `auth-` and the file's name.
    pub uid: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Its purpose.
    pub description: &'static str,
    /// Its variables beside data source, job and instance.
    pub variables: Vec<Variable>,
    /// Its rows, from the top.
    pub rows: Vec<Row>,
}

/// A variable of a dashboard: some values of a label, or all.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name in expressions.
    pub name: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// Where its values come from, as `label_values(…)`.
    pub query: &'static str,
}

/// Panels that belong together.
#[derive(Clone, Debug)]
pub struct Row {
    /// The row's title.
    pub title: &'static str,
    /// From the left; a panel that does not fit begins a new line.
    pub panels: Vec<Panel>,
}

/// The jobs of the service.
pub const JOB: Variable = Variable {
    name: "job",
    label: "Job",
    query: "label_values(auth_build_info, job)",
};

/// Its replicas.
pub const INSTANCE: Variable = Variable {
    name: "instance",
    label: "Instance",
    query: "label_values(auth_build_info{job=~\"$job\"}, instance)",
};

impl Dashboard {
    /// The name of its file, without folder.
    #[must_use]
    pub fn file(&self) -> String {
        format!("{}.json", self.uid.trim_start_matches("auth-"))
    }

    /// All its variables but the data source.
    pub fn all_variables(&self) -> impl Iterator<Item = Variable> {
        [JOB, INSTANCE]
            .into_iter()
            .chain(self.variables.iter().copied())
    }

    /// The annotations on all its panels.
    #[must_use]
    pub fn annotations(&self) -> Vec<Annotation> {
        let lab = self.all_variables().any(|v| v.name == "loadtest_job");
        annotation::all(lab)
    }

    /// All its panels.
    pub fn panels(&self) -> impl Iterator<Item = &Panel> {
        self.rows.iter().flat_map(|row| &row.panels)
    }
}
