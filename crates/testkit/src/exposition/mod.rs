//! Metrics in Prometheus' text format.

mod between;
mod scrape;

pub use between::{Between, Buckets};
pub use scrape::{Exposition, Labels, Series};
