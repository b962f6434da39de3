//! Figures of many latencies, and how they are written: a bound as a bound.

use serde::{Deserialize, Serialize};
use testkit::exposition::Buckets;

use crate::statistics::Times;

/// Latencies of many requests, in milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Figures {
    /// Number of requests.
    pub count: u64,
    /// Requests per second.
    pub per_second: f64,
    /// Mean.
    pub mean_ms: f64,
    /// Median.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// 99.9th percentile.
    pub p999_ms: f64,
    /// The longest.
    pub max_ms: f64,
    /// Between which bounds more is known than the bound itself, where the latencies come from buckets.
    pub buckets: Option<Known>,
}

/// The lowest and the highest bound of a histogram, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Known {
    /// What is below is only known to be below.
    pub lowest_ms: f64,
    /// What is above is only known to be above.
    pub highest_ms: f64,
}

impl Figures {
    /// From the users' latencies.
    #[must_use]
    pub fn of_times(times: &Times, seconds: f64) -> Self {
        let millis = |q| times.value_at_quantile(q) as f64 / 1e3;
        Self {
            count: times.len(),
            per_second: if seconds > 0.0 {
                times.len() as f64 / seconds
            } else {
                0.0
            },
            mean_ms: times.mean() / 1e3,
            p50_ms: millis(0.5),
            p95_ms: millis(0.95),
            p99_ms: millis(0.99),
            p999_ms: millis(0.999),
            max_ms: millis(1.0),
            buckets: None,
        }
    }

    /// From the server's histogram.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counters are whole and rise"
    )]
    pub fn of_buckets(buckets: &Buckets, seconds: f64) -> Option<Self> {
        let finite = || buckets.cumulated.iter().filter(|(le, _)| le.is_finite());
        let known = Known {
            lowest_ms: finite().next()?.0 * 1e3,
            highest_ms: finite().next_back()?.0 * 1e3,
        };
        let millis = |q| {
            let value = buckets.quantile(q)? * 1e3;
            // Interpolation inside the first bucket would make up a time between nothing and its bound.
            Some(value.max(known.lowest_ms))
        };
        let (_, longest) = buckets.bounds_of(1.0)?;
        Some(Self {
            count: buckets.count.round() as u64,
            per_second: buckets.count / seconds,
            mean_ms: buckets.mean()? * 1e3,
            p50_ms: millis(0.5)?,
            p95_ms: millis(0.95)?,
            p99_ms: millis(0.99)?,
            p999_ms: millis(0.999)?,
            max_ms: (longest * 1e3).min(known.highest_ms),
            buckets: Some(known),
        })
    }

    /// The four percentiles and the longest, as they are written.
    #[must_use]
    pub fn columns(&self) -> [String; 5] {
        if self.count == 0 {
            return std::array::from_fn(|_| "–".to_owned());
        }
        let [p50, p95, p99, p999] =
            [self.p50_ms, self.p95_ms, self.p99_ms, self.p999_ms].map(|value| self.show(value));
        let longest = match self.buckets {
            Some(known) if self.max_ms < known.highest_ms => format!("≤ {}", millis(self.max_ms)),
            _ => self.show(self.max_ms),
        };
        [p50, p95, p99, p999, longest]
    }

    /// One of its times, no more precisely than it is known.
    fn show(&self, value: f64) -> String {
        match self.buckets {
            None => millis(value),
            Some(known) if value <= known.lowest_ms => format!("< {}", millis(known.lowest_ms)),
            Some(known) if value >= known.highest_ms => format!("> {}", millis(known.highest_ms)),
            Some(_) => format!("~ {}", millis(value)),
        }
    }
}

/// Milliseconds with two or no decimals, by size.
#[must_use]
pub fn millis(value: f64) -> String {
    match value {
        0.0..10.0 => format!("{value:.2} ms"),
        10.0..1_000.0 => format!("{value:.0} ms"),
        _ => format!("{:.2} s", value / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::times;

    #[test]
    fn milliseconds_have_decimals_by_size() {
        assert_eq!(millis(0.123_4), "0.12 ms");
        assert_eq!(millis(340.4), "340 ms");
        assert_eq!(millis(14_000.0), "14.00 s");
    }

    #[test]
    fn times_of_users_are_known_to_the_longest() {
        let mut seen = times();
        seen.record_n(1_000, 999).expect("in range");
        seen.record(4_000_000).expect("in range");
        let figures = Figures::of_times(&seen, 10.0);
        let expected = ["1.00 ms", "1.00 ms", "1.00 ms", "1.00 ms", "4.00 s"];
        assert_eq!(figures.columns(), expected);
        assert!((figures.per_second - 100.0).abs() < 1e-9);
    }

    #[test]
    fn bounds_are_written_as_bounds() {
        let buckets = |counts: [f64; 4]| Buckets {
            cumulated: [0.000_25, 0.001, 10.0, f64::INFINITY]
                .into_iter()
                .zip(counts)
                .collect(),
            sum: 1.0,
            count: counts[3],
        };
        let columns = |counts| {
            let figures = Figures::of_buckets(&buckets(counts), 1.0);
            figures.expect("samples").columns()
        };
        assert_eq!(
            columns([1000.0, 1000.0, 1000.0, 1000.0]),
            [
                "< 0.25 ms",
                "< 0.25 ms",
                "< 0.25 ms",
                "< 0.25 ms",
                "≤ 0.25 ms"
            ]
        );
        assert_eq!(
            columns([0.0, 1000.0, 1000.0, 1000.0])[0],
            "~ 0.62 ms",
            "between two bounds it is interpolated"
        );
        assert_eq!(columns([0.0, 0.0, 0.0, 10.0])[4], "> 10.00 s");
        assert_eq!(Figures::default().columns()[0], "–");
    }
}
