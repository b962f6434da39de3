//! Reads the policy when it has changed, so that every replica decides by the newest.

use std::sync::Arc;
use std::time::Duration;

use super::Job;
use crate::events::names;
use crate::policies::Policies;

/// How often the version is compared: with the reading itself, a change is in use within a second.
const INTERVAL: Duration = Duration::from_millis(500);

/// Compares the version of the policy with the database's, and reads the policy when they differ.
pub struct PolicyReload {
    policies: Arc<Policies>,
    failed: bool,
}

impl PolicyReload {
    /// Reads this policy.
    #[must_use]
    pub const fn new(policies: Arc<Policies>) -> Self {
        Self {
            policies,
            failed: false,
        }
    }
}

impl Job for PolicyReload {
    fn first_delay(&self) -> Duration {
        INTERVAL
    }

    async fn tick(&mut self) -> Duration {
        match self.policies.follow().await {
            Ok(()) => self.failed = false,
            Err(error) => {
                // Once for a series of failures, which the counter counts.
                if !self.failed {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::error!(
                        event = names::POLICY_RELOAD_FAILED,
                        %error,
                        cause,
                        "the policy cannot be read: the one in use stays so"
                    );
                }
                self.failed = true;
            }
        }
        INTERVAL
    }
}
