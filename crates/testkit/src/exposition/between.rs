//! Counters and histograms between two scrapes.

use std::collections::BTreeMap;

use super::scrape::{Exposition, bound};

/// Two scrapes, and the differences between them.
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
            for series in look.of(name) {
                let key = by.iter().map(|label| series.label(label).to_owned());
                *rises.entry(key.collect()).or_default() += sign * series.value;
            }
        }
        rises.retain(|_, rise| *rise != 0.0);
        rises
    }

    /// The samples that a histogram took up.
    #[must_use]
    pub fn buckets(&self, histogram: &str, labels: &[(&str, &str)]) -> Buckets {
        let name = format!("{histogram}_bucket");
        let mut bounds = self.after.bounds(histogram);
        bounds.push(f64::INFINITY);
        let mut cumulated: Vec<(f64, f64)> = bounds.into_iter().map(|bound| (bound, 0.0)).collect();
        for (look, sign) in [(&self.after, 1.0), (&self.before, -1.0)] {
            for series in look.of(&name).filter(|series| series.has(labels)) {
                let Some(le) = bound(series) else { continue };
                let mut bounds = cumulated.iter_mut();
                if let Some((_, count)) = bounds.find(|(bound, _)| bound.total_cmp(&le).is_eq()) {
                    *count += sign * series.value;
                }
            }
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
        let ((lower, below), (upper, count)) = self.bucket(q)?;
        // Beyond the last bound nothing is known but that.
        if upper.is_infinite() {
            return Some(lower);
        }
        let share = (q * self.count - below) / (count - below);
        Some(lower + (upper - lower) * share)
    }

    /// The lower and upper bound of the bucket that holds a quantile. None without samples.
    #[must_use]
    pub fn bounds_of(&self, q: f64) -> Option<(f64, f64)> {
        let ((lower, _), (upper, _)) = self.bucket(q)?;
        Some((lower, upper))
    }

    /// The bucket that holds a quantile, behind the one below it.
    fn bucket(&self, q: f64) -> Option<((f64, f64), (f64, f64))> {
        if self.count <= 0.0 {
            return None;
        }
        let mut below = (0.0, 0.0);
        for &bucket in &self.cumulated {
            if bucket.1 >= q * self.count {
                return Some((below, bucket));
            }
            below = bucket;
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

    const TEXT: &str = "h_bucket{route=\"/a\",le=\"0.5\"} 50\nh_bucket{route=\"/a\",le=\"1\"} 90\n\
        h_bucket{route=\"/a\",le=\"+Inf\"} 100\nh_sum{route=\"/a\"} 60.5\nh_count{route=\"/a\"} 100\n";

    fn between(before: &str, after: &str) -> Between {
        let parse = |text| Exposition::parse(text).expect("series");
        Between {
            before: parse(before),
            after: parse(after),
        }
    }

    fn assert_close(value: Option<f64>, to: f64) {
        let value = value.expect("samples");
        assert!((value - to).abs() < 1e-9, "{value} is not {to}");
    }

    #[test]
    fn quantiles_are_interpolated_as_prometheus_does_it() {
        let since_start = between("", TEXT);
        let buckets = since_start.buckets("h", &[("route", "/a")]);
        assert_close(buckets.quantile(0.25), 0.25);
        assert_close(buckets.quantile(0.7), 0.75);
        assert_close(buckets.quantile(0.99), 1.0);
        assert_close(buckets.mean(), 0.605);
        assert_eq!(buckets.bounds_of(0.25), Some((0.0, 0.5)));
        assert_eq!(buckets.bounds_of(0.99), Some((1.0, f64::INFINITY)));
        let none = since_start.buckets("h", &[("route", "/b")]);
        assert!(none.quantile(0.5).is_none() && none.bounds_of(0.5).is_none());
    }

    #[test]
    fn samples_of_before_are_left_out() {
        let earlier = TEXT.replace("90\n", "60\n").replace("100\n", "65\n");
        let buckets = between(&earlier, TEXT).buckets("h", &[]);
        let counts: Vec<_> = buckets.cumulated.iter().map(|(_, count)| *count).collect();
        assert_eq!(counts, [0.0, 30.0, 35.0]);
        assert_eq!(buckets.count.to_string(), "35");
    }

    #[test]
    fn rises_are_told_by_label() {
        let between = between(
            "c{a=\"x\"} 1\nc{a=\"y\"} 2\n",
            "c{a=\"x\"} 4\nc{a=\"y\"} 2\n",
        );
        let rises = between.rises("c", &["a"]);
        assert_eq!(
            rises.into_iter().collect::<Vec<_>>(),
            [(vec!["x".to_owned()], 3.0)]
        );
        assert_eq!(between.rise("c", &[]).to_string(), "3");
    }
}
