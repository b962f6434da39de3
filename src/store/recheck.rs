//! Which resting connections to a database server may be used without being asked whether they live.
//!
//! A restart ends all of them at once, and each is found out by the request that gets it. So when one
//! is found lost, those that have rested since before are asked first: a restart that nobody waited
//! for costs one request, not one a connection.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::metrics::DbError;

/// How long a connection may rest before it is asked in any case: a busy one is not.
const TRUSTED: Duration = Duration::from_secs(1);

/// When a connection was last found lost. One for the process, like the counters of the errors that
/// it follows: a second store at worst asks once for nothing.
static LOSS: Mutex<Option<Instant>> = Mutex::new(None);

/// Takes note of an error of the database.
pub(super) fn note(kind: DbError) {
    if kind == DbError::Connection {
        lost();
    }
}

/// Takes note of a connection that was found lost.
pub(super) fn lost() {
    *LOSS.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
}

/// Whether a connection that has rested for so long may be used without being asked.
pub(super) fn is_trusted(rested: Duration) -> bool {
    let loss = *LOSS.lock().unwrap_or_else(PoisonError::into_inner);
    rested <= TRUSTED && loss.is_none_or(|loss| loss.elapsed() > rested)
}
