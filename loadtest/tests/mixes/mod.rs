//! Loads of one's own.

mod arrivals;
mod files;
mod thresholds;
