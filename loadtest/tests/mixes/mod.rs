//! Loads of one's own.

mod arrivals;
mod connections;
mod files;
mod output;
mod thresholds;
