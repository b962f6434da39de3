//! One scrape, read from its text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::{Error, Result};

/// The labels of a series.
pub type Labels = BTreeMap<String, String>;

/// One line of a scrape.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// Its value.
    pub value: f64,
}

impl Series {
    /// Name and labels, in a fixed order.
    #[must_use]
    pub fn identity(&self) -> String {
        format!("{}{:?}", self.name, self.labels)
    }

    /// A label's value; empty when there is none.
    #[must_use]
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }

    /// Whether it has all of these labels.
    #[must_use]
    pub fn has(&self, labels: &[(&str, &str)]) -> bool {
        let is = |(name, value): &(&str, &str)| self.labels.get(*name).is_some_and(|v| v == value);
        labels.iter().all(is)
    }
}

/// One answer of `/metrics`.
#[derive(Clone, Debug, Default)]
pub struct Exposition {
    /// Help texts by metric.
    pub help: BTreeMap<String, String>,
    /// Kinds by metric: `counter`, `gauge`, `histogram`.
    pub kind: BTreeMap<String, String>,
    /// The series, in order.
    pub series: Vec<Series>,
    /// Its length.
    pub bytes: usize,
}

impl Exposition {
    /// Reads it.
    ///
    /// # Errors
    /// Names the line that is no series.
    pub fn parse(text: &str) -> Result<Self> {
        let mut parsed = Self {
            bytes: text.len(),
            ..Self::default()
        };
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(comment) = line.strip_prefix('#') {
                let mut words = comment.trim_start().splitn(3, ' ');
                let (keyword, name) = (words.next(), words.next().unwrap_or_default().to_owned());
                let text = words.next().unwrap_or_default().to_owned();
                match keyword {
                    Some("HELP") => drop(parsed.help.insert(name, text)),
                    Some("TYPE") => drop(parsed.kind.insert(name, text)),
                    _ => {}
                }
            } else {
                let series = series(line);
                let series = series.ok_or_else(|| Error::from(format!("no series: {line}")))?;
                parsed.series.push(series);
            }
        }
        Ok(parsed)
    }

    /// Its series as text, without help and kinds.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for series in &self.series {
            text.push_str(&series.name);
            for (at, (name, value)) in series.labels.iter().enumerate() {
                let value = value.replace('\\', "\\\\").replace('"', "\\\"");
                let value = value.replace('\n', "\\n");
                let open = if at == 0 { '{' } else { ',' };
                let _ = write!(text, "{open}{name}=\"{value}\"");
            }
            if !series.labels.is_empty() {
                text.push('}');
            }
            let _ = if series.value.is_infinite() {
                writeln!(text, " {}Inf", if series.value > 0.0 { '+' } else { '-' })
            } else {
                writeln!(text, " {}", series.value)
            };
        }
        text
    }

    /// The same without the requests that the service sends to itself, as a probe: no client saw them.
    #[must_use]
    pub fn without_synthetic(mut self) -> Self {
        self.series
            .retain(|series| series.label("user_agent_synthetic_type").is_empty());
        self
    }

    /// The series of this name.
    pub fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Series> {
        self.series.iter().filter(move |series| series.name == name)
    }

    /// The sum of the series of this name that have these labels.
    #[must_use]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let values = self.of(name).filter(|series| series.has(labels));
        // Not `sum()`, which begins with -0.
        values.fold(0.0, |sum, series| sum + series.value)
    }

    /// Whether there is a series of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.of(name).next().is_some()
    }

    /// The value of a label of a series that says its message in labels.
    #[must_use]
    pub fn info(&self, name: &str, label: &str) -> Option<String> {
        self.of(name)
            .find_map(|series| series.labels.get(label).cloned())
    }

    /// The upper bounds of a histogram, without the infinite one.
    #[must_use]
    pub fn bounds(&self, histogram: &str) -> Vec<f64> {
        let name = format!("{histogram}_bucket");
        let bounds = self.of(&name).filter_map(bound);
        let mut bounds: Vec<f64> = bounds.filter(|bound| bound.is_finite()).collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        bounds
    }

    /// The metric that a series belongs to: histograms have three names.
    #[must_use]
    pub fn family<'a>(&self, name: &'a str) -> &'a str {
        ["_bucket", "_sum", "_count"]
            .iter()
            .filter_map(|suffix| name.strip_suffix(suffix))
            .find(|base| self.kind.get(*base).is_some_and(|kind| kind != "counter"))
            .unwrap_or(name)
    }

    /// Name and labels of every series.
    #[must_use]
    pub fn identities(&self) -> BTreeSet<String> {
        self.series.iter().map(Series::identity).collect()
    }

    /// Whether the service is still answering requests or hashing.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        [
            "http_server_active_requests",
            "auth_password_hash_queue_depth",
            "auth_password_hash_in_flight",
        ]
        .iter()
        .any(|gauge| self.sum(gauge, &[]) > 0.0)
    }
}

/// The upper bound of a bucket.
pub(super) fn bound(series: &Series) -> Option<f64> {
    series.labels.get("le")?.parse().ok()
}

/// `name{label="value",…} value`, without timestamp.
fn series(line: &str) -> Option<Series> {
    let (head, value) = line.rsplit_once(' ')?;
    // Rust reads `+Inf`, `-Inf` and `NaN`, too.
    let value = value.parse().ok()?;
    let Some((name, rest)) = head.split_once('{') else {
        return Some(Series {
            name: head.to_owned(),
            labels: Labels::new(),
            value,
        });
    };
    let mut labels = Labels::new();
    let mut rest = rest.strip_suffix('}')?;
    while !rest.is_empty() {
        let (label, after) = rest.split_once("=\"")?;
        let mut text = String::new();
        let mut characters = after.char_indices();
        let end = loop {
            match characters.next()? {
                (at, '"') => break at,
                (_, '\\') => text.push(match characters.next()?.1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, other) => text.push(other),
            }
        };
        labels.insert(label.to_owned(), text);
        rest = after.get(end + 1..)?;
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    Some(Series {
        name: name.to_owned(),
        labels,
        value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# HELP h Times of things.\n# TYPE h histogram\n\
        h_bucket{route=\"/a\",le=\"0.5\"} 50\nh_bucket{route=\"/a\",le=\"1\"} 90\n\
        h_bucket{route=\"/a\",le=\"+Inf\"} 100\nh_sum{route=\"/a\"} 60.5\nh_count{route=\"/a\"} 100\n\
        \nup 1\nodd{text=\"a\\\"b\\\\c,d=\\n}\",empty=\"\"} 2.5e1\nlimit +Inf\n";

    fn exposition() -> Exposition {
        Exposition::parse(TEXT).expect("series")
    }

    #[test]
    fn synthetic_requests_are_left_out() {
        let text = "r_count{user_agent_synthetic_type=\"\"} 2\n\
            r_count{user_agent_synthetic_type=\"test\"} 3\n";
        let exposition = Exposition::parse(text).expect("series");
        assert_eq!(exposition.sum("r_count", &[]).to_string(), "5");
        let exposition = exposition.without_synthetic();
        assert_eq!(exposition.sum("r_count", &[]).to_string(), "2");
    }

    #[test]
    fn series_are_read_with_their_labels() {
        let exposition = exposition();
        assert_eq!(exposition.series.len(), 8);
        assert_eq!(exposition.bytes, TEXT.len());
        assert_eq!(exposition.sum("up", &[]).to_string(), "1");
        assert_eq!(exposition.sum("missing", &[]).to_string(), "0");
        let labels = [("text", "a\"b\\c,d=\n}"), ("empty", "")];
        assert_eq!(exposition.sum("odd", &labels).to_string(), "25");
        assert!(exposition.sum("limit", &[]).is_infinite());
        assert_eq!(exposition.bounds("h"), [0.5, 1.0]);
        assert_eq!(exposition.help["h"], "Times of things.");
        assert_eq!(exposition.kind["h"], "histogram");
        assert_eq!(exposition.family("h_bucket"), "h");
        assert_eq!(exposition.family("up"), "up");
    }

    #[test]
    fn series_survive_writing_and_reading() {
        let exposition = exposition();
        let again = Exposition::parse(&exposition.text()).expect("series");
        assert_eq!(again.series, exposition.series);
    }

    #[test]
    fn line_that_is_no_series_is_named() {
        let error = Exposition::parse("up 1\nnonsense").expect_err("no series");
        assert!(error.to_string().contains("nonsense"));
        assert!(Exposition::parse("a{b=\"c} 1").is_err());
    }
}
