//! Whether paired measurements differ: the estimate of Hodges and Lehmann, with the interval of Wilcoxon's
//! signed ranks.
//!
//! It assumes that differences are spread alike to both sides, which chance guarantees where two equal things
//! are measured in a random order, and nothing else: no shape of the noise, no size. So a claim about two
//! equal builds is as rare as the interval says, on every machine.

use serde::Serialize;

use crate::median::median;

/// An estimate of the middle of some differences, and bounds of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The median of all means of two.
    pub middle: f64,
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

impl Estimate {
    /// From these differences; `error` is how often the bounds may miss the truth. Nothing if there are too
    /// few of them for that.
    #[must_use]
    pub fn of(differences: &[f64], error: f64) -> Option<Self> {
        let left_out = left_out(differences.len(), error)?;
        let mut means: Vec<f64> = Vec::new();
        for (at, one) in differences.iter().enumerate() {
            means.extend(
                differences[at..]
                    .iter()
                    .map(|other| f64::midpoint(*one, *other)),
            );
        }
        means.sort_unstable_by(f64::total_cmp);
        let last = means.len() - 1;
        Some(Self {
            middle: median(&means),
            low: means[left_out],
            high: means[last - left_out],
        })
    }
}

/// The fewest differences that can show anything so rarely wrong.
#[must_use]
pub fn fewest(error: f64) -> usize {
    let enough = |count: &usize| left_out(*count, error).is_some();
    (1..64).find(enough).unwrap_or(64)
}

/// How many means of two lie outside the bounds on either side: the largest sum of ranks that is rarer than
/// half of `error`.
fn left_out(count: usize, error: f64) -> Option<usize> {
    let sums = rank_sums(count);
    let mut together = 0.0;
    let rare = sums.iter().take_while(|share| {
        together += **share;
        together <= error / 2.0
    });
    rare.count().checked_sub(1)
}

/// How often the positive ones of so many differences have this sum of ranks, if nothing differs.
fn rank_sums(count: usize) -> Vec<f64> {
    let mut shares = vec![1.0];
    for rank in 1..=count {
        let mut next = vec![0.0; shares.len() + rank];
        for (sum, share) in shares.iter().enumerate() {
            next[sum] += share / 2.0;
            next[sum + rank] += share / 2.0;
        }
        shares = next;
    }
    shares
}

#[cfg(test)]
mod tests {
    use rand::{Rng as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn bounds_are_those_of_the_tables() {
        // Of Wilcoxon's test, two-sided: critical sums of ranks.
        for (count, error, sum) in [(6, 0.05, 0), (10, 0.05, 8), (12, 0.05, 13), (20, 0.01, 37)] {
            assert_eq!(left_out(count, error), Some(sum), "{count} {error}");
        }
        assert_eq!(left_out(5, 0.05), None);
        assert_eq!((fewest(0.05), fewest(0.05 / 16.0)), (6, 10));
        assert_eq!(Estimate::of(&[1.0; 5], 0.05), None);
    }

    #[test]
    fn middle_is_that_of_all_means_of_two() {
        let found = Estimate::of(&[1.0, 2.0, 3.0, 4.0, 5.0, 90.0], 0.05).expect("enough");
        // One wild difference of six moves the middle little, and the bounds where it lies.
        assert_eq!((found.low, found.middle, found.high), (1.0, 3.5, 90.0));
    }

    /// Noise of a shape that is far from normal: most small, some large, to both sides.
    fn noise(rng: &mut ChaCha8Rng) -> f64 {
        let size: f64 = rng.random_range(0.0..0.03);
        let size = if rng.random_range(0..10) == 0 {
            size * 4.0
        } else {
            size
        };
        if rng.random::<bool>() { size } else { -size }
    }

    #[test]
    fn noise_is_taken_for_a_difference_as_rarely_as_promised() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let questions = 8;
        let experiments = 2_000;
        let mut claims = 0;
        for _ in 0..experiments {
            let claimed = (0..questions).any(|_| {
                let differences: Vec<f64> = (0..16).map(|_| noise(&mut rng)).collect();
                let found = Estimate::of(&differences, 0.05 / f64::from(questions));
                found.is_some_and(|found| found.low > 0.0 || found.high < 0.0)
            });
            claims += u32::from(claimed);
        }
        // One in twenty is promised; three standard deviations above that.
        assert!(claims < 130, "{claims} of {experiments}");
        assert!(
            claims > 20,
            "an interval that is never wrong is too wide: {claims}"
        );
    }

    #[test]
    fn planted_difference_is_found_within_its_bounds() {
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        let planted = 1.1_f64.ln();
        let (mut found, mut covered) = (0, 0);
        for _ in 0..500 {
            let differences: Vec<f64> = (0..16).map(|_| planted + noise(&mut rng)).collect();
            let one = Estimate::of(&differences, 0.05 / 16.0).expect("enough");
            found += u32::from(one.low > 0.0);
            covered += u32::from(one.low <= planted && planted <= one.high);
        }
        assert!(found >= 475, "{found} of 500");
        assert!(covered >= 490, "{covered} of 500");
    }
}
