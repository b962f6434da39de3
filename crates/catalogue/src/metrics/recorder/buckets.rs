//! A histogram that counts every sample once, whoever reads meanwhile.

use std::sync::atomic::{AtomicU64, Ordering};

use metrics::HistogramFn;

/// Buckets and the sum of one series. A sample is an addition to one bucket, so nothing waits to be moved, and
/// nothing is lost.
pub(super) struct Buckets {
    /// Upper bounds, ascending.
    bounds: &'static [f64],
    /// Samples of each bucket alone; the last one has no bound.
    counts: Box<[AtomicU64]>,
    /// The bits of the sum of all samples.
    sum: AtomicU64,
}

impl Buckets {
    pub(super) fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0_f64.to_bits()),
        }
    }

    /// How many samples were at most each bound, and at last how many there were.
    pub(super) fn cumulative(&self) -> impl Iterator<Item = u64> {
        let counts = self.counts.iter();
        counts.scan(0, |all, count| {
            *all += count.load(Ordering::Relaxed);
            Some(*all)
        })
    }

    pub(super) fn sum(&self) -> f64 {
        f64::from_bits(self.sum.load(Ordering::Relaxed))
    }
}

impl HistogramFn for Buckets {
    fn record(&self, value: f64) {
        let add = |sum: u64| Some((f64::from_bits(sum) + value).to_bits());
        // Always changes it: `add` never gives up.
        let _ = self
            .sum
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        let at = self.bounds.partition_point(|bound| *bound < value);
        // In the end, so that whoever sees the sample sees it in the sum.
        self.counts[at].fetch_add(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn sample_is_in_the_bucket_whose_bound_it_does_not_exceed() {
        let buckets = Buckets::new(&[0.5, 1.0, 2.5]);
        for value in [0.0, 0.5, 0.500_1, 1.0, 2.5, 2.500_1, f64::INFINITY] {
            buckets.record(value);
        }
        assert_eq!(buckets.cumulative().collect::<Vec<_>>(), [2, 4, 5, 7]);
        assert!(buckets.sum().is_infinite());
    }

    #[test]
    fn nothing_is_lost_while_others_read() {
        const SAMPLES: u64 = 200_000;
        let buckets = Arc::new(Buckets::new(&[0.5, 1.0]));
        let recorders = [0.25, 0.75, 1.25, 0.5].map(|value| {
            let buckets = Arc::clone(&buckets);
            thread::spawn(move || (0..SAMPLES).for_each(|_| buckets.record(value)))
        });
        let mut before = vec![0; 3];
        while !recorders.iter().all(thread::JoinHandle::is_finished) {
            let now: Vec<_> = buckets.cumulative().collect();
            assert!(before.iter().zip(&now).all(|(before, now)| before <= now));
            before = now;
        }
        for recorder in recorders {
            recorder.join().expect("no panic");
        }
        let all: Vec<_> = buckets.cumulative().collect();
        assert_eq!(all, [2 * SAMPLES, 3 * SAMPLES, 4 * SAMPLES]);
        // Quarters add up exactly.
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let sum = 2.75 * SAMPLES as f64;
        assert!((buckets.sum() - sum).abs() < f64::EPSILON);
    }
}
