//! Dashboards in Grafana's classic JSON.

use serde_json::{Map, Value, json as value};

use super::view::{custom, kind, options, transformations};
use super::{Annotation, Color, Dashboard, Panel, Row, Unit, Variable, View};

/// The version of the format.
const SCHEMA: u32 = 42;
/// The version of Grafana that the panels' options are for: later versions migrate from it, and take
/// panels without it for version 6.
const PLUGINS: &str = "10.4.0";
const ACROSS: u32 = 24;

/// The whole file, with sorted keys so that diffs are readable. `runbook` is the URL of the runbook that
/// panels link.
#[must_use]
pub fn json(dashboard: &Dashboard, runbook: &str) -> String {
    let mut ids = 0;
    let (mut panels, mut y) = (Vec::new(), 0);
    for row in &dashboard.rows {
        y = place(row, runbook, y, &mut ids, &mut panels);
    }
    let variables: Vec<Value> = std::iter::once(data_source_variable())
        .chain(dashboard.all_variables().map(variable))
        .collect();
    let whole = value!({
        "annotations": {"list": annotations(dashboard)},
        "description": dashboard.description,
        "editable": false,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "links": [{
            "asDropdown": true, "icon": "external link", "includeVars": true, "keepTime": true,
            "tags": ["auth"], "targetBlank": false, "title": "rbac-sentinel", "tooltip": "",
            "type": "dashboards", "url": "",
        }],
        "panels": panels,
        "preload": false,
        "refresh": "30s",
        "schemaVersion": SCHEMA,
        "tags": ["auth"],
        "templating": {"list": variables},
        "time": {"from": "now-1h", "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "title": dashboard.title,
        "uid": dashboard.uid,
        "version": 1,
        "weekStart": "",
    });
    let mut text = serde_json::to_string_pretty(&sorted(whole)).unwrap_or_default();
    text.push('\n');
    text
}

/// Sorts keys even if a crate of the workspace enables serde_json's `preserve_order`.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            let entries = entries.into_iter().map(|(key, value)| (key, sorted(value)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// Lays out a row's panels; returns the position of the next row.
fn place(row: &Row, runbook: &str, mut y: u32, ids: &mut u32, panels: &mut Vec<Value>) -> u32 {
    *ids += 1;
    panels.push(value!({
        "collapsed": false, "gridPos": {"h": 1, "w": ACROSS, "x": 0, "y": y}, "id": *ids,
        "panels": [], "title": row.title, "type": "row",
    }));
    y += 1;
    let (mut x, mut line) = (0, 0);
    for panel in &row.panels {
        let (width, height) = (u32::from(panel.width), u32::from(panel.height));
        if x + width > ACROSS {
            (x, y, line) = (0, y + line, 0);
        }
        *ids += 1;
        let place = value!({"h": height, "w": width, "x": x, "y": y});
        panels.push(panel_json(panel, runbook, *ids, &place));
        x += width;
        line = line.max(height);
    }
    y + line
}

fn data_source() -> Value {
    value!({"type": "prometheus", "uid": "${datasource}"})
}

/// Grafana's default data source at first, and any other Prometheus to choose.
fn data_source_variable() -> Value {
    value!({
        "current": {"selected": true, "text": "default", "value": "default"}, "hide": 0, "includeAll": false, "label": "Data source", "multi": false,
        "name": "datasource", "options": [], "query": "prometheus", "refresh": 1, "regex": "",
        "skipUrlSync": false, "type": "datasource",
    })
}

fn variable(variable: Variable) -> Value {
    value!({
        "allValue": ".+",
        "current": {"selected": true, "text": ["All"], "value": ["$__all"]},
        "datasource": data_source(),
        "definition": variable.query,
        "hide": 0,
        "includeAll": true,
        "label": variable.label,
        "multi": true,
        "name": variable.name,
        "options": [],
        "query": variable.query,
        "refresh": 2,
        "regex": "",
        "skipUrlSync": false,
        "sort": 1,
        "type": "query",
    })
}

fn annotations(dashboard: &Dashboard) -> Vec<Value> {
    let own = value!({
        "builtIn": 1, "datasource": {"type": "grafana", "uid": "-- Grafana --"}, "enable": true,
        "hide": true, "iconColor": "rgba(0, 211, 255, 1)", "name": "Annotations & Alerts",
        "type": "dashboard",
    });
    std::iter::once(own)
        .chain(dashboard.annotations().iter().map(annotation))
        .collect()
}

/// Holds the query twice, because versions of Grafana read it from different keys.
fn annotation(annotation: &Annotation) -> Value {
    value!({
        "datasource": data_source(),
        "enable": true,
        "expr": annotation.expr,
        "hide": false,
        "iconColor": annotation.color,
        "name": annotation.name,
        "step": "",
        "target": {"expr": annotation.expr, "interval": "", "refId": "Anno"},
        "textFormat": annotation.text,
        "titleFormat": annotation.title,
        "useValueForTime": annotation.value_is_time,
    })
}

/// The description, with links to sections of the runbook.
fn description(panel: &Panel, runbook: &str) -> String {
    let sections = panel.runbook.iter();
    let links: Vec<String> = sections
        .map(|section| format!("{runbook}#{section}"))
        .collect();
    if links.is_empty() {
        panel.description.to_owned()
    } else {
        format!("{} Runbook: {}", panel.description, links.join(", "))
    }
}

fn panel_json(panel: &Panel, runbook: &str, id: u32, place: &Value) -> Value {
    let mut json = value!({
        "datasource": data_source(),
        "description": description(panel, runbook),
        "fieldConfig": {"defaults": defaults(panel), "overrides": overrides(panel)},
        "gridPos": place,
        "id": id,
        "options": options(panel),
        "pluginVersion": PLUGINS,
        "targets": targets(panel),
        "title": panel.title,
        "type": kind(panel.view),
    });
    if let Some(step) = panel.step {
        json["interval"] = value!(step);
    }
    if panel.view == View::Table {
        json["transformations"] = transformations(panel);
    }
    json
}

fn targets(panel: &Panel) -> Vec<Value> {
    let format = match panel.view {
        View::Table => "table",
        View::Heatmap => "heatmap",
        _ => "time_series",
    };
    let instant = panel.is_instant();
    let target = |(letter, target): (char, &super::Target)| {
        value!({
            "datasource": data_source(), "editorMode": "code", "expr": target.expr,
            "format": format, "instant": instant, "legendFormat": target.legend,
            "range": !instant, "refId": letter.to_string(),
        })
    };
    ('A'..='Z').zip(&panel.targets).map(target).collect()
}

fn defaults(panel: &Panel) -> Value {
    let steps = std::iter::once(value!({"color": panel.base.name(), "value": null}))
        .chain(
            panel
                .steps
                .iter()
                .map(|(from, color)| value!({"color": color.name(), "value": from})),
        )
        .collect::<Vec<_>>();
    let mut json = value!({
        "mappings": mappings(panel.unit),
        "noValue": panel.no_data,
        "thresholds": {"mode": "absolute", "steps": steps},
        "unit": panel.unit.id(),
    });
    let by_threshold = matches!(
        panel.view,
        View::Stat | View::Gauge | View::BarGauge | View::StateTimeline
    );
    let mode = if by_threshold {
        "thresholds"
    } else {
        "palette-classic"
    };
    json["color"] = value!({"mode": mode});
    if let Some(least) = panel.range.0 {
        json["min"] = value!(least);
    }
    if let Some(most) = panel.range.1 {
        json["max"] = value!(most);
    }
    if let Some(decimals) = panel.decimals {
        json["decimals"] = value!(decimals);
    }
    if let Some(link) = panel.link {
        json["links"] = value!([{"targetBlank": false, "title": link.title, "url": link.url}]);
    }
    // Grafana shows no name for a single bar unless it is set here.
    if let (View::BarGauge, [target]) = (panel.view, panel.targets.as_slice()) {
        let name = target.legend.replace("{{", "${__field.labels.");
        json["displayName"] = value!(name.replace("}}", "}"));
    }
    json["custom"] = custom(panel);
    json
}

fn overrides(panel: &Panel) -> Vec<Value> {
    let width = |(heading, width): &(&str, u16)| {
        value!({
            "matcher": {"id": "byName", "options": heading},
            "properties": [{"id": "custom.width", "value": width}],
        })
    };
    panel.widths.iter().map(width).collect()
}

fn mappings(unit: Unit) -> Value {
    if unit != Unit::UpDown {
        return value!([]);
    }
    let state = |text: &str, color: Color, index: u32| value!({"color": color.name(), "index": index, "text": text});
    value!([{
        "options": {"0": state("down", Color::Bad, 0), "1": state("up", Color::Good, 1)},
        "type": "value",
    }])
}
