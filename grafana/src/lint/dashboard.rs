//! A dashboard's file.

use std::collections::BTreeSet;

use serde_json::Value;

use super::expr::{Place, check};
use super::{Finding, Findings, names, shape};
use crate::known::AllKnown;

const SCHEMA: u64 = 42;
const ACROSS: u64 = 24;
const MOST_TARGETS: usize = 12;
/// Minimum length of a description: shorter ones do not say what to do.
const SHORTEST_DESCRIPTION: usize = 40;
/// The units of Grafana's that are used here.
const UNITS: [&str; 9] = [
    "bytes",
    "none",
    "ops",
    "percentunit",
    "reqps",
    "s",
    "short",
    "dateTimeFromNow",
    "dateTimeAsIso",
];
const DATA_SOURCE: &str = "${datasource}";
/// Variables that Grafana sets.
const BUILT_IN: [&str; 3] = ["__rate_interval", "__range", "__interval"];

/// Checks the text of a file.
#[must_use]
pub fn dashboard(file: &str, text: &str, known: &AllKnown) -> Vec<Finding> {
    let mut findings = Findings::new();
    findings.at(file, "");
    match serde_json::from_str::<Value>(text) {
        Ok(json) => {
            whole(&json, file, known, &mut findings);
            let inputs = text.contains("__inputs") || text.contains("DS_PROMETHEUS");
            findings.expect(
                !inputs,
                "no-inputs",
                "what is imported by hand is not provisioned",
            );
        }
        Err(error) => findings.add("json", error.to_string()),
    }
    findings.into_list()
}

fn list(json: &Value) -> &[Value] {
    json.as_array().map_or(&[], Vec::as_slice)
}

fn text(json: &Value) -> &str {
    json.as_str().unwrap_or_default()
}

fn whole(json: &Value, file: &str, known: &AllKnown, findings: &mut Findings) {
    shape::whole(json, findings);
    findings.expect(
        json["editable"] == Value::Bool(false),
        "uneditable-dashboard",
        "editable must be false",
    );
    findings.expect(
        json["schemaVersion"].as_u64() == Some(SCHEMA),
        "schema",
        format!("schemaVersion must be {SCHEMA}"),
    );
    for (key, what) in [
        ("title", "a title"),
        ("description", "a description"),
        ("uid", "a uid"),
    ] {
        findings.expect(
            !text(&json[key]).is_empty(),
            "dashboard-about",
            format!("lacks {what}"),
        );
    }
    findings.expect(
        json["graphTooltip"].as_u64() == Some(1),
        "shared-crosshair",
        "graphTooltip must be 1",
    );
    let linked = list(&json["links"]).iter().any(|link| {
        link["type"] == "dashboards" && link["includeVars"] == true && link["keepTime"] == true
    });
    findings.expect(
        linked,
        "dashboard-links",
        "no links to the others with variables and time",
    );
    let variables = variables(json, known, findings);
    annotations(json, file, known, findings);

    let panels = list(&json["panels"]);
    let mut ids = BTreeSet::new();
    for panel in panels {
        findings.at(file, text(&panel["title"]));
        let id = panel["id"].as_u64().unwrap_or_default();
        findings.expect(id > 0 && ids.insert(id), "unique-ids", format!("id {id}"));
        placed(panel, panels, findings);
        shape::panel(panel, findings);
        if panel["type"] != "row" {
            about(panel, findings);
            targets(panel, &variables, known, findings);
            names::panel(panel, known, findings);
        }
    }
    findings.at(file, "");
    findings.expect(ids.len() > 1, "panels", "has no panels");
}

/// Checks the variables; returns their names.
fn variables(json: &Value, known: &AllKnown, findings: &mut Findings) -> BTreeSet<String> {
    let all = list(&json["templating"]["list"]);
    let find = |name: &str| all.iter().find(|variable| variable["name"] == name);
    let source = find("datasource");
    findings.expect(
        source.is_some_and(|v| {
            v["type"] == "datasource" && v["label"] == "Data source" && v["query"] == "prometheus"
        }),
        "template-datasource",
        "a variable `datasource` with the label `Data source`",
    );
    for (name, label, rule) in [
        ("job", "Job", "template-job"),
        ("instance", "Instance", "template-instance"),
    ] {
        findings.expect(
            find(name).is_some_and(|variable| variable["label"] == label),
            rule,
            format!("a variable `{name}` with the label `{label}`"),
        );
    }
    for variable in all.iter().filter(|variable| variable["type"] == "query") {
        let name = text(&variable["name"]);
        let sound = variable["datasource"]["uid"] == DATA_SOURCE
            && variable["multi"] == true
            && variable["includeAll"] == true
            && variable["allValue"] == ".+";
        findings.expect(
            sound,
            "template-query",
            format!("{name} must offer several, and all as `.+`"),
        );
        findings.expect(
            variable["refresh"].as_u64() == Some(2),
            "template-on-time-change-reload",
            format!("{name} must follow the time range"),
        );
        label_values(name, text(&variable["query"]), known, findings);
    }
    all.iter()
        .map(|variable| text(&variable["name"]).to_owned())
        .collect()
}

/// `label_values(metric{…}, label)` with a metric and a label that exist.
fn label_values(name: &str, query: &str, known: &AllKnown, findings: &mut Findings) {
    let inner = query
        .strip_prefix("label_values(")
        .and_then(|q| q.strip_suffix(')'));
    let Some((selector, label)) = inner.and_then(|inner| inner.rsplit_once(',')) else {
        findings.add("template-label-promql", format!("{name}: {query}"));
        return;
    };
    let (metric, label) = (
        selector.split('{').next().unwrap_or_default().trim(),
        label.trim(),
    );
    let exists = known
        .find(metric)
        .is_some_and(|part| part.metric.labels.contains_key(label));
    let parses = super::parse(selector).is_ok();
    findings.expect(
        exists && parses,
        "template-label-promql",
        format!("{name}: {query}"),
    );
}

fn annotations(json: &Value, file: &str, known: &AllKnown, findings: &mut Findings) {
    let all = list(&json["annotations"]["list"]);
    for annotation in all
        .iter()
        .filter(|annotation| annotation["builtIn"].is_null())
    {
        let name = text(&annotation["name"]);
        findings.at(file, name);
        findings.expect(
            annotation["datasource"]["uid"] == DATA_SOURCE,
            "panel-datasource",
            "an annotation from elsewhere",
        );
        check(text(&annotation["expr"]), Place::Rule, known, findings);
        names::annotation(annotation, known, findings);
    }
    findings.at(file, "");
    findings.expect(
        all.len() >= 4,
        "annotations",
        "starts, alerts and load tests are not marked",
    );
}

/// Panels are within the grid and do not overlap.
fn placed(panel: &Value, panels: &[Value], findings: &mut Findings) {
    let area = |panel: &Value| {
        let of = |key: &str| panel["gridPos"][key].as_u64().unwrap_or_default();
        (of("x"), of("y"), of("w"), of("h"))
    };
    let (x, y, w, h) = area(panel);
    findings.expect(
        w > 0 && h > 0 && x + w <= ACROSS,
        "grid",
        format!("{w} wide at {x}"),
    );
    for other in panels.iter().filter(|other| other["id"] != panel["id"]) {
        let (ox, oy, ow, oh) = area(other);
        let apart = x + w <= ox || ox + ow <= x || y + h <= oy || oy + oh <= y;
        findings.expect(apart, "grid-overlap", format!("lies on {}", other["title"]));
    }
}

fn about(panel: &Value, findings: &mut Findings) {
    findings.expect(
        panel["datasource"]["uid"] == DATA_SOURCE,
        "panel-datasource",
        "must use the data source that was chosen",
    );
    findings.expect(
        !text(&panel["title"]).is_empty(),
        "panel-title-description",
        "lacks a title",
    );
    findings.expect(
        text(&panel["description"]).len() >= SHORTEST_DESCRIPTION,
        "panel-title-description",
        "its description does not say what to do",
    );
    let defaults = &panel["fieldConfig"]["defaults"];
    let mapped = !list(&defaults["mappings"]).is_empty();
    findings.expect(
        UNITS.contains(&text(&defaults["unit"]))
            && (defaults["unit"] != "none" || mapped || panel["type"] != "stat"),
        "panel-units",
        format!("{} is no unit", defaults["unit"]),
    );
    findings.expect(
        !text(&defaults["noValue"]).is_empty(),
        "panel-no-value",
        "does not say that there is no data",
    );
    let steps = list(&defaults["thresholds"]["steps"]);
    let values: Vec<f64> = steps
        .iter()
        .skip(1)
        .filter_map(|step| step["value"].as_f64())
        .collect();
    let sound = steps.first().is_some_and(|step| step["value"].is_null())
        && values.len() + 1 == steps.len()
        && values.is_sorted_by(|a, b| a < b);
    findings.expect(sound, "thresholds", "must begin with null and rise");
}

fn targets(panel: &Value, variables: &BTreeSet<String>, known: &AllKnown, findings: &mut Findings) {
    let targets = list(&panel["targets"]);
    findings.expect(!targets.is_empty(), "panel-no-targets", "asks nothing");
    findings.expect(
        targets.len() <= MOST_TARGETS,
        "panel-targets",
        format!("asks {} things", targets.len()),
    );
    let mut letters = BTreeSet::new();
    for target in targets {
        findings.expect(
            letters.insert(text(&target["refId"])),
            "unique-ids",
            format!("refId {} comes twice", target["refId"]),
        );
        findings.expect(
            target["datasource"]["uid"] == DATA_SOURCE,
            "panel-datasource",
            "a target asks elsewhere",
        );
        let expr = text(&target["expr"]);
        for name in variables_in(expr) {
            findings.expect(
                variables.contains(name) || BUILT_IN.contains(&name),
                "variables",
                format!("there is no variable {name}"),
            );
        }
        let over_range = expr.contains("$__range");
        findings.expect(
            !over_range || target["instant"] == true,
            "instant",
            "what is asked over the whole range is asked once",
        );
        check(expr, Place::Panel, known, findings);
    }
}

/// The names behind `$` and in `${}`; not the groups of a `label_replace`.
fn variables_in(expr: &str) -> impl Iterator<Item = &str> {
    expr.split('$').skip(1).filter_map(|rest| {
        let rest = rest.trim_start_matches('{');
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let name = &rest[..end];
        (!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())).then_some(name)
    })
}
