//! The process itself.

use crate::metrics::label_set::label_set;

label_set! {
    /// Log levels that are counted.
    pub enum LogLevel ["level"] {
        /// Something is off.
        Warn = ["warn"],
        /// Something failed.
        Error = ["error"],
    }
}
