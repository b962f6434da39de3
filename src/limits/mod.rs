//! Rate limits and what they write into the log.

mod log_throttle;
mod throttle;

pub use self::throttle::{Source, Throttle};
