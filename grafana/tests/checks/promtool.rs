//! Runs `promtool`, and reads its test files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use grafana::lint::Rule;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

/// Runs the `promtool` that `PROMTOOL` names, else the one in PATH.
///
/// # Panics
/// When it is missing or fails.
pub fn run(args: &[PathBuf]) {
    let program = std::env::var_os("PROMTOOL").unwrap_or_else(|| "promtool".into());
    let output = Command::new(&program).args(args).output();
    let output = output.unwrap_or_else(|error| {
        panic!(
            "{} cannot be run: {error}. It comes with Prometheus (Debian's package `prometheus`); \
             or name it in PROMTOOL.",
            program.display()
        )
    });
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "promtool {args:?}:\n{said}");
}

/// The YAML files in a folder, sorted by name.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "yml"))
        .collect();
    paths.sort();
    paths
}

/// A file of YAML.
///
/// # Panics
/// When it has another structure.
pub fn read<T: DeserializeOwned>(path: &Path) -> T {
    let text = std::fs::read_to_string(path).expect("readable");
    yaml_serde::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A file of tests.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestFile {
    /// Which rules it tests.
    pub rule_files: Vec<PathBuf>,
    /// How often they are evaluated.
    #[serde(deserialize_with = "duration")]
    pub evaluation_interval: Duration,
    /// In which order.
    #[serde(default)]
    pub group_eval_order: Vec<String>,
    /// The tests.
    pub tests: Vec<Group>,
}

/// Input series, and the expected alerts and values.
#[derive(Deserialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// The input series.
    pub input_series: Vec<Series>,
    /// The expected alerts.
    #[serde(default)]
    pub alert_rule_test: Vec<AlertTest>,
    /// The expected results of queries.
    #[serde(default)]
    pub promql_expr_test: Vec<ExprTest>,
}

/// A series.
#[derive(Deserialize)]
pub struct Series {
    /// Its values, in promtool's notation.
    pub values: String,
}

/// The expected alerts with a name at a time.
#[derive(Deserialize)]
pub struct AlertTest {
    /// When.
    #[serde(deserialize_with = "duration")]
    pub eval_time: Duration,
    /// Which.
    pub alertname: String,
    /// The alerts that fire.
    pub exp_alerts: Vec<Fired>,
}

/// An alert that fires.
#[derive(Deserialize)]
pub struct Fired {
    exp_labels: BTreeMap<String, String>,
    exp_annotations: BTreeMap<String, String>,
}

/// The expected result of a query.
#[derive(Deserialize)]
pub struct ExprTest {
    /// The query.
    pub expr: String,
    /// The answer.
    pub exp_samples: Vec<yaml_serde::Value>,
}

impl Group {
    /// The times and counts that are tested for an alert.
    pub fn of<'a>(&'a self, alert: &'a str) -> impl Iterator<Item = &'a AlertTest> {
        let tests = self.alert_rule_test.iter();
        tests.filter(move |test| test.alertname == alert)
    }

    /// Whether there is a value other than 0.
    pub fn moves(&self) -> bool {
        let samples = self.input_series.iter().flat_map(|s| s.values.split(' '));
        let mut values = samples.map(|sample| sample.split('x').next().unwrap_or_default());
        values.any(|value| value.contains(|c: char| ('1'..='9').contains(&c)))
    }
}

impl Fired {
    /// Whether it is this rule's alert, with all labels and annotations of the rule.
    pub fn is(&self, rule: &Rule) -> bool {
        let labels = || rule.labels.iter();
        let same = labels().all(|(name, value)| self.exp_labels.get(name) == Some(value));
        same && rule.annotations.keys().eq(self.exp_annotations.keys())
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map_err(D::Error::custom)
}
