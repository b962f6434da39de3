//! Dashboards in Grafana's classic JSON.

use serde_json::{Map, Value, json as value};

use super::{Annotation, Color, Dashboard, Panel, Row, Unit, Variable, View};

/// The version of the format.
const SCHEMA: u32 = 42;
/// The version of Grafana whose options the panels have: later ones know from it what to migrate, and
/// without it they take the panels for those of version 6.
const PLUGINS: &str = "10.4.0";
const ACROSS: u32 = 24;

/// The whole file: keys in alphabetical order, so that changes can be read.
#[must_use]
pub fn json(dashboard: &Dashboard) -> String {
    let mut ids = 0;
    let (mut panels, mut y) = (Vec::new(), 0);
    for row in &dashboard.rows {
        y = place(row, y, &mut ids, &mut panels);
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

/// Whatever keeps the order of keys elsewhere in the workspace, here it is alphabetical.
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

/// Puts a row's panels side by side; gives where the next row begins.
fn place(row: &Row, mut y: u32, ids: &mut u32, panels: &mut Vec<Value>) -> u32 {
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
        panels.push(panel_json(panel, *ids, &place));
        x += width;
        line = line.max(height);
    }
    y + line
}

fn data_source() -> Value {
    value!({"type": "prometheus", "uid": "${datasource}"})
}

fn data_source_variable() -> Value {
    value!({
        "current": {}, "hide": 0, "includeAll": false, "label": "Data source", "multi": false,
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

/// With its query twice, because versions of Grafana differ in where they look for it.
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

fn panel_json(panel: &Panel, id: u32, place: &Value) -> Value {
    let mut json = value!({
        "datasource": data_source(),
        "description": panel.description,
        "fieldConfig": {"defaults": defaults(panel), "overrides": []},
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

const fn kind(view: View) -> &'static str {
    match view {
        View::Stat => "stat",
        View::Gauge => "gauge",
        View::BarGauge => "bargauge",
        View::TimeSeries | View::Stacked => "timeseries",
        View::Heatmap => "heatmap",
        View::Table => "table",
        View::StateTimeline => "state-timeline",
    }
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
    json["custom"] = custom(panel);
    json
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

fn custom(panel: &Panel) -> Value {
    let shown = value!({"legend": false, "tooltip": false, "viz": false});
    match panel.view {
        View::TimeSeries | View::Stacked => {
            let stacked = panel.view == View::Stacked;
            value!({
                "axisBorderShow": false,
                "axisCenteredZero": false,
                "axisColorMode": "text",
                "axisLabel": "",
                "axisPlacement": "auto",
                "barAlignment": 0,
                "drawStyle": "line",
                "fillOpacity": if stacked { 30 } else { 8 },
                "gradientMode": "none",
                "hideFrom": shown,
                "insertNulls": false,
                "lineInterpolation": "linear",
                "lineWidth": 1,
                "pointSize": 4,
                "scaleDistribution": {"type": "linear"},
                "showPoints": "auto",
                "spanNulls": false,
                "stacking": {"group": "A", "mode": if stacked { "normal" } else { "none" }},
                "thresholdsStyle": {"mode": if panel.steps.is_empty() { "off" } else { "dashed" }},
            })
        }
        View::StateTimeline => value!({
            "fillOpacity": 70, "hideFrom": shown, "insertNulls": false, "lineWidth": 0,
            "spanNulls": false,
        }),
        View::Heatmap => value!({"hideFrom": shown, "scaleDistribution": {"type": "linear"}}),
        View::Table => {
            value!({"align": "auto", "cellOptions": {"type": "auto"}, "inspect": false})
        }
        View::Stat | View::Gauge | View::BarGauge => value!({}),
    }
}

fn options(panel: &Panel) -> Value {
    let reduce = value!({"calcs": ["lastNotNull"], "fields": "", "values": false});
    let legend = value!({"calcs": ["mean", "max", "lastNotNull"], "displayMode": "table", "placement": "bottom", "showLegend": true});
    match panel.view {
        View::Stat => value!({
            "colorMode": "value",
            "graphMode": if panel.is_instant() { "none" } else { "area" },
            "justifyMode": "auto",
            "orientation": "auto",
            "percentChangeColorMode": "standard",
            "reduceOptions": reduce,
            "showPercentChange": false,
            "textMode": "auto",
            "wideLayout": true,
        }),
        View::Gauge => value!({
            "minVizHeight": 75, "minVizWidth": 75, "orientation": "auto", "reduceOptions": reduce,
            "showThresholdLabels": false, "showThresholdMarkers": true, "sizing": "auto",
        }),
        View::BarGauge => value!({
            "displayMode": "gradient", "maxVizHeight": 300, "minVizHeight": 16, "minVizWidth": 8,
            "namePlacement": "auto", "orientation": "horizontal", "reduceOptions": reduce,
            "showUnfilled": true, "sizing": "auto", "valueMode": "color",
        }),
        View::TimeSeries | View::Stacked => value!({
            "legend": legend,
            "tooltip": {"hideZeros": false, "mode": "multi", "sort": "desc"},
        }),
        View::Heatmap => value!({
            "calculate": false,
            "cellGap": 1,
            "cellValues": {"unit": panel.unit.id()},
            "color": {
                "exponent": 0.5, "fill": "dark-orange", "mode": "scheme", "reverse": false,
                "scale": "exponential", "scheme": "Oranges", "steps": 64,
            },
            "exemplars": {"color": "rgba(255,0,255,0.7)"},
            "filterValues": {"le": 1e-9},
            "legend": {"show": true},
            "rowsFrame": {"layout": "auto"},
            "showValue": "never",
            "tooltip": {"mode": "single", "showColorScale": false, "yHistogram": false},
            "yAxis": {"axisPlacement": "left", "reverse": false, "unit": "s"},
        }),
        View::Table => value!({
            "cellHeight": "sm",
            "showHeader": true,
        }),
        View::StateTimeline => value!({
            "alignValue": "left",
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true},
            "mergeValues": true,
            "rowHeight": 0.9,
            "showValue": "auto",
            "tooltip": {"mode": "single", "sort": "none"},
        }),
    }
}

/// The columns of a table, in their order; every other label is left out.
fn transformations(panel: &Panel) -> Value {
    let names: Vec<&str> = panel.columns.iter().map(|(name, _)| *name).collect();
    let order: Map<String, Value> = (0..)
        .zip(&names)
        .map(|(at, name): (u32, _)| ((*name).to_owned(), value!(at)))
        .collect();
    let headings: Map<String, Value> = panel
        .columns
        .iter()
        .map(|(name, heading)| ((*name).to_owned(), value!(heading)))
        .collect();
    value!([
        {"id": "filterFieldsByName", "options": {"include": {"names": names}}},
        {"id": "organize", "options": {
            "excludeByName": {}, "includeByName": {}, "indexByName": order, "renameByName": headings,
        }},
    ])
}
