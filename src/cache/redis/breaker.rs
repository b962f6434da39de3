//! A circuit breaker: holds a connection while it works, and none after a failure.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Counts the connections, so that a late failure of an old one is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Generation(u64);

/// The circuit breaker. It starts open: without a connection.
pub(super) struct Breaker<C> {
    state: RwLock<State<C>>,
}

struct State<C> {
    connection: Option<C>,
    generation: u64,
}

impl<C> Default for Breaker<C> {
    fn default() -> Self {
        let state = State {
            connection: None,
            generation: 0,
        };
        Self {
            state: RwLock::new(state),
        }
    }
}

impl<C: Clone> Breaker<C> {
    /// The working connection; `None` while the circuit is open.
    pub(super) fn current(&self) -> Option<(C, Generation)> {
        let state = self.read();
        let connection = state.connection.clone()?;
        Some((connection, Generation(state.generation)))
    }

    /// Closes the circuit with a new connection.
    pub(super) fn close(&self, connection: C) {
        let mut state = self.write();
        state.generation += 1;
        state.connection = Some(connection);
    }

    /// Opens the circuit because this connection failed. Returns `true` for the first failure of the
    /// current connection only: later ones and those of older connections change nothing.
    pub(super) fn open(&self, failed: Generation) -> bool {
        let mut state = self.write();
        if Generation(state.generation) != failed {
            return false;
        }
        state.connection.take().is_some()
    }

    /// Opens the circuit unconditionally.
    pub(super) fn clear(&self) {
        self.write().connection = None;
    }

    fn read(&self) -> RwLockReadGuard<'_, State<C>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State<C>> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_opens_it_and_a_new_connection_closes_it() {
        let breaker = Breaker::default();
        assert_eq!(breaker.current(), None);
        breaker.close("first");
        let (connection, generation) = breaker.current().expect("closed");
        assert_eq!(connection, "first");
        assert!(breaker.open(generation));
        assert_eq!(breaker.current(), None);
        breaker.close("second");
        assert_eq!(breaker.current().expect("closed").0, "second");
    }

    #[test]
    fn many_that_fail_together_open_it_once() {
        let breaker = Breaker::default();
        breaker.close("a connection");
        let (_, generation) = breaker.current().expect("closed");
        let opened: Vec<bool> = (0..10).map(|_| breaker.open(generation)).collect();
        assert_eq!(opened.iter().filter(|opened| **opened).count(), 1);
        assert!(opened[0]);
    }

    #[test]
    fn a_late_failure_of_an_old_connection_does_not_harm_the_new_one() {
        let breaker = Breaker::default();
        breaker.close("old");
        let (_, old) = breaker.current().expect("closed");
        assert!(breaker.open(old));
        breaker.close("new");
        assert!(!breaker.open(old));
        assert_eq!(breaker.current().expect("closed").0, "new");
    }

    #[test]
    fn cleared_it_stays_open() {
        let breaker = Breaker::default();
        breaker.close("a connection");
        let (_, generation) = breaker.current().expect("closed");
        breaker.clear();
        assert_eq!(breaker.current(), None);
        assert!(!breaker.open(generation));
    }
}
