//! Compare-and-set entries: an invalidation beats a concurrent fill of older data, and values that no
//! replica wrote are rejected.
//!
//! Entries have a guard with an epoch, which an invalidation advances when it removes them. A miss
//! returns the epoch; after loading, the fill succeeds only if the epoch is unchanged. Each step is
//! one command or one script, so it is atomic.
//!
//! An entry counts only with a valid MAC, in the epoch that its guard has now, between its own times.
//! An epoch counts only if it is not older than what this replica knows. Everything else is a miss.

use std::time::Duration;

use ::redis::cmd;

use super::authentic::{Entry, Fault, Message};
use super::link::misunderstood;
use super::{Key, Redis, millis, scripts};
use crate::cache::Kind;
use crate::error::Result;
use crate::metrics::{RedisOperation, Rejection, SHARED_CACHE_REJECTED};

/// TTL of an epoch after an invalidation. A load that takes longer could fill stale data: the TTL is
/// far above the duration of any load and the TTL of any entry.
const EPOCH_TTL: Duration = Duration::from_mins(10);
/// By how much the clocks of replicas may differ, in microseconds.
const CLOCK_TOLERANCE: i64 = 1_000_000;
/// How long after its expiry Redis may return an entry, in microseconds. Redis counts the TTL from when it
/// gets the entry, and a starved process sends entries and reads replies late. An expired entry is never
/// used; this only decides whether it is reported.
const EXPIRY_TOLERANCE: i64 = 10_000_000;
/// The guard and the content of the message that signing keys have changed.
pub(super) const KEY_CHANGE: &[u8] = b"signing-keys";
/// How often an invalidation comes again because Redis holds a later epoch.
const ATTEMPTS: u32 = 3;

/// Entries and their guard's epoch, read together.
#[derive(Debug)]
pub struct Snapshot {
    /// The entries that count, in the order of the keys.
    pub values: Vec<Option<Vec<u8>>>,
    /// The guard's epoch as Redis has it.
    stored: Vec<u8>,
    epoch: EpochState,
}

/// The epoch of a guard, as checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EpochState {
    /// 0 if there is none.
    Valid(u64),
    /// It is forged or older than this one, which replaces it: no entry counts.
    Replaced(u64),
}

impl Redis {
    /// Reads entries and their guard's epoch.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn read(&self, guard: &Key, keys: &[Key]) -> Result<Snapshot> {
        let guard = self.name(guard);
        // Before Redis is asked: what is known later may be later than the answer.
        let known = self.known.of(&guard, self.clock.micros());
        let mut read = cmd("MGET");
        read.arg(guard.as_slice());
        let names: Vec<_> = keys.iter().map(|key| self.name(key)).collect();
        for name in &names {
            read.arg(name.as_slice());
        }
        let operation = RedisOperation::Read;
        let mut values: Vec<Option<Vec<u8>>> = self.link.command(operation, &read).await?;
        if values.len() != keys.len() + 1 {
            return Err(misunderstood());
        }
        let now = self.clock.micros();
        let stored = values.remove(0).unwrap_or_default();
        let epoch = self.epoch(&guard, &stored, known, now);
        for ((key, name), value) in keys.iter().zip(names).zip(&mut values) {
            let Some(sealed) = value.take() else {
                continue;
            };
            match self.value(key.kind, &name, &sealed, epoch, now) {
                Ok(counts) => *value = counts,
                Err(rejection) => self.reject(rejection),
            }
        }
        Ok(Snapshot {
            values,
            stored,
            epoch,
        })
    }

    fn epoch(&self, guard: &[u8], stored: &[u8], known: u64, now: i64) -> EpochState {
        if stored.is_empty() {
            // Expired, evicted, or lost by a restart.
            return match known {
                0 => EpochState::Valid(0),
                known => EpochState::Replaced(known),
            };
        }
        match self.open_epoch(guard, stored) {
            Some(epoch) if epoch >= known => return EpochState::Valid(epoch),
            Some(_) => self.reject(Rejection::EpochReplayed),
            None => {}
        }
        EpochState::Replaced(known.max(now.unsigned_abs()))
    }

    fn open_epoch(&self, guard: &[u8], stored: &[u8]) -> Option<u64> {
        let opened = self.authenticator.open_epoch(guard, stored);
        opened
            .inspect_err(|fault| {
                self.reject(match fault {
                    Fault::Mac => Rejection::EpochMac,
                    Fault::Format => Rejection::EpochFormat,
                });
            })
            .ok()
    }

    /// The value of an entry, if it counts.
    fn value(
        &self,
        kind: Kind,
        name: &[u8],
        sealed: &[u8],
        epoch: EpochState,
        now: i64,
    ) -> Result<Option<Vec<u8>>, Rejection> {
        let opened = self.authenticator.open_entry(name, sealed);
        let entry = opened.map_err(|fault| match fault {
            Fault::Mac => Rejection::EntryMac,
            Fault::Format => Rejection::EntryFormat,
        })?;
        if let Some(rejection) = suspicion(kind, &entry, epoch, now) {
            return Err(rejection);
        }
        let counts = EpochState::Valid(entry.epoch) == epoch && entry.expires_at > now;
        Ok(counts.then(|| entry.value.to_vec()))
    }

    /// Stores entries that were loaded after the snapshot, unless they were invalidated since. Returns
    /// whether it did.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn fill(
        &self,
        guard: &Key,
        snapshot: &Snapshot,
        entries: &[(Key, Vec<u8>)],
        ttl: Duration,
    ) -> Result<bool> {
        let guard = self.name(guard);
        let made_at = self.clock.micros();
        let lifetime = i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX);
        let (epoch, renewed) = match snapshot.epoch {
            EpochState::Valid(epoch) => (epoch, Vec::new()),
            EpochState::Replaced(epoch) => (epoch, self.authenticator.seal_epoch(&guard, epoch)),
        };
        let mut fill = scripts::FILL.prepare_invoke();
        fill.key(guard);
        fill.arg(snapshot.stored.as_slice()).arg(millis(ttl));
        fill.arg(renewed).arg(millis(EPOCH_TTL));
        for (key, value) in entries {
            let name = self.name(key);
            let entry = Entry {
                epoch,
                made_at,
                expires_at: made_at.saturating_add(lifetime),
                value,
            };
            fill.arg(self.authenticator.seal_entry(&name, &entry));
            fill.key(name);
        }
        self.link.script(RedisOperation::Fill, &fill).await
    }

    /// Removes entries that changed, makes fills of loads in flight fail, and publishes `message`.
    ///
    /// # Errors
    /// When Redis does not answer: it may or may not have been done.
    pub async fn invalidate(&self, guard: &Key, keys: &[Key], message: &[u8]) -> Result<()> {
        let guard = self.name(guard);
        let now = self.clock.micros();
        let mut epoch = (self.known.of(&guard, now) + 1).max(now.unsigned_abs());
        let mut in_any_case = false;
        for attempt in 1..=ATTEMPTS {
            in_any_case |= attempt == ATTEMPTS;
            let advanced = self.advance(&guard, keys, message, epoch, in_any_case);
            let later = advanced.await?;
            if later.is_empty() {
                break;
            }
            match self.open_epoch(&guard, &later) {
                Some(later) => epoch = later.max(epoch) + 1,
                None => in_any_case = true,
            }
        }
        self.known.stored(&guard, epoch, now);
        Ok(())
    }

    /// Publishes that signing keys have changed.
    ///
    /// # Errors
    /// As [`Redis::invalidate`].
    pub async fn announce_key_change(&self) -> Result<()> {
        let guard = Key::new(Kind::Epoch, KEY_CHANGE);
        self.invalidate(&guard, &[], KEY_CHANGE).await
    }

    /// Replies with the epoch that Redis holds, if it is not below the new one.
    async fn advance(
        &self,
        guard: &[u8],
        keys: &[Key],
        message: &[u8],
        epoch: u64,
        in_any_case: bool,
    ) -> Result<Vec<u8>> {
        let channel = self.channel();
        let message = Message {
            epoch,
            guard,
            content: message,
        };
        let mut invalidate = scripts::INVALIDATE.prepare_invoke();
        invalidate.key(guard);
        for key in keys {
            invalidate.key(self.name(key));
        }
        invalidate
            .arg(millis(EPOCH_TTL))
            .arg(channel.as_bytes())
            .arg(
                self.authenticator
                    .seal_message(channel.as_bytes(), &message),
            )
            .arg(self.authenticator.seal_epoch(guard, epoch))
            .arg(u8::from(in_any_case));
        let operation = RedisOperation::Invalidate;
        self.link.script(operation, &invalidate).await
    }

    /// The content of a message, if a replica published it and it was not received before.
    pub(super) fn content<'a>(&self, sealed: &'a [u8]) -> Option<&'a [u8]> {
        let channel = self.channel();
        let rejection = match self.authenticator.open_message(channel.as_bytes(), sealed) {
            Ok(message) => {
                let now = self.clock.micros();
                if self.known.heard(message.guard, message.epoch, now) {
                    return Some(message.content);
                }
                Rejection::MessageReplayed
            }
            Err(Fault::Mac) => Rejection::MessageMac,
            Err(Fault::Format) => Rejection::MessageFormat,
        };
        self.reject(rejection);
        None
    }

    /// Counts it, and logs it at most once a minute.
    fn reject(&self, rejection: Rejection) {
        SHARED_CACHE_REJECTED.inc(rejection);
        self.link.log_rejection(rejection, self.clock.micros());
    }
}

/// Reasons to reject an authentic entry: a correct Redis would not return it.
fn suspicion(kind: Kind, entry: &Entry<'_>, epoch: EpochState, now: i64) -> Option<Rejection> {
    // Redis removes expired entries, and no replica creates entries in the future.
    if entry.expires_at <= now - EXPIRY_TOLERANCE || entry.made_at > now + CLOCK_TOLERANCE {
        return Some(Rejection::EntryClock);
    }
    let invalidated = match epoch {
        EpochState::Valid(epoch) => entry.epoch < epoch,
        EpochState::Replaced(known) => entry.made_at.unsigned_abs() < known,
    };
    // Entries of other kinds stay when something else of their guard changed.
    (invalidated && kind == Kind::Account).then_some(Rejection::EntryReplayed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::RedisOptions;
    use crate::clock::Clock;

    const NOW: i64 = 1_767_225_600_000_000;
    const FUTURE: i64 = NOW + 60_000_000;

    fn entry(epoch: u64, made_at: i64, expires_at: i64) -> Entry<'static> {
        Entry {
            epoch,
            made_at,
            expires_at,
            value: b"value",
        }
    }

    /// A replica whose Redis is not there: what it holds is given by the tests.
    fn replica() -> Redis {
        let options = RedisOptions::of("redis://127.0.0.1:1");
        Redis::open(&options, Clock::system()).expect("a URL")
    }

    #[test]
    fn clocks_may_differ_by_a_second_and_expired_entries_may_be_ten_seconds_late() {
        let epoch = EpochState::Valid(0);
        for (made_at, expires_at, expected) in [
            (NOW + 1_000_000, FUTURE, None),
            (NOW + 1_000_001, FUTURE, Some(Rejection::EntryClock)),
            (NOW, NOW - 9_999_999, None),
            (NOW, NOW - 10_000_000, Some(Rejection::EntryClock)),
        ] {
            let found = suspicion(Kind::Session, &entry(0, made_at, expires_at), epoch, NOW);
            assert_eq!(found, expected, "{made_at} {expires_at}");
        }
    }

    #[test]
    fn account_from_before_an_invalidation_was_put_back() {
        let replayed = Some(Rejection::EntryReplayed);
        for (epoch, made_at, state, expected) in [
            (6, NOW, EpochState::Valid(7), replayed),
            (7, NOW, EpochState::Valid(7), None),
            (8, NOW, EpochState::Valid(7), None),
            // Of an epoch that is only known, the time at which the entry was made tells.
            (9, 4, EpochState::Replaced(5), replayed),
            (9, 5, EpochState::Replaced(5), None),
        ] {
            let entry = entry(epoch, made_at, FUTURE);
            let of = |kind| suspicion(kind, &entry, state, NOW);
            assert_eq!(of(Kind::Account), expected, "{epoch} {made_at} {state:?}");
            assert_eq!(of(Kind::Session), None, "it may stay");
        }
    }

    #[tokio::test]
    async fn entry_counts_in_its_own_epoch_until_it_expires() {
        let replica = replica();
        for (epoch, expires_at, expected) in [
            (7, NOW + 1, Some(b"value".to_vec())),
            (7, NOW, None),
            (6, NOW + 1, None),
            (8, NOW + 1, None),
        ] {
            let entry = entry(epoch, NOW, expires_at);
            let sealed = replica.authenticator.seal_entry(b"name", &entry);
            let value = |state| replica.value(Kind::Session, b"name", &sealed, state, NOW);
            assert_eq!(value(EpochState::Valid(7)), Ok(expected), "{epoch}");
            assert_eq!(value(EpochState::Replaced(7)), Ok(None), "{epoch}");
        }
    }

    #[tokio::test]
    async fn epoch_counts_unless_a_later_one_is_known() {
        let replica = replica();
        let now = NOW.unsigned_abs();
        let seven = replica.authenticator.seal_epoch(b"guard", 7);
        for (stored, known, expected) in [
            (&b""[..], 0, EpochState::Valid(0)),
            (b"", 5, EpochState::Replaced(5)),
            (&seven, 6, EpochState::Valid(7)),
            (&seven, 7, EpochState::Valid(7)),
            (&seven, 8, EpochState::Replaced(now)),
            (&seven, now + 1, EpochState::Replaced(now + 1)),
            (b"forged", 0, EpochState::Replaced(now)),
        ] {
            let found = replica.epoch(b"guard", stored, known, NOW);
            assert_eq!(found, expected, "{known}");
        }
    }
}
