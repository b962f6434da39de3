//! Files of rules.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use promql_parser::parser::Expr;
use serde::Deserialize;

use super::expr::{Place, check, parse};
use super::labels::labels;
use super::{Finding, Findings};
use crate::known::AllKnown;

/// Upper bound of the evaluation interval: with a longer one, short ranges are missed.
const LONGEST_INTERVAL: Duration = Duration::from_mins(5);
const SEVERITIES: [&str; 3] = ["page", "ticket", "info"];

/// A file as Prometheus reads it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Its groups.
    pub groups: Vec<Group>,
}

/// A group as Prometheus reads it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its evaluation interval, if it is not the global one.
    pub interval: Option<String>,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// A rule as Prometheus reads it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The name of the recorded series.
    pub record: Option<String>,
    /// The name of an alert.
    pub alert: Option<String>,
    /// PromQL.
    pub expr: String,
    /// How long the condition must hold.
    #[serde(rename = "for")]
    pub lasts: Option<String>,
    /// How long it keeps firing afterwards.
    pub keep_firing_for: Option<String>,
    /// Additional labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

impl Rule {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        let name = self.alert.as_ref().or(self.record.as_ref());
        name.map(String::as_str).unwrap_or_default()
    }
}

/// Targets of the links of alerts.
#[derive(Clone, Debug)]
pub struct Targets {
    /// The anchors of the runbook.
    pub runbook: BTreeSet<String>,
    /// The uids of the dashboards.
    pub dashboards: BTreeSet<String>,
}

/// Checks all files, each a name and its contents.
#[must_use]
pub fn rules(files: &[(String, String)], targets: &Targets, known: &AllKnown) -> Vec<Finding> {
    let mut findings = Findings::new();
    let (mut groups, mut names) = (BTreeSet::new(), BTreeSet::new());
    for (file, text) in files {
        findings.at(file, "");
        let document: Document = match yaml_serde::from_str(text) {
            Ok(document) => document,
            Err(error) => {
                findings.add("yaml", error.to_string());
                continue;
            }
        };
        for group in document.groups {
            findings.at(file, &group.name);
            findings.expect(
                groups.insert(group.name.clone()),
                "unique-group",
                "comes twice",
            );
            let interval = group.interval.as_deref().map(humantime::parse_duration);
            let short = interval.is_none_or(|i| i.is_ok_and(|i| i <= LONGEST_INTERVAL));
            findings.expect(short, "group-interval", "is evaluated too seldom");
            for rule in &group.rules {
                findings.at(file, rule.name());
                let once = names.insert((rule.name().to_owned(), rule.labels.clone()));
                findings.expect(once, "unique-rule", "the same rule comes twice");
                check(&rule.expr, Place::Rule, known, &mut findings);
                match (&rule.alert, &rule.record) {
                    (Some(_), None) => alert(rule, targets, known, &mut findings),
                    (None, Some(name)) => record(name, &mut findings),
                    _ => findings.add("rule-kind", "neither an alert nor a record"),
                }
            }
        }
    }
    findings.into_list()
}

/// `level:metric:operations`.
fn record(name: &str, findings: &mut Findings) {
    let parts: Vec<&str> = name.split(':').collect();
    let sound = parts.len() == 3 && parts.iter().all(|part| !part.is_empty());
    findings.expect(sound, "record-name", "must be level:metric:operations");
}

fn alert(rule: &Rule, targets: &Targets, known: &AllKnown, findings: &mut Findings) {
    let Ok(expr) = parse(&rule.expr) else { return };
    let absence = rule.expr.contains("absent(");
    findings.expect(
        compares(&expr) || absence,
        "alert-comparison",
        "fires whenever there is a value",
    );
    findings.expect(
        !absence || rule.lasts.is_some(),
        "alert-absent-for",
        "fires at the first scrape that is missed",
    );
    let severity = rule.labels.get("severity").map(String::as_str);
    findings.expect(
        severity.is_some_and(|severity| SEVERITIES.contains(&severity)),
        "alert-severity",
        "goes nowhere",
    );
    for value in rule.labels.values() {
        findings.expect(
            !value.contains("{{"),
            "alert-label-template",
            "a label that changes is another alert each time",
        );
    }
    let own = labels(&expr, known).unwrap_or_default();
    for (name, text) in &rule.annotations {
        for label in template_labels(text) {
            let has = own.contains(label) || rule.labels.contains_key(label);
            findings.expect(has, "alert-template", format!("{name}: no label {label}"));
        }
        findings.expect(
            text.matches("{{").count() == text.matches("}}").count(),
            "alert-template",
            format!("{name}: braces"),
        );
    }
    let annotation = |name: &str| {
        rule.annotations
            .get(name)
            .map(String::as_str)
            .unwrap_or_default()
    };
    for name in ["summary", "description"] {
        findings.expect(
            !annotation(name).is_empty(),
            "alert-annotations",
            format!("lacks a {name}"),
        );
    }
    let anchor = annotation("runbook_url")
        .split_once('#')
        .map(|(_, anchor)| anchor);
    findings.expect(
        anchor.is_some_and(|anchor| targets.runbook.contains(anchor)),
        "alert-runbook",
        format!("the runbook has no section {anchor:?}"),
    );
    let uid = annotation("dashboard_url")
        .rsplit_once("/d/")
        .map(|(_, uid)| uid);
    findings.expect(
        uid.is_some_and(|uid| targets.dashboards.contains(uid)),
        "alert-dashboard",
        format!("there is no dashboard {uid:?}"),
    );
}

/// Whether the expression, or a part that it is combined from, is a comparison.
fn compares(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(paren) => compares(&paren.expr),
        Expr::Binary(binary) if binary.op.is_comparison_operator() => true,
        Expr::Binary(binary) if binary.op.is_set_operator() => {
            let (left, right) = (compares(&binary.lhs), compares(&binary.rhs));
            if binary.op.to_string() == "or" {
                left && right
            } else {
                left || right
            }
        }
        Expr::Aggregate(aggregate) => compares(&aggregate.expr),
        _ => false,
    }
}

fn template_labels(text: &str) -> impl Iterator<Item = &str> {
    text.split("$labels.").skip(1).map(|rest| {
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        &rest[..end]
    })
}
