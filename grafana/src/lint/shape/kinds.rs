//! The options of each kind of panel.

use super::Is::{self, Bool, List, Maybe, Number, Object, One, Text};

const ORIENTATION: Is = One(&["auto", "horizontal", "vertical"]);
const REDUCE: Is = Object(&[("calcs", List(&CALC)), ("fields", Text), ("values", Bool)]);
const CALC: Is = One(&["lastNotNull", "max", "mean", "min", "sum"]);
const LEGEND: Is = Object(&[
    ("calcs", List(&CALC)),
    ("displayMode", One(&["list", "table"])),
    ("placement", One(&["bottom", "right"])),
    ("showLegend", Bool),
    ("sortBy", Maybe(&One(&["Last *", "Max", "Mean", "Name"]))),
    ("sortDesc", Maybe(&Bool)),
]);
const TOOLTIP: Is = Object(&[
    ("hideZeros", Maybe(&Bool)),
    ("mode", One(&["multi", "none", "single"])),
    ("sort", One(&["asc", "desc", "none"])),
]);
const HIDDEN: Is = Object(&[("legend", Bool), ("tooltip", Bool), ("viz", Bool)]);
const SCALE: Is = Object(&[("type", One(&["linear", "log", "symlog"]))]);

const STAT: Is = Object(&[
    ("colorMode", One(&["background", "none", "value"])),
    ("graphMode", One(&["area", "none"])),
    ("justifyMode", One(&["auto", "center"])),
    ("orientation", ORIENTATION),
    ("percentChangeColorMode", One(&["inverted", "standard"])),
    ("reduceOptions", REDUCE),
    ("showPercentChange", Bool),
    (
        "textMode",
        One(&["auto", "name", "value", "value_and_name"]),
    ),
    ("wideLayout", Bool),
]);
const GAUGE: Is = Object(&[
    ("minVizHeight", Number),
    ("minVizWidth", Number),
    ("orientation", ORIENTATION),
    ("reduceOptions", REDUCE),
    ("showThresholdLabels", Bool),
    ("showThresholdMarkers", Bool),
    ("sizing", One(&["auto", "manual"])),
]);
const BAR_GAUGE: Is = Object(&[
    ("displayMode", One(&["basic", "gradient", "lcd"])),
    ("legend", LEGEND),
    ("maxVizHeight", Number),
    ("minVizHeight", Number),
    ("minVizWidth", Number),
    ("namePlacement", One(&["auto", "hidden", "left", "top"])),
    ("orientation", ORIENTATION),
    ("reduceOptions", REDUCE),
    ("showUnfilled", Bool),
    ("sizing", One(&["auto", "manual"])),
    ("valueMode", One(&["color", "hidden", "text"])),
]);
const TIME_SERIES: Is = Object(&[("legend", LEGEND), ("tooltip", TOOLTIP)]);
const LINES: Is = Object(&[
    ("axisBorderShow", Bool),
    ("axisCenteredZero", Bool),
    ("axisColorMode", One(&["series", "text"])),
    ("axisLabel", Text),
    ("axisPlacement", One(&["auto", "hidden", "left", "right"])),
    ("axisSoftMax", Maybe(&Number)),
    ("axisSoftMin", Maybe(&Number)),
    ("barAlignment", Number),
    ("drawStyle", One(&["bars", "line", "points"])),
    ("fillOpacity", Number),
    ("gradientMode", One(&["hue", "none", "opacity", "scheme"])),
    ("hideFrom", HIDDEN),
    ("insertNulls", Bool),
    (
        "lineInterpolation",
        One(&["linear", "smooth", "stepAfter", "stepBefore"]),
    ),
    ("lineWidth", Number),
    ("pointSize", Number),
    ("scaleDistribution", SCALE),
    ("showPoints", One(&["always", "auto", "never"])),
    ("spanNulls", Bool),
    (
        "stacking",
        Object(&[
            ("group", Text),
            ("mode", One(&["none", "normal", "percent"])),
        ]),
    ),
    (
        "thresholdsStyle",
        Object(&[(
            "mode",
            One(&["area", "dashed", "dashed+area", "line", "line+area", "off"]),
        )]),
    ),
]);
const HEATMAP: Is = Object(&[
    ("calculate", Bool),
    ("cellGap", Number),
    ("cellValues", Object(&[("unit", Text)])),
    (
        "color",
        Object(&[
            ("exponent", Number),
            ("fill", Text),
            ("mode", One(&["opacity", "scheme"])),
            ("reverse", Bool),
            ("scale", One(&["exponential", "linear"])),
            ("scheme", Text),
            ("steps", Number),
        ]),
    ),
    ("exemplars", Object(&[("color", Text)])),
    ("filterValues", Object(&[("le", Number)])),
    ("legend", Object(&[("show", Bool)])),
    (
        "rowsFrame",
        Object(&[("layout", One(&["auto", "ge", "le", "unknown"]))]),
    ),
    ("showValue", One(&["always", "auto", "never"])),
    (
        "tooltip",
        Object(&[
            ("mode", One(&["multi", "none", "single"])),
            ("showColorScale", Bool),
            ("yHistogram", Bool),
        ]),
    ),
    (
        "yAxis",
        Object(&[
            ("axisPlacement", One(&["auto", "hidden", "left", "right"])),
            ("reverse", Bool),
            ("unit", Text),
        ]),
    ),
]);
const TABLE: Is = Object(&[
    ("cellHeight", One(&["lg", "md", "sm"])),
    ("frameIndex", Number),
    ("showHeader", Bool),
]);
const CELLS: Is = Object(&[
    ("align", One(&["auto", "center", "left", "right"])),
    ("cellOptions", Object(&[("type", One(&["auto"]))])),
    ("inspect", Bool),
]);
const STATES: Is = Object(&[
    ("alignValue", One(&["center", "left", "right"])),
    ("legend", LEGEND),
    ("mergeValues", Bool),
    ("rowHeight", Number),
    ("showValue", One(&["always", "auto", "never"])),
    ("tooltip", TOOLTIP),
]);
const BANDS: Is = Object(&[
    ("fillOpacity", Number),
    ("hideFrom", HIDDEN),
    ("insertNulls", Bool),
    ("lineWidth", Number),
    ("spanNulls", Bool),
]);

/// Kinds of panels, with their options and the defaults of their fields.
pub(super) const KINDS: &[(&str, Is, Is)] = &[
    ("stat", STAT, Object(&[])),
    ("gauge", GAUGE, Object(&[])),
    ("bargauge", BAR_GAUGE, Object(&[])),
    ("timeseries", TIME_SERIES, LINES),
    (
        "heatmap",
        HEATMAP,
        Object(&[("hideFrom", HIDDEN), ("scaleDistribution", SCALE)]),
    ),
    ("table", TABLE, CELLS),
    ("state-timeline", STATES, BANDS),
];
