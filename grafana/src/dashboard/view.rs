//! The settings of each kind of panel.

use serde_json::{Map, Value, json as value};

use super::{Panel, View};

/// The name of the kind of panel.
pub(super) const fn kind(view: View) -> &'static str {
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

/// The defaults of its fields.
pub(super) fn custom(panel: &Panel) -> Value {
    let shown = value!({"legend": false, "tooltip": false, "viz": false});
    match panel.view {
        View::TimeSeries | View::Stacked => {
            let stacked = panel.view == View::Stacked;
            let mut custom = value!({
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
            });
            let ends = [
                ("axisSoftMin", panel.soft.0, panel.range.0),
                ("axisSoftMax", panel.soft.1, panel.range.1),
            ];
            for (key, soft, fixed) in ends {
                if let (Some(soft), None) = (soft, fixed) {
                    custom[key] = value!(soft);
                }
            }
            custom
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

/// The options of the kind.
pub(super) fn options(panel: &Panel) -> Value {
    let reduce = value!({"calcs": ["lastNotNull"], "fields": "", "values": false});
    // Greatest first: the legend below a panel has room for three, and most series are at 0.
    let legend = value!({
        "calcs": ["mean", "max", "lastNotNull"], "displayMode": "table",
        "placement": if panel.legend_beside { "right" } else { "bottom" },
        "showLegend": true, "sortBy": "Max", "sortDesc": true,
    });
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
            "displayMode": "gradient",
            "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": false},
            "maxVizHeight": 40, "minVizHeight": 16, "minVizWidth": 8,
            "namePlacement": "auto", "orientation": "horizontal", "reduceOptions": reduce,
            "showUnfilled": true, "sizing": "manual", "valueMode": "color",
        }),
        View::TimeSeries | View::Stacked => value!({
            "legend": legend,
            "tooltip": {"hideZeros": true, "mode": "multi", "sort": "desc"},
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
            "frameIndex": 0,
            "showHeader": true,
        }),
        View::StateTimeline => value!({
            "alignValue": "left",
            "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": true},
            "mergeValues": true,
            "rowHeight": 0.9,
            "showValue": "auto",
            "tooltip": {"mode": "single", "sort": "none"},
        }),
    }
}

/// The columns of a table, in order; other labels are hidden.
pub(super) fn transformations(panel: &Panel) -> Value {
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
