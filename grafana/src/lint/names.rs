//! Labels in legends, columns, links and annotations exist on the series.

use serde_json::Value;

use super::Findings;
use super::expr::parse;
use super::labels::{Labels, labels};
use crate::known::AllKnown;

/// Columns of a table that are not labels.
const COLUMNS: [&str; 2] = ["Time", "Value"];
const FIELD_LABEL: &str = "${__field.labels.";

/// The labels of a panel's results: of each query, and of all.
pub(super) fn panel(panel: &Value, known: &AllKnown, findings: &mut Findings) {
    let targets = panel["targets"].as_array().into_iter().flatten();
    let mut together = Labels::new();
    for target in targets {
        let own = result(&target["expr"], known);
        let legend = target["legendFormat"].as_str().unwrap_or_default();
        named("legend-label", templates(legend), &own, findings);
        together.extend(own);
    }
    let defaults = &panel["fieldConfig"]["defaults"];
    let name = defaults["displayName"].as_str().unwrap_or_default();
    named("legend-label", of_field(name), &together, findings);
    for link in defaults["links"].as_array().into_iter().flatten() {
        let url = link["url"].as_str().unwrap_or_default();
        named("link-label", of_field(url), &together, findings);
    }
    together.extend(COLUMNS.map(ToOwned::to_owned));
    let transformations = panel["transformations"].as_array();
    let mut headings = Vec::new();
    for transformation in transformations.into_iter().flatten() {
        let options = &transformation["options"];
        let kept = options["include"]["names"].as_array().into_iter().flatten();
        let kept = kept.filter_map(Value::as_str);
        let renamed = options["renameByName"].as_object().into_iter().flatten();
        headings.extend(renamed.clone().filter_map(|(_, heading)| heading.as_str()));
        let renamed = renamed.map(|(name, _)| name.as_str());
        named("table-columns", kept.chain(renamed), &together, findings);
    }
    let overrides = panel["fieldConfig"]["overrides"].as_array();
    for column in overrides.into_iter().flatten() {
        let of = column["matcher"]["options"].as_str().unwrap_or_default();
        findings.expect(
            headings.contains(&of),
            "table-columns",
            format!("no column is called {of}"),
        );
    }
}

/// The labels of an annotation's result.
pub(super) fn annotation(annotation: &Value, known: &AllKnown, findings: &mut Findings) {
    let own = result(&annotation["expr"], known);
    for text in ["titleFormat", "textFormat"] {
        let text = annotation[text].as_str().unwrap_or_default();
        named("legend-label", templates(text), &own, findings);
    }
    findings.expect(
        annotation["expr"] == annotation["target"]["expr"],
        "annotations",
        "asks one thing and another",
    );
}

fn result(expr: &Value, known: &AllKnown) -> Labels {
    let expr = parse(expr.as_str().unwrap_or_default()).ok();
    expr.and_then(|expr| labels(&expr, known))
        .unwrap_or_default()
}

/// The names in double braces.
fn templates(text: &str) -> impl Iterator<Item = &str> {
    between(text, "{{", &['}'])
}

/// The labels of a field in a text.
fn of_field(text: &str) -> impl Iterator<Item = &str> {
    between(text, FIELD_LABEL, &[':', '}'])
}

/// The text between a prefix and the first of these characters.
fn between<'a>(
    text: &'a str,
    begin: &'static str,
    end: &'static [char],
) -> impl Iterator<Item = &'a str> {
    let pieces = text.split(begin).skip(1);
    pieces.map(move |piece| piece.split(end).next().unwrap_or_default().trim())
}

fn named<'a>(
    rule: &'static str,
    names: impl Iterator<Item = &'a str>,
    labels: &Labels,
    findings: &mut Findings,
) {
    for name in names {
        findings.expect(
            labels.contains(name),
            rule,
            format!("the series have no {name}, only {labels:?}"),
        );
    }
}
