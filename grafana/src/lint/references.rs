//! References in panels' descriptions: other panels, options of the service, sections of the runbook.

use std::collections::BTreeSet;

use catalogue::options::OPTIONS;
use serde_json::Value;

use super::{Finding, Findings};

/// Precedes the sections of the runbook at the end of a description.
const RUNBOOK: &str = "Runbook: ";

/// The panels of a dashboard, without its rows.
fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    let all = dashboard["panels"].as_array().into_iter().flatten();
    all.filter(|panel| panel["type"] != "row")
}

fn has(dashboard: &Value, title: &str) -> bool {
    panels(dashboard).any(|panel| panel["title"] == title)
}

/// A dashboard's short name: the first word of its title.
fn short(dashboard: &Value) -> &str {
    let title = dashboard["title"].as_str().unwrap_or_default();
    title.split(' ').next().unwrap_or_default()
}

/// Every panel says where to go on, and its references exist: panels in emphasis, with their dashboard's
/// first word if it is another; options as code; sections at the end.
#[must_use]
pub fn references(dashboards: &[(&str, Value)], sections: &BTreeSet<String>) -> Vec<Finding> {
    let mut findings = Findings::new();
    for (file, dashboard) in dashboards {
        let mut titles = BTreeSet::new();
        for panel in panels(dashboard) {
            let title = panel["title"].as_str().unwrap_or_default();
            findings.at(file, title);
            findings.expect(titles.insert(title), "unique-title", "comes twice");
            let text = panel["description"].as_str().unwrap_or_default();
            let (words, runbook) = text.split_once(RUNBOOK).unwrap_or((text, ""));
            let elsewhere = |name: &str| {
                dashboards.iter().any(|(_, other)| {
                    has(other, name) && words.contains(&format!("on {}", short(other)))
                })
            };
            let mut next = 0;
            for name in marked(words, '*') {
                next += 1;
                findings.expect(
                    name != title && (has(dashboard, name) || elsewhere(name)),
                    "panel-see",
                    format!("there is no panel {name} where it says"),
                );
            }
            for name in marked(words, '`') {
                next += 1;
                let known = OPTIONS.contains(&name);
                findings.expect(known, "setting-known", format!("there is no {name}"));
            }
            for link in runbook.split(", ").filter(|link| !link.is_empty()) {
                next += 1;
                let known = link
                    .split_once('#')
                    .is_some_and(|(_, section)| sections.contains(section));
                findings.expect(known, "runbook-known", format!("there is no {link}"));
            }
            findings.expect(next > 0, "panel-next", "does not say where to go on");
        }
    }
    findings.into_list()
}

/// The texts between pairs of a mark.
fn marked(text: &str, mark: char) -> impl Iterator<Item = &str> {
    text.split(mark).skip(1).step_by(2)
}
