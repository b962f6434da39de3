//! The part of Grafana's classic JSON that is used here. Grafana silently ignores unknown keys and
//! values, and shows something else.

mod kinds;

use serde_json::Value;

use self::Is::{Any, Bool, List, Maybe, Number, Object, One, Text};
use self::kinds::KINDS;
use super::Findings;

/// The shape of a value.
enum Is {
    /// True or false.
    Bool,
    /// A number.
    Number,
    /// A text.
    Text,
    /// One of these texts.
    One(&'static [&'static str]),
    /// A list.
    List(&'static Is),
    /// An object with these keys and no others.
    Object(&'static [(&'static str, Is)]),
    /// In an object, an optional key.
    Maybe(&'static Is),
    /// Anything; checked elsewhere.
    Any,
}

const COLORS: Is = One(&["blue", "green", "orange", "red"]);
const SOURCE: Is = Object(&[
    ("type", One(&["prometheus"])),
    ("uid", One(&["${datasource}"])),
]);
const DEFAULTS: Is = Object(&[
    (
        "color",
        Object(&[("mode", One(&["palette-classic", "thresholds"]))]),
    ),
    ("custom", Any),
    ("decimals", Maybe(&Number)),
    ("displayName", Maybe(&Text)),
    (
        "links",
        Maybe(&List(&Object(&[
            ("targetBlank", Bool),
            ("title", Text),
            ("url", Text),
        ]))),
    ),
    (
        "mappings",
        List(&Object(&[("options", Any), ("type", One(&["value"]))])),
    ),
    ("max", Maybe(&Number)),
    ("min", Maybe(&Number)),
    ("noValue", Text),
    (
        "thresholds",
        Object(&[
            ("mode", One(&["absolute"])),
            ("steps", List(&Object(&[("color", COLORS), ("value", Any)]))),
        ]),
    ),
    ("unit", Text),
]);
const OVERRIDE: Is = Object(&[
    (
        "matcher",
        Object(&[("id", One(&["byName"])), ("options", Text)]),
    ),
    (
        "properties",
        List(&Object(&[
            ("id", One(&["custom.width"])),
            ("value", Number),
        ])),
    ),
]);
const GRID: Is = Object(&[("h", Number), ("w", Number), ("x", Number), ("y", Number)]);
const PANEL: Is = Object(&[
    ("datasource", SOURCE),
    ("description", Text),
    (
        "fieldConfig",
        Object(&[("defaults", DEFAULTS), ("overrides", List(&OVERRIDE))]),
    ),
    ("gridPos", GRID),
    ("id", Number),
    ("interval", Maybe(&Text)),
    ("options", Any),
    ("pluginVersion", Text),
    (
        "targets",
        List(&Object(&[
            ("datasource", SOURCE),
            ("editorMode", One(&["builder", "code"])),
            ("expr", Text),
            ("format", One(&["heatmap", "table", "time_series"])),
            ("instant", Bool),
            ("legendFormat", Text),
            ("range", Bool),
            ("refId", Text),
        ])),
    ),
    ("title", Text),
    (
        "transformations",
        Maybe(&List(&Object(&[
            ("id", One(&["filterFieldsByName", "organize"])),
            ("options", Any),
        ]))),
    ),
    ("type", Text),
]);
const ROW: Is = Object(&[
    ("collapsed", Bool),
    ("gridPos", GRID),
    ("id", Number),
    ("panels", List(&Any)),
    ("title", Text),
    ("type", One(&["row"])),
]);
const VARIABLE: Is = Object(&[
    ("allValue", Maybe(&Text)),
    (
        "current",
        Object(&[("selected", Bool), ("text", Any), ("value", Any)]),
    ),
    ("datasource", Maybe(&SOURCE)),
    ("definition", Maybe(&Text)),
    ("hide", Number),
    ("includeAll", Bool),
    ("label", Text),
    ("multi", Bool),
    ("name", Text),
    ("options", List(&Any)),
    // Not an object: versions of Grafana disagree on its `type`.
    ("query", Text),
    ("refresh", Number),
    ("regex", Text),
    ("skipUrlSync", Bool),
    ("sort", Maybe(&Number)),
    ("type", One(&["datasource", "query"])),
]);
const ANNOTATION: Is = Object(&[
    ("builtIn", Maybe(&Number)),
    ("datasource", Any),
    ("enable", Bool),
    ("expr", Maybe(&Text)),
    ("hide", Bool),
    ("iconColor", Text),
    ("name", Text),
    ("step", Maybe(&Text)),
    (
        "target",
        Maybe(&Object(&[
            ("expr", Text),
            ("interval", Text),
            ("refId", Text),
        ])),
    ),
    ("textFormat", Maybe(&Text)),
    ("titleFormat", Maybe(&Text)),
    ("type", Maybe(&One(&["dashboard"]))),
    ("useValueForTime", Maybe(&Bool)),
]);
const DASHBOARD: Is = Object(&[
    ("annotations", Object(&[("list", List(&ANNOTATION))])),
    ("description", Text),
    ("editable", Bool),
    ("fiscalYearStartMonth", Number),
    ("graphTooltip", Number),
    (
        "links",
        List(&Object(&[
            ("asDropdown", Bool),
            ("icon", Text),
            ("includeVars", Bool),
            ("keepTime", Bool),
            ("tags", List(&Text)),
            ("targetBlank", Bool),
            ("title", Text),
            ("tooltip", Text),
            ("type", One(&["dashboards", "link"])),
            ("url", Text),
        ])),
    ),
    ("panels", List(&Any)),
    ("preload", Bool),
    ("refresh", Text),
    ("schemaVersion", Number),
    ("tags", List(&Text)),
    ("templating", Object(&[("list", List(&VARIABLE))])),
    ("time", Object(&[("from", Text), ("to", Text)])),
    ("timepicker", Object(&[])),
    ("timezone", One(&["browser", "utc"])),
    ("title", Text),
    ("uid", Text),
    ("version", Number),
    ("weekStart", Text),
]);

/// A dashboard without its panels.
pub(super) fn whole(json: &Value, findings: &mut Findings) {
    shape(json, &DASHBOARD, "", findings);
}

/// A row, or a panel of a known kind.
pub(super) fn panel(panel: &Value, findings: &mut Findings) {
    if panel["type"] == "row" {
        shape(panel, &ROW, "", findings);
        return;
    }
    shape(panel, &PANEL, "", findings);
    let Some((_, options, custom)) = KINDS.iter().find(|(name, ..)| panel["type"] == *name) else {
        findings.add("panel-type", format!("{} is no kind", panel["type"]));
        return;
    };
    shape(&panel["options"], options, "options", findings);
    let drawn = &panel["fieldConfig"]["defaults"]["custom"];
    shape(drawn, custom, "custom", findings);
}

fn shape(value: &Value, is: &Is, path: &str, findings: &mut Findings) {
    let sound = match is {
        Any => true,
        Bool => value.is_boolean(),
        Number => value.is_number(),
        Text => value.is_string(),
        One(texts) => value.as_str().is_some_and(|text| texts.contains(&text)),
        Maybe(is) => return shape(value, is, path, findings),
        List(is) => {
            for (at, item) in value.as_array().into_iter().flatten().enumerate() {
                shape(item, is, &format!("{path}[{at}]"), findings);
            }
            value.is_array()
        }
        Object(keys) => {
            object(value, keys, path, findings);
            value.is_object()
        }
    };
    findings.expect(sound, "shape", format!("{path} cannot be {value}"));
}

fn object(value: &Value, keys: &[(&str, Is)], path: &str, findings: &mut Findings) {
    let Some(object) = value.as_object() else {
        return;
    };
    for (key, is) in keys {
        match object.get(*key) {
            Some(value) => shape(value, is, &format!("{path}.{key}"), findings),
            None if matches!(is, Maybe(_)) => {}
            None => findings.add("shape", format!("{path} lacks {key}")),
        }
    }
    for key in object.keys() {
        let known = keys.iter().any(|(name, _)| name == key);
        findings.expect(known, "shape", format!("{path} has no {key}"));
    }
}
