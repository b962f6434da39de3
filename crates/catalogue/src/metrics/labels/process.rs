//! The process itself.

use crate::metrics::label_set::label_set;

label_set! {
    /// Log levels that are counted.
    pub enum LogLevel ["level"] {
        /// Warnings.
        Warn = ["warn"],
        /// Errors.
        Error = ["error"],
    }
}
