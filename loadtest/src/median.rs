//! The median.

/// The median of values in their order, of which there is at least one: the middle one, or halfway between the
/// middle two.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn median(sorted: &[f64]) -> f64 {
    let last = sorted.len() - 1;
    f64::midpoint(sorted[last / 2], sorted[sorted.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_in_the_middle() {
        for (values, middle) in [
            (&[7.0][..], 7.0),
            (&[1.0, 4.0], 2.5),
            (&[1.0, 2.0, 900.0], 2.0),
        ] {
            assert!((median(values) - middle).abs() < f64::EPSILON, "{values:?}");
        }
    }
}
