//! Ends a run before its time: a signal, or a server that is gone. What was measured until then is reported.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use crate::Result;

/// Why a run ended before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// SIGINT, SIGTERM or SIGHUP.
    Signal,
    /// The server or a replica of it ended or was replaced, in words.
    Server(String),
}

/// What has happened so far.
#[derive(Clone, Debug, Default)]
struct State {
    /// The first reason, and when it came.
    first: Option<(Reason, Instant)>,
    /// Whether nobody wants to wait any longer.
    hurry: bool,
}

/// Told once that the run is to end; whoever waits for something asks it.
#[derive(Clone, Debug)]
pub struct Stop {
    state: Arc<watch::Sender<State>>,
}

impl Stop {
    /// Nothing has happened.
    #[must_use]
    pub fn new() -> Self {
        let (state, _) = watch::channel(State::default());
        Self {
            state: Arc::new(state),
        }
    }

    /// Lets SIGINT, SIGTERM and SIGHUP end the run; the second one hurries it.
    ///
    /// # Errors
    /// When the signals cannot be handled.
    pub fn on_signals(&self) -> Result<()> {
        let stop = self.clone();
        ctrlc::set_handler(move || stop.interrupt())
            .map_err(|error| format!("signals cannot be handled: {error}").into())
    }

    /// A signal has come.
    pub fn interrupt(&self) {
        self.state.send_modify(|state| {
            if let Some((Reason::Signal, _)) = state.first {
                state.hurry = true;
            }
            state
                .first
                .get_or_insert_with(|| (Reason::Signal, Instant::now()));
        });
    }

    /// The server is gone.
    pub fn server_gone(&self, words: String) {
        self.state.send_modify(|state| {
            state
                .first
                .get_or_insert_with(|| (Reason::Server(words), Instant::now()));
        });
    }

    /// Why the run is to end, and since when.
    #[must_use]
    pub fn reason(&self) -> Option<(Reason, Instant)> {
        self.state.borrow().first.clone()
    }

    /// Whether nobody wants to wait any longer.
    #[must_use]
    pub fn is_hurried(&self) -> bool {
        self.state.borrow().hurry
    }

    /// Waits until the run is to end.
    pub async fn stopped(&self) {
        let mut state = self.state.subscribe();
        // The sender lives as long as this.
        let _ = state.wait_for(|state| state.first.is_some()).await;
    }

    /// Waits until nobody wants to wait any longer.
    pub async fn hurried(&self) {
        let mut state = self.state.subscribe();
        let _ = state.wait_for(|state| state.hurry).await;
    }

    /// The result of this, unless the run is to end first.
    pub async fn unless<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.stopped() => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn first_signal_ends_and_second_hurries() {
        let stop = Stop::new();
        assert_eq!(stop.unless(async { 1 }).await, Some(1));
        stop.interrupt();
        assert_eq!(stop.unless(pending::<()>()).await, None);
        assert!(!stop.is_hurried());
        stop.interrupt();
        stop.hurried().await;
        assert!(matches!(stop.reason(), Some((Reason::Signal, _))));
    }

    #[tokio::test]
    async fn first_reason_stays() {
        let stop = Stop::new();
        stop.server_gone("it ended".to_owned());
        stop.interrupt();
        stop.stopped().await;
        let reason = stop.reason().map(|(reason, _)| reason);
        assert_eq!(reason, Some(Reason::Server("it ended".to_owned())));
        assert!(!stop.is_hurried());
    }
}
