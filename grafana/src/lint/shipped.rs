//! The files that are shipped, together.

use std::collections::BTreeSet;
use std::path::Path;

use super::rules::{Document, Targets};
use super::{Finding, coverage, dashboard, references, rules};
use crate::Result;
use crate::explore::EXPLORE;
use crate::known::AllKnown;

/// Names and contents of the shipped files.
#[derive(Clone, Debug)]
pub struct Shipped {
    /// The dashboards, as JSON.
    pub dashboards: Vec<(String, String)>,
    /// The rules, as YAML.
    pub rules: Vec<(String, String)>,
    /// The runbook, as Markdown.
    pub runbook: String,
}

/// The files with this ending in a folder, in the order of their names.
fn files(folder: &Path, ending: &str) -> Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == ending) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            files.push((name.into_owned(), std::fs::read_to_string(&path)?));
        }
    }
    files.sort();
    Ok(files)
}

/// The anchors that a Markdown document's headings have, as GitHub makes them.
#[must_use]
pub fn anchors(markdown: &str) -> BTreeSet<String> {
    let headings = markdown.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let words = line.trim_start_matches('#').trim().to_lowercase();
            let kept = words
                .chars()
                .filter(|c| c.is_alphanumeric() || *c == ' ' || *c == '-' || *c == '_');
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

impl Shipped {
    /// Reads them; `folder` is `grafana`, beside `docs`.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn read(folder: &Path) -> Result<Self> {
        Ok(Self {
            dashboards: files(&folder.join("dashboards"), "json")?,
            rules: files(&folder.join("rules"), "yml")?,
            runbook: std::fs::read_to_string(folder.join("../docs/runbook.md"))?,
        })
    }

    /// The known metrics, with the series that these rules record.
    ///
    /// # Errors
    /// When a file does not hold rules.
    pub fn known(&self) -> Result<AllKnown> {
        let mut names = Vec::new();
        for (_, text) in &self.rules {
            let document: Document = yaml_serde::from_str(text)?;
            let rules = document.groups.into_iter().flat_map(|group| group.rules);
            names.extend(rules.filter_map(|rule| rule.record));
        }
        Ok(AllKnown::new().with_recorded(names))
    }

    /// All expressions of panels, annotations and rules.
    ///
    /// # Errors
    /// When a file cannot be parsed.
    pub fn exprs(&self) -> Result<Vec<String>> {
        let mut exprs = Vec::new();
        for (_, text) in &self.dashboards {
            let json: serde_json::Value = serde_json::from_str(text)?;
            let panels = json["panels"].as_array().into_iter().flatten();
            let targets =
                panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
            let texts = targets.filter_map(|target| target["expr"].as_str());
            exprs.extend(texts.map(ToOwned::to_owned));
            let marked = json["annotations"]["list"].as_array().into_iter().flatten();
            let texts = marked.filter_map(|annotation| annotation["expr"].as_str());
            exprs.extend(texts.map(ToOwned::to_owned));
        }
        for (_, text) in &self.rules {
            let document: Document = yaml_serde::from_str(text)?;
            let rules = document.groups.into_iter().flat_map(|group| group.rules);
            exprs.extend(rules.map(|rule| rule.expr));
        }
        Ok(exprs)
    }

    /// All findings.
    ///
    /// # Errors
    /// When a file cannot be parsed.
    pub fn lint(&self) -> Result<Vec<Finding>> {
        let known = self.known()?;
        let mut findings = Vec::new();
        let mut uids = BTreeSet::new();
        let mut parsed = Vec::new();
        for (file, text) in &self.dashboards {
            findings.extend(dashboard(file, text, &known));
            let json: serde_json::Value = serde_json::from_str(text)?;
            let uid = json["uid"].as_str().unwrap_or_default().to_owned();
            if !uids.insert(uid.clone()) {
                findings.push(Finding {
                    place: file.clone(),
                    rule: "unique-ids",
                    text: format!("the uid {uid} comes twice"),
                });
            }
            parsed.push((file.as_str(), json));
        }
        let targets = Targets {
            runbook: anchors(&self.runbook),
            dashboards: uids,
        };
        findings.extend(references(&parsed, &targets.runbook));
        findings.extend(rules(&self.rules, &targets, &known));
        let exprs = self.exprs()?;
        findings.extend(coverage(exprs.iter().map(String::as_str), EXPLORE, &known));
        Ok(findings)
    }
}
