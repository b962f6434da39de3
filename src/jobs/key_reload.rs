//! Reads the signing keys, so that every replica follows their changes.

use std::sync::Arc;
use std::time::Duration;

use super::Job;
use crate::events::names;
use crate::tokens::{Keys, RELOAD_INTERVAL};

/// Reads the signing keys every few seconds, and replaces one that has reached its age.
pub struct KeyReload {
    keys: Arc<Keys>,
    failed: bool,
}

impl KeyReload {
    /// Reads these keys.
    #[must_use]
    pub const fn new(keys: Arc<Keys>) -> Self {
        Self {
            keys,
            failed: false,
        }
    }
}

impl Job for KeyReload {
    fn first_delay(&self) -> Duration {
        RELOAD_INTERVAL
    }

    async fn tick(&mut self) -> Duration {
        match self.keys.reload().await {
            Ok(()) => self.failed = false,
            Err(error) => {
                // Once for a series of failures, which the counter counts.
                if !self.failed {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::error!(
                        event = names::KEY_RELOAD_FAILED,
                        %error,
                        cause,
                        "the signing keys cannot be read: the ones in use stay so"
                    );
                }
                self.failed = true;
            }
        }
        RELOAD_INTERVAL
    }
}
