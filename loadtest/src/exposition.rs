//! What the server says of itself: its metrics in Prometheus' text format.

use std::collections::BTreeMap;

use crate::{Error, Result};

/// The labels of a series.
pub type Labels = BTreeMap<String, String>;

/// One answer of `/metrics`.
#[derive(Clone, Debug, Default)]
pub struct Exposition {
    series: Vec<(String, Labels, f64)>,
    /// Its length.
    pub bytes: usize,
}

impl Exposition {
    /// Reads it, but for the series of synthetic requests.
    ///
    /// # Errors
    /// Names the line that is none.
    pub fn parse(text: &str) -> Result<Self> {
        let lines = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut series = lines
            .map(|line| parse(line).ok_or_else(|| Error::from(format!("no series: {line}"))))
            .collect::<Result<Vec<_>>>()?;
        // What the service asks itself is nobody's whose requests are compared here.
        let synthetic = |labels: &Labels| {
            let kind = labels.get("user_agent_synthetic_type");
            kind.is_some_and(|kind| !kind.is_empty())
        };
        series.retain(|(_, labels, _)| !synthetic(labels));
        Ok(Self {
            series,
            bytes: text.len(),
        })
    }

    /// How many series there are.
    #[must_use]
    pub fn series(&self) -> usize {
        self.series.len()
    }

    /// The series of this name that have these labels.
    pub fn of<'a>(
        &'a self,
        name: &'a str,
        labels: &'a [(&'a str, &'a str)],
    ) -> impl Iterator<Item = (&'a Labels, f64)> {
        self.series
            .iter()
            .filter(move |(of, have, _)| {
                of == name
                    && labels
                        .iter()
                        .all(|(label, value)| have.get(*label).is_some_and(|had| had == value))
            })
            .map(|(_, labels, value)| (labels, *value))
    }

    /// Their sum.
    #[must_use]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        // Not `sum()`, which begins with -0.
        self.of(name, labels)
            .fold(0.0, |sum, (_, value)| sum + value)
    }

    /// Whether there is a series of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.of(name, &[]).next().is_some()
    }

    /// The value of a label of a series that says its message in labels.
    #[must_use]
    pub fn info(&self, name: &str, label: &str) -> Option<String> {
        self.of(name, &[])
            .find_map(|(labels, _)| labels.get(label).cloned())
    }

    /// The upper bounds of a histogram, without the infinite one.
    #[must_use]
    pub fn bounds(&self, histogram: &str) -> Vec<f64> {
        let name = format!("{histogram}_bucket");
        let bounds = self
            .of(&name, &[])
            .filter_map(|(labels, _)| labels.get("le")?.parse().ok());
        let mut bounds: Vec<f64> = bounds.filter(|bound: &f64| bound.is_finite()).collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        bounds
    }
}

/// `name{label="value",…} value`, without timestamp.
fn parse(line: &str) -> Option<(String, Labels, f64)> {
    let (head, value) = line.rsplit_once(' ')?;
    let value = match value {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        value => value.parse().ok()?,
    };
    let Some((name, rest)) = head.split_once('{') else {
        return Some((head.to_owned(), Labels::new(), value));
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
    Some((name.to_owned(), labels, value))
}

/// What the server counted between two looks.
#[derive(Clone, Debug)]
pub struct Between {
    /// Before.
    pub before: Exposition,
    /// After.
    pub after: Exposition,
}

impl Between {
    /// By how much a counter went up.
    #[must_use]
    pub fn rise(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.after.sum(name, labels) - self.before.sum(name, labels)
    }

    /// By how much each series of a counter went up, by these labels; those that did not are left
    /// out.
    #[must_use]
    pub fn rises(&self, name: &str, by: &[&str]) -> BTreeMap<Vec<String>, f64> {
        let mut rises: BTreeMap<Vec<String>, f64> = BTreeMap::new();
        for (look, sign) in [(&self.after, 1.0), (&self.before, -1.0)] {
            for (labels, value) in look.of(name, &[]) {
                let key = by
                    .iter()
                    .map(|label| labels.get(*label).cloned().unwrap_or_default());
                *rises.entry(key.collect()).or_default() += sign * value;
            }
        }
        rises.retain(|_, rise| *rise != 0.0);
        rises
    }

    /// What a histogram took up.
    #[must_use]
    pub fn buckets(&self, histogram: &str, labels: &[(&str, &str)]) -> Buckets {
        let name = format!("{histogram}_bucket");
        let mut cumulated: Vec<(f64, f64)> = Vec::new();
        for bound in self
            .after
            .bounds(histogram)
            .into_iter()
            .chain([f64::INFINITY])
        {
            let rise: f64 = [(&self.after, 1.0), (&self.before, -1.0)]
                .into_iter()
                .map(|(look, sign)| {
                    let of = look.of(&name, labels).filter(|(labels, _)| {
                        let le = labels.get("le").and_then(|le| le.parse::<f64>().ok());
                        le.is_some_and(|le| le.total_cmp(&bound).is_eq())
                    });
                    of.fold(0.0, |sum, (_, value)| sum + sign * value)
                })
                .sum();
            cumulated.push((bound, rise));
        }
        Buckets {
            cumulated,
            sum: self.rise(&format!("{histogram}_sum"), labels),
            count: self.rise(&format!("{histogram}_count"), labels),
        }
    }
}

/// A histogram's samples: for each upper bound, how many were at most that.
#[derive(Clone, Debug)]
pub struct Buckets {
    /// Bounds and counts, the last one infinite.
    pub cumulated: Vec<(f64, f64)>,
    /// The sum of the samples.
    pub sum: f64,
    /// How many there are.
    pub count: f64,
}

impl Buckets {
    /// A quantile in the histogram's unit, interpolated within its bucket as Prometheus does it. None
    /// without samples.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        if self.count <= 0.0 {
            return None;
        }
        let rank = q * self.count;
        let mut below = (0.0, 0.0);
        for &(bound, count) in &self.cumulated {
            if count >= rank {
                // Beyond the last bound nothing is known but that.
                if bound.is_infinite() {
                    return Some(below.0);
                }
                let share = (rank - below.1) / (count - below.1);
                return Some(below.0 + (bound - below.0) * share);
            }
            below = (bound, count);
        }
        None
    }

    /// The mean, if there is one.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0.0).then(|| self.sum / self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# TYPE h histogram\n\
        h_bucket{route=\"/a\",le=\"0.5\"} 50\nh_bucket{route=\"/a\",le=\"1\"} 90\n\
        h_bucket{route=\"/a\",le=\"+Inf\"} 100\nh_sum{route=\"/a\"} 60.5\nh_count{route=\"/a\"} 100\n\
        \nup 1\nodd{text=\"a\\\"b\\\\c,d=\\n}\",empty=\"\"} 2.5e1\n";

    fn exposition() -> Exposition {
        Exposition::parse(TEXT).expect("series")
    }

    fn between() -> Between {
        Between {
            before: Exposition::default(),
            after: exposition(),
        }
    }

    #[test]
    fn requests_that_the_service_makes_itself_are_left_out() {
        let text = "r_count{user_agent_synthetic_type=\"\"} 2\n\
            r_count{user_agent_synthetic_type=\"test\"} 3\n";
        let exposition = Exposition::parse(text).expect("series");
        assert_eq!(exposition.sum("r_count", &[]).to_string(), "2");
    }

    #[test]
    fn series_are_read_with_their_labels() {
        let exposition = exposition();
        assert_eq!(exposition.series(), 7);
        assert_eq!(exposition.bytes, TEXT.len());
        assert_eq!(exposition.sum("up", &[]).to_string(), "1");
        assert_eq!(exposition.sum("missing", &[]).to_string(), "0");
        let labels = [("text", "a\"b\\c,d=\n}"), ("empty", "")];
        assert_eq!(exposition.sum("odd", &labels).to_string(), "25");
        assert_eq!(exposition.bounds("h"), [0.5, 1.0]);
    }

    #[test]
    fn what_is_no_series_is_named() {
        let error = Exposition::parse("up 1\nnonsense").expect_err("no series");
        assert!(error.to_string().contains("nonsense"));
        assert!(Exposition::parse("a{b=\"c} 1").is_err());
    }

    #[test]
    fn quantiles_are_interpolated_as_prometheus_does_it() {
        let buckets = between().buckets("h", &[("route", "/a")]);
        let close = |value: Option<f64>, to: f64| {
            assert!(
                (value.expect("samples") - to).abs() < 1e-9,
                "{value:?} is not {to}"
            );
        };
        close(buckets.quantile(0.25), 0.25);
        close(buckets.quantile(0.7), 0.75);
        close(buckets.quantile(0.99), 1.0);
        close(buckets.mean(), 0.605);
        assert!(
            between()
                .buckets("h", &[("route", "/b")])
                .quantile(0.5)
                .is_none()
        );
    }

    #[test]
    fn rises_are_told_by_label() {
        let before = Exposition::parse("c{a=\"x\"} 1\nc{a=\"y\"} 2\n").expect("series");
        let after = Exposition::parse("c{a=\"x\"} 4\nc{a=\"y\"} 2\n").expect("series");
        let between = Between { before, after };
        let rises = between.rises("c", &["a"]);
        assert_eq!(
            rises.into_iter().collect::<Vec<_>>(),
            [(vec!["x".to_owned()], 3.0)]
        );
        assert_eq!(between.rise("c", &[]).to_string(), "3");
    }
}
