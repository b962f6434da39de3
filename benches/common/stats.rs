//! Percentiles.

use std::time::Duration;

use serde_json::{Value, json};

/// The value below which `share` of the sorted values lie.
fn quantile(sorted: &[Duration], share: f64) -> Duration {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index into a list that fits into memory"
    )]
    let index = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().unwrap_or_default()
}

/// A duration in milliseconds.
pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Summary of latencies.
pub struct Latency {
    pub count: usize,
    pub p50: Duration,
    pub p95: Duration,
    pub p99: Duration,
    pub max: Duration,
}

impl Latency {
    /// Sums latencies up.
    pub fn of(mut values: Vec<Duration>) -> Self {
        values.sort_unstable();
        Self {
            count: values.len(),
            p50: quantile(&values, 0.50),
            p95: quantile(&values, 0.95),
            p99: quantile(&values, 0.99),
            max: values.last().copied().unwrap_or_default(),
        }
    }

    /// The figures, in milliseconds.
    pub fn json(&self) -> Value {
        json!({
            "count": self.count,
            "p50_ms": milliseconds(self.p50),
            "p95_ms": milliseconds(self.p95),
            "p99_ms": milliseconds(self.p99),
            "max_ms": milliseconds(self.max),
        })
    }
}

impl std::fmt::Display for Latency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "P50 {:.3} ms, P95 {:.3} ms, P99 {:.3} ms, longest {:.1} ms",
            milliseconds(self.p50),
            milliseconds(self.p95),
            milliseconds(self.p99),
            milliseconds(self.max)
        )
    }
}
