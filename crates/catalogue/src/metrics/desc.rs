//! The description of a metric.

use metrics::{KeyName, Unit};

/// Counter, gauge or histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Cumulative; the name ends in `_total`.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Classic buckets, so that quantiles can be aggregated over instances.
    Histogram,
}

impl Kind {
    /// The type's name in the text format.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A label of a family: its name and its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelDesc {
    /// The label's name.
    pub name: &'static str,
    /// The possible values where they are known at compile time, in order of declaration.
    pub values: Vec<&'static str>,
    /// The bound of the values, for labels whose values are known only at start.
    pub bound: &'static str,
}

/// The description of a family.
#[derive(Clone, Copy, Debug)]
pub struct Desc {
    /// The exported name, in full.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Prometheus' unit: `seconds`, `bytes`, or empty.
    pub unit: &'static str,
    /// One sentence for `# HELP`.
    pub help: &'static str,
    /// Upper bounds of the buckets, in the unit; empty unless a histogram.
    pub buckets: &'static [f64],
}

impl Desc {
    /// Announces help text and unit to the recorder.
    pub fn describe(&self) {
        let unit = match self.unit {
            "seconds" => Some(Unit::Seconds),
            "bytes" => Some(Unit::Bytes),
            _ => None,
        };
        let name = KeyName::from_const_str(self.name);
        metrics::with_recorder(|recorder| match self.kind {
            Kind::Counter => recorder.describe_counter(name, unit, self.help.into()),
            Kind::Gauge => recorder.describe_gauge(name, unit, self.help.into()),
            Kind::Histogram => recorder.describe_histogram(name, unit, self.help.into()),
        });
    }
}
