//! Records the first use of an access token of each generation of a session. From then on, and after
//! the grace period, the refresh token that was exchanged for that generation is no longer honoured.
//!
//! This takes one small statement for each generation and replica, before the request is answered.
//! Recorded uses are cached here, so that a warm request runs no statement. A failed statement does not
//! fail the request: the next use tries again. Until then a thief with the parent token gets the
//! successor, but the owner's next refresh detects its use.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::cache::LocalMap;
use crate::metrics::CacheName;
use crate::store::Store;

/// As many as cached sessions: the use of a session that is not cached is recorded again.
const REMEMBERED: usize = 50_000;
/// The longest that a request waits for the statement, which continues without it.
const PATIENCE: Duration = Duration::from_millis(250);
/// After a failure nothing is recorded for this long, so that a database that is down slows no request.
const PAUSE: Duration = Duration::from_secs(1);

/// The generations whose use was recorded.
pub(super) struct FirstUse {
    /// The newest by session.
    noted: Arc<LocalMap<Uuid, i64>>,
    paused_until: Arc<Mutex<Option<Instant>>>,
}

impl FirstUse {
    pub(super) fn new() -> Self {
        Self {
            noted: Arc::new(LocalMap::new(CacheName::Generation, REMEMBERED)),
            paused_until: Arc::default(),
        }
    }

    /// Records that a token of this generation is used.
    pub(super) async fn note(
        &self,
        store: &Store,
        session: Uuid,
        generation: i64,
        now: DateTime<Utc>,
    ) {
        // The first generation has no parent.
        if generation <= 0
            || self
                .noted
                .get(&session)
                .is_some_and(|noted| noted >= generation)
            || self.is_paused()
        {
            return;
        }
        // Before the statement, so that only one of parallel requests executes it.
        self.noted.insert(session, generation);
        let (store, noted) = (store.clone(), Arc::clone(&self.noted));
        let paused_until = Arc::clone(&self.paused_until);
        // A task of its own continues when the client disconnects.
        let note = tokio::spawn(async move {
            if store.mark_used(session, generation, now).await.is_err() {
                *lock(&paused_until) = Some(Instant::now() + PAUSE);
                noted.remove(&session);
            }
        });
        // Fails only when the runtime shuts down, or the database is slow.
        let _ = tokio::time::timeout(PATIENCE, note).await;
    }

    /// Sets the gauge of entries. Called before each scrape.
    pub(super) fn observe(&self) {
        self.noted.observe();
    }

    fn is_paused(&self) -> bool {
        lock(&self.paused_until).is_some_and(|until| Instant::now() < until)
    }
}

fn lock(paused: &Mutex<Option<Instant>>) -> std::sync::MutexGuard<'_, Option<Instant>> {
    // An instant cannot be left half-written by a panic.
    paused.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Options, SqliteOptions};

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    async fn store(folder: &tempfile::TempDir) -> Store {
        let options = Options::Sqlite(SqliteOptions {
            url: folder.path().join("test.db").display().to_string(),
            readers: 1,
            synchronous_full: false,
            acquire_timeout: Duration::from_mins(1),
        });
        Store::open(&options).await.expect("opened")
    }

    #[tokio::test]
    async fn the_newest_generation_is_remembered_and_the_first_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder).await;
        let (first_use, session) = (FirstUse::new(), Uuid::now_v7());
        for (generation, remembered) in [
            (-1, None),
            (0, None),
            (1, Some(1)),
            (3, Some(3)),
            (3, Some(3)),
            (2, Some(3)),
        ] {
            first_use.note(&store, session, generation, NOW).await;
            assert_eq!(first_use.noted.get(&session), remembered, "{generation}");
        }
    }

    #[tokio::test]
    async fn after_a_failure_nothing_is_noted_for_a_while_and_nothing_remembered() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder).await;
        store.close().await;
        let (first_use, session) = (FirstUse::new(), Uuid::now_v7());
        let before = Instant::now();
        first_use.note(&store, session, 1, NOW).await;
        // The note goes on when its request does not wait for it any longer.
        let noted = async {
            while lock(&first_use.paused_until).is_none() || first_use.noted.get(&session).is_some()
            {
                tokio::task::yield_now().await;
            }
        };
        let noted = tokio::time::timeout(Duration::from_mins(1), noted).await;
        noted.expect("paused, and forgotten so that the next use tries again");
        assert!(lock(&first_use.paused_until).is_some_and(|until| until > before + PAUSE));
    }

    #[tokio::test]
    async fn while_it_is_paused_nothing_is_asked_of_the_database() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder).await;
        let (first_use, session) = (FirstUse::new(), Uuid::now_v7());
        *lock(&first_use.paused_until) = Some(Instant::now() + Duration::from_hours(1));
        first_use.note(&store, session, 1, NOW).await;
        assert_eq!(first_use.noted.get(&session), None);
        // The pause is over.
        *lock(&first_use.paused_until) = Some(Instant::now());
        first_use.note(&store, session, 1, NOW).await;
        assert_eq!(first_use.noted.get(&session), Some(1));
    }
}
