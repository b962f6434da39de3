//! Loads of one's own.

mod arrivals;
