//! Notes the first use of an access token of each generation of a session: from then on the refresh
//! token that the generation was exchanged for is not honoured any more, but for the grace period.
//!
//! One small statement a generation and replica, before the request is answered. What was noted is
//! remembered here, so that a warm request asks nothing. A note that fails is not worth refusing a
//! request: the next use tries again. Until then a thief who has the parent gets the successor, which
//! he cannot use without being noticed at the owner's next refresh.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::cache::LocalMap;
use crate::metrics::CacheName;
use crate::store::Store;

/// As many as sessions are cached: a session that is not remembered is noted again.
const REMEMBERED: usize = 50_000;
/// The longest that a request waits for its note, which goes on without it.
const PATIENCE: Duration = Duration::from_millis(250);
/// After a failure nothing is noted for this long: a database that is gone makes no request slow.
const PAUSE: Duration = Duration::from_secs(1);

/// The generations whose use was noted.
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

    /// Notes that a token of this generation is used.
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
        // Before the statement, so that of parallel requests one executes it.
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
