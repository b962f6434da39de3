//! Which idle connections to a database server are pinged before use.
//!
//! A restart of the server breaks all of them at once, and each would fail the request that gets it.
//! So after one is found broken, all that have been idle since before then are pinged first: a
//! restart costs one failed request instead of one for each connection.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::metrics::DbError;

/// A connection that was idle for longer is pinged in any case. Connections of a busy pool are not
/// idle for so long.
const MAX_UNCHECKED: Duration = Duration::from_secs(1);

/// When a connection was last found broken. One for the process, like the error counters that it
/// follows: a second store at worst pings once for nothing.
static BROKEN: Mutex<Option<Instant>> = Mutex::new(None);

/// Remembers an error that says that a connection is broken.
pub(super) fn note(kind: DbError) {
    if kind == DbError::Connection {
        found_broken();
    }
}

/// Remembers that a connection was found broken.
pub(super) fn found_broken() {
    *BROKEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
}

/// Whether a connection that was idle for so long is pinged before use.
pub(super) fn needs_ping(idle: Duration) -> bool {
    let broken = *BROKEN.lock().unwrap_or_else(PoisonError::into_inner);
    idle > MAX_UNCHECKED || broken.is_some_and(|broken| broken.elapsed() <= idle)
}
