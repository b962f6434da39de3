//! References in dashboards exist, and their JSON is what Grafana knows.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use grafana::dashboard::json;
use grafana::known::AllKnown;
use grafana::lint::{dashboard as lint_text, references};
use grafana::rules::recorded;
use grafana::{dashboards, rules};
use serde_json::{Value, json as value};

/// The first shipped dashboard.
fn first() -> Value {
    let first = dashboards::all().into_iter().next().expect("a dashboard");
    serde_json::from_str(&json(&first, "docs/runbook.md")).expect("JSON")
}

/// The index of the first panel of this kind.
fn of_kind(dashboard: &Value, kind: &str) -> usize {
    let panels = dashboard["panels"].as_array().expect("panels");
    let found = panels.iter().position(|panel| panel["type"] == kind);
    found.unwrap_or_else(|| panic!("no {kind}"))
}

static KNOWN: LazyLock<AllKnown> = LazyLock::new(|| AllKnown::new().with_recorded(recorded()));

/// The findings for a dashboard.
fn lint(json: &Value) -> BTreeSet<String> {
    let findings = lint_text("first.json", &json.to_string(), &KNOWN);
    let lines = findings.iter().map(|f| format!("{}: {}", f.rule, f.text));
    lines.collect()
}

/// The new findings after a change of the first dashboard.
fn complaints(change: impl Fn(&mut Value)) -> Vec<String> {
    static BEFORE: LazyLock<BTreeSet<String>> = LazyLock::new(|| lint(&first()));
    let mut json = first();
    change(&mut json);
    lint(&json).difference(&BEFORE).cloned().collect()
}

#[track_caller]
fn complains(of: &str, change: impl Fn(&mut Value)) {
    let complaints = complaints(change);
    assert!(
        complaints.iter().any(|line| line.contains(of)),
        "{of}: {complaints:#?}"
    );
}

#[test]
fn dashboards_satisfy_the_schema() {
    for dashboard in dashboards::all() {
        let text = json(&dashboard, "docs/runbook.md");
        let findings = lint_text(dashboard.uid, &text, &KNOWN);
        let shapes = findings.iter().filter(|finding| {
            [
                "shape",
                "panel-type",
                "legend-label",
                "link-label",
                "table-columns",
            ]
            .contains(&finding.rule)
        });
        assert_eq!(shapes.map(ToString::to_string).collect::<Vec<_>>(), [""; 0]);
    }
}

#[test]
fn schema_rejects_unknown_keys_and_values() {
    assert_eq!(complaints(|_| {}), [""; 0]);
    let kinds = [
        "stat",
        "gauge",
        "bargauge",
        "timeseries",
        "heatmap",
        "table",
    ];
    for kind in kinds {
        complains("options has no colour", |d| {
            let at = of_kind(d, kind);
            d["panels"][at]["options"]["colour"] = value!("value");
        });
        complains("custom has no width", |d| {
            let at = of_kind(d, kind);
            d["panels"][at]["fieldConfig"]["defaults"]["custom"]["width"] = value!(3);
        });
    }
    complains("options.graphMode cannot be \"line\"", |d| {
        let at = of_kind(d, "stat");
        d["panels"][at]["options"]["graphMode"] = value!("line");
    });
    complains("options.reduceOptions.calcs[0] cannot be \"last\"", |d| {
        let at = of_kind(d, "gauge");
        d["panels"][at]["options"]["reduceOptions"]["calcs"] = value!(["last"]);
    });
    complains("options.legend lacks showLegend", |d| {
        let at = of_kind(d, "timeseries");
        let legend = &mut d["panels"][at]["options"]["legend"];
        legend
            .as_object_mut()
            .expect("a legend")
            .remove("showLegend");
    });
    complains("custom.thresholdsStyle.mode cannot be \"on\"", |d| {
        let at = of_kind(d, "timeseries");
        d["panels"][at]["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"]["mode"] =
            value!("on");
    });
    complains("panel-type: \"graph\" is no kind", |d| {
        let at = of_kind(d, "timeseries");
        d["panels"][at]["type"] = value!("graph");
    });
    complains(".targets[0].format cannot be \"time-series\"", |d| {
        d["panels"][1]["targets"][0]["format"] = value!("time-series");
    });
    complains(".templating.list[1].query cannot be", |d| {
        d["templating"]["list"][1]["query"] = value!({"query": "label_values(up, job)"});
    });
    complains(" has no inputs", |d| d["inputs"] = value!([]));
    complains(".links[0] lacks tags", |d| {
        d["links"][0]
            .as_object_mut()
            .expect("a link")
            .remove("tags");
    });
}

#[test]
fn unknown_labels_are_found() {
    complains("legend-label: the series have no route", |d| {
        let at = of_kind(d, "bargauge");
        d["panels"][at]["targets"][0]["legendFormat"] = value!("{{ route }}");
    });
    complains("legend-label: the series have no path", |d| {
        let at = of_kind(d, "bargauge");
        d["panels"][at]["fieldConfig"]["defaults"]["displayName"] =
            value!("${__field.labels.path}");
    });
    complains("link-label: the series have no route", |d| {
        let at = of_kind(d, "bargauge");
        d["panels"][at]["fieldConfig"]["defaults"]["links"][0]["url"] =
            value!("/d/x?var-route=${__field.labels.route:percentencode}");
    });
    for columns in [0, 1] {
        complains("table-columns: the series have no priority", |d| {
            let at = of_kind(d, "table");
            let options = &mut d["panels"][at]["transformations"][columns]["options"];
            if columns == 0 {
                options["include"]["names"][0] = value!("priority");
            } else {
                options["renameByName"]["priority"] = value!("Priority");
            }
        });
    }
    complains("table-columns: no column is called Level", |d| {
        let at = of_kind(d, "table");
        d["panels"][at]["fieldConfig"]["overrides"][0]["matcher"]["options"] = value!("Level");
    });
    complains(
        "overrides[0].properties[0].id cannot be \"custom.size\"",
        |d| {
            let at = of_kind(d, "table");
            d["panels"][at]["fieldConfig"]["overrides"][0]["properties"][0]["id"] =
                value!("custom.size");
        },
    );
    complains("legend-label: the series have no pod", |d| {
        d["annotations"]["list"][1]["textFormat"] = value!("{{pod}}");
    });
    complains("annotations: asks one thing and another", |d| {
        d["annotations"]["list"][1]["target"]["expr"] = value!("up");
    });
}

/// The findings for a panel with this description, beside a second panel and a second dashboard.
fn of_description(description: &str) -> Vec<&'static str> {
    let dashboard = |title: &str, panels: Value| value!({"title": title, "panels": panels});
    let panel = |title: &str, text: &str| value!({"title": title, "description": text});
    let elsewhere = "Look at `HASH_THREADS`.";
    let all = [
        (
            "a.json",
            dashboard(
                "Overview and SLO",
                value!([panel("Errors", description), panel("Rate", elsewhere)]),
            ),
        ),
        (
            "b.json",
            dashboard(
                "Dependencies and saturation",
                value!([panel("Pool", elsewhere)]),
            ),
        ),
    ];
    let sections = BTreeSet::from(["db-pool".to_owned()]);
    let findings = references(&all, &sections);
    findings.into_iter().map(|finding| finding.rule).collect()
}

#[test]
fn references_in_descriptions_are_checked() {
    for sound in [
        "See *Rate*.",
        "See *Pool* on Dependencies.",
        "Raise `DB_MAX_CONNECTIONS`.",
        "Too few. Runbook: https://host/runbook.md#db-pool",
        "See *Rate*. Runbook: r#db-pool, r#db-pool",
    ] {
        assert_eq!(of_description(sound), [""; 0], "{sound}");
    }
    for (wrong, rule) in [
        ("It rises and falls.", "panel-next"),
        ("See *Rates*.", "panel-see"),
        ("See *Pool*.", "panel-see"),
        ("See *Pool* on Overview.", "panel-see"),
        ("See *Errors*.", "panel-see"),
        ("Raise `DB_MAX_CONECTIONS`.", "setting-known"),
        ("See *Rate*. Runbook: r#pool", "runbook-known"),
        ("See *Rate*. Runbook: r", "runbook-known"),
    ] {
        assert!(of_description(wrong).contains(&rule), "{rule}: {wrong}");
    }
}

#[test]
fn links_of_panels_work() {
    let all: Vec<(&str, Value)> = dashboards::all()
        .iter()
        .map(|d| (d.uid, serde_json::from_str(&json(d, "r")).expect("JSON")))
        .collect();
    let sections = rules::alerts()
        .iter()
        .map(|a| a.runbook.to_owned())
        .collect();
    let findings = references(&all, &sections);
    let list: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(list, [""; 0]);
}
