//! Metrics that are on no panel and in no alert, each with its reason: they are for exploring.

/// Names and reasons.
pub const EXPLORE: &[(&str, &str)] = &[];
