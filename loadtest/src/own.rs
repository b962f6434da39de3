//! Requests that the lab itself sends before its users come: the server counts them as well.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::statistics::{Times, micros, times};

/// Their latencies, by operation and status.
pub type Rows = BTreeMap<(String, u16), Times>;

/// Those of one client, and of its clones.
#[derive(Clone, Debug, Default)]
pub struct OwnRequests {
    rows: Arc<Mutex<Rows>>,
}

impl OwnRequests {
    /// One was answered.
    pub fn answered(&self, operation: &str, status: u16, time: Duration) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let row = rows.entry((operation.to_owned(), status));
        row.or_insert_with(times).saturating_record(micros(time));
    }

    /// All so far.
    #[must_use]
    pub fn rows(&self) -> Rows {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_of_a_client_count_together() {
        let own = OwnRequests::default();
        let other = own.clone();
        let time = Duration::from_millis(3);
        own.answered("POST /register", 201, time);
        other.answered("POST /register", 201, time);
        other.answered("POST /register", 503, time);
        let count = |status| own.rows()[&("POST /register".to_owned(), status)].len();
        assert_eq!((count(201), count(503)), (2, 1));
    }
}
