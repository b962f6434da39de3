//! Notices that the files have changed.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Files, Tls};
use crate::jobs::Job;
use crate::metrics::{HTTP_TLS_RELOADS, Outcome};

/// The interval between checks of the files.
const INTERVAL: Duration = Duration::from_secs(1);

/// The state of the two files, for comparison; `None` for a missing file.
pub(super) type State = [Option<(SystemTime, u64)>; 2];

/// Reads the files again when they have changed.
pub(in crate::app) struct Reload {
    tls: Arc<Tls>,
    watched: Watched<State>,
}

/// What is read again once it has changed.
struct Watched<T> {
    /// The state at the last read.
    read: T,
    /// The state at the previous check.
    seen: T,
}

impl Reload {
    /// Watches the files of `tls`, which have just been read.
    pub(in crate::app) fn new(tls: Arc<Tls>) -> Self {
        let watched = Watched::new(tls.opened);
        Self { tls, watched }
    }
}

impl<T: Copy + PartialEq> Watched<T> {
    const fn new(read: T) -> Self {
        Self { read, seen: read }
    }

    /// Whether to read again in this state. The other file may be about to change, too: wait until both have
    /// stayed the same.
    fn is_due(&mut self, found: T) -> bool {
        let settled = found == std::mem::replace(&mut self.seen, found);
        let due = settled && found != self.read;
        if due {
            self.read = found;
        }
        due
    }
}

impl Job for Reload {
    async fn tick(&mut self) -> Duration {
        if self.watched.is_due(state(&self.tls.files)) {
            match self.tls.reload() {
                Ok(()) => {
                    HTTP_TLS_RELOADS.inc(Outcome::Success);
                    tracing::info!("TLS_CERT and TLS_KEY were reloaded");
                }
                Err(error) => {
                    HTTP_TLS_RELOADS.inc(Outcome::Failure);
                    tracing::error!(
                        %error,
                        "the changed TLS_CERT and TLS_KEY cannot be used: the previous certificate \
                         stays in use until they are fixed"
                    );
                }
            }
        }
        INTERVAL
    }
}

/// The current state of the files.
pub(super) fn state(files: &Files) -> State {
    let of = |path: &Path| {
        let found = fs::metadata(path).ok()?;
        Some((found.modified().ok()?, found.len()))
    };
    [of(&files.certificate), of(&files.key)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_once_they_have_stayed_the_same() {
        let mut watched = Watched::new('a');
        for (found, due) in [
            ('a', false),
            ('b', false),
            ('c', false),
            ('c', true),
            ('c', false),
            ('d', false),
            ('c', false),
            ('c', false),
            ('a', false),
            ('a', true),
        ] {
            assert_eq!(watched.is_due(found), due, "{found}");
        }
    }
}
