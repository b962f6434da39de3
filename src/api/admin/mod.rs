//! What administrators do.

pub mod users;
