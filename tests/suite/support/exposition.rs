//! Prometheus' text format, taken apart.

use std::collections::{BTreeMap, BTreeSet};

/// One line of a scrape.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Series {
    /// Name and labels, in a fixed order.
    pub fn identity(&self) -> String {
        format!("{}{:?}", self.name, self.labels)
    }

    /// A label's value; empty when there is none.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

/// A whole scrape.
#[derive(Debug, Default)]
pub struct Exposition {
    pub help: BTreeMap<String, String>,
    pub kind: BTreeMap<String, String>,
    pub series: Vec<Series>,
}

impl Exposition {
    pub fn parse(text: &str) -> Self {
        let mut parsed = Self::default();
        let pair = |rest: &str| {
            let (name, value) = rest.split_once(' ').expect("a name and a value");
            (name.to_owned(), value.to_owned())
        };
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                parsed.help.extend([pair(rest)]);
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                parsed.kind.extend([pair(rest)]);
            } else {
                parsed.series.push(series(line));
            }
        }
        parsed
    }

    /// The family that a series belongs to: histograms have three names.
    pub fn family<'a>(&self, name: &'a str) -> &'a str {
        ["_bucket", "_sum", "_count"]
            .iter()
            .filter_map(|suffix| name.strip_suffix(suffix))
            .find(|base| self.kind.get(*base).is_some_and(|kind| kind != "counter"))
            .unwrap_or(name)
    }

    /// The series of this name.
    pub fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Series> {
        self.series.iter().filter(move |series| series.name == name)
    }

    /// Name and labels of every series.
    pub fn identities(&self) -> BTreeSet<String> {
        self.series.iter().map(Series::identity).collect()
    }
}

fn series(line: &str) -> Series {
    let (key, value) = line.rsplit_once(' ').expect("a value");
    let (name, labels) = match key.split_once('{') {
        Some((name, rest)) => (name, rest.strip_suffix('}').expect("a closing brace")),
        None => (key, ""),
    };
    // No label value of this service holds a quote or a comma: what does is reported as it is.
    let labels = labels
        .split("\",")
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once("=\"").expect("a quoted value");
            (name.to_owned(), value.trim_end_matches('"').to_owned())
        })
        .collect();
    Series {
        name: name.to_owned(),
        labels,
        value: value.parse().expect("a number"),
    }
}
