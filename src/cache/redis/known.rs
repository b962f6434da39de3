//! The invalidations known to this replica, its own and those of messages. Not read from Redis, so that
//! old entries and epochs restored in Redis are recognised.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quick_cache::unsync;

use crate::cache::gcra::whole_micros;

/// How long an invalidation is remembered: far longer than any entry from before it may live, and less
/// long than Redis keeps the epoch.
const REMEMBERED: Duration = Duration::from_mins(5);
/// At most so many guards; the least used are forgotten first.
const CAPACITY: usize = 50_000;

#[derive(Clone, Copy, Default)]
struct Guard {
    /// The latest epoch.
    epoch: u64,
    /// The latest epoch that a message brought. Messages come in order; the replies to this replica's own
    /// commands may overtake them.
    heard: u64,
    forget_at: i64,
}

/// The latest epochs by the names of their guards.
pub(super) struct KnownEpochs(Mutex<unsync::Cache<Vec<u8>, Guard>>);

impl Default for KnownEpochs {
    fn default() -> Self {
        Self(Mutex::new(unsync::Cache::new(CAPACITY)))
    }
}

impl KnownEpochs {
    /// The latest known epoch; 0 if there is none.
    pub(super) fn of(&self, guard: &[u8], now: i64) -> u64 {
        let known = self.lock().get(guard).copied();
        known
            .filter(|known| known.forget_at > now)
            .map_or(0, |known| known.epoch)
    }

    /// Remembers an epoch that this replica stored.
    pub(super) fn stored(&self, guard: &[u8], epoch: u64, now: i64) {
        self.change(guard, now, |known| known.epoch = known.epoch.max(epoch));
    }

    /// Remembers the epoch of a message. Returns whether it is news.
    pub(super) fn heard(&self, guard: &[u8], epoch: u64, now: i64) -> bool {
        self.change(guard, now, |known| {
            let news = epoch > known.heard;
            known.heard = known.heard.max(epoch);
            known.epoch = known.epoch.max(epoch);
            news
        })
    }

    fn change<T>(&self, guard: &[u8], now: i64, change: impl FnOnce(&mut Guard) -> T) -> T {
        let mut guards = self.lock();
        let known = guards.get(guard).copied();
        let mut known = known
            .filter(|known| known.forget_at > now)
            .unwrap_or_default();
        let result = change(&mut known);
        known.forget_at = now.saturating_add(whole_micros(REMEMBERED));
        guards.insert(guard.to_vec(), known);
        result
    }

    fn lock(&self) -> MutexGuard<'_, unsync::Cache<Vec<u8>, Guard>> {
        // Only an allocation failure could panic under the lock, and that aborts the process.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_767_225_600_000_000;
    const MINUTE: i64 = 60_000_000;

    #[test]
    fn the_latest_epoch_counts_and_is_forgotten_after_five_minutes() {
        let known = KnownEpochs::default();
        assert_eq!(known.of(b"a", NOW), 0);
        known.stored(b"a", 7, NOW);
        known.stored(b"a", 5, NOW + MINUTE);
        assert_eq!(known.of(b"a", NOW), 7);
        assert_eq!(known.of(b"b", NOW), 0);
        assert_eq!(known.of(b"a", NOW + 6 * MINUTE - 1), 7);
        assert_eq!(known.of(b"a", NOW + 6 * MINUTE), 0);
        known.stored(b"a", 3, NOW + 6 * MINUTE);
        assert_eq!(known.of(b"a", NOW + 6 * MINUTE), 3);
    }

    #[test]
    fn a_message_is_news_once_and_those_before_it_are_not() {
        let known = KnownEpochs::default();
        assert!(known.heard(b"a", 5, NOW));
        assert!(!known.heard(b"a", 5, NOW));
        assert!(known.heard(b"b", 5, NOW));
        assert!(known.heard(b"a", 6, NOW));
        assert!(!known.heard(b"a", 5, NOW));
        assert_eq!(known.of(b"a", NOW), 6);
    }

    #[test]
    fn an_own_change_does_not_make_earlier_messages_old() {
        let known = KnownEpochs::default();
        known.stored(b"a", 9, NOW);
        assert!(
            known.heard(b"a", 8, NOW),
            "published before, received later"
        );
        assert_eq!(known.of(b"a", NOW), 9);
        assert!(known.heard(b"a", 9, NOW));
    }

    #[test]
    fn memory_is_bounded() {
        let known = KnownEpochs::default();
        for number in 0..CAPACITY + 10_000 {
            known.stored(&number.to_be_bytes(), 1, NOW);
        }
        assert!(known.lock().len() <= CAPACITY);
    }
}
