//! Notices that the file of the shadow policy has changed.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::config::Config;
use crate::decisions::Shadow;
use crate::error::Error;
use crate::events::names;
use crate::jobs::Job;

/// The interval between looks at the file.
const INTERVAL: Duration = Duration::from_secs(1);

/// Its last change and its size; `None` for a missing file.
type State = Option<(SystemTime, u64)>;

/// The shadow policy, if there is one. A file that cannot be used does not keep the service from starting.
pub(super) fn open(config: &Config) -> Option<Arc<Shadow>> {
    let options = &config.shadow;
    let shadow = Shadow::new(options.policy.clone()?, options.every);
    if let Err(error) = shadow.read() {
        unusable(&error);
    }
    Some(Arc::new(shadow))
}

/// Reads the shadow policy again when its file has changed.
pub(super) struct ShadowReload {
    shadow: Arc<Shadow>,
    read: State,
    seen: State,
}

impl ShadowReload {
    /// Watches the file, which has just been read.
    pub(super) fn new(shadow: Arc<Shadow>) -> Self {
        let state = state(shadow.path());
        Self {
            shadow,
            read: state,
            seen: state,
        }
    }
}

impl Job for ShadowReload {
    async fn tick(&mut self) -> Duration {
        let found = state(self.shadow.path());
        // It may be written just now: wait until it has stayed the same.
        let settled = found == std::mem::replace(&mut self.seen, found);
        if settled && found != self.read {
            self.read = found;
            match self.shadow.read() {
                Ok(()) => tracing::info!(event = names::SHADOW_LOADED, "shadow policy read"),
                Err(error) => unusable(&error),
            }
        }
        INTERVAL
    }
}

/// Logs that the file cannot be used.
fn unusable(error: &Error) {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::error!(
        event = names::SHADOW_UNUSABLE,
        cause,
        "SHADOW_POLICY cannot be used: no decision is compared until it is mended"
    );
}

fn state(path: &Path) -> State {
    let found = fs::metadata(path).ok()?;
    Some((found.modified().ok()?, found.len()))
}
