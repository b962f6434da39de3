//! What the virtual users saw: every request once, by operation, status and outcome.
//!
//! A time is measured from sending a request to the last byte of its answer. Beside the times as they
//! were there are corrected ones. A user that waits for a slow answer does not send what it would have
//! sent meanwhile, so slow moments are seen less often than fast ones (coordinated omission). For each
//! answer that took longer than its user's usual pause, the times are added that the requests left out
//! would have taken, as HdrHistogram does it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use metrics::Histogram as Exported;

use crate::routes::Route;

/// The longest time that is told from longer ones: beyond the clients' own limit.
const LONGEST: u64 = 120_000_000;
/// How many significant digits a time keeps.
const DIGITS: u8 = 3;
/// How many different failures are kept for the report.
const KINDS: usize = 20;

/// What an answer means to the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// What the step expects.
    Success,
    /// Turned away on purpose: 503 or 429 that says when to come back.
    Refused,
    /// Anything else, or nothing.
    Failure,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Success, Self::Refused, Self::Failure];

    /// The word in reports and labels.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
            Self::Failure => "failure",
        }
    }

    /// What this status means where that one was expected.
    #[must_use]
    pub const fn of(status: u16, expected: u16, says_when: bool) -> Self {
        if status == expected {
            Self::Success
        } else if says_when && matches!(status, 429 | 503) {
            Self::Refused
        } else {
            Self::Failure
        }
    }
}

/// One request as its user saw it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The operation.
    pub route: Route,
    /// The status; none when there was no answer.
    pub status: Option<u16>,
    /// What that means.
    pub outcome: Outcome,
    /// From sending to the last byte.
    pub time: Duration,
    /// The user's usual pause, if it makes any.
    pub pace: Option<Duration>,
    /// The answer's own word for what was wrong.
    pub code: Option<&'a str>,
}

/// Times in microseconds.
pub type Times = Histogram<u64>;

/// An empty set of times.
///
/// # Panics
/// Never: the bounds are sound.
#[must_use]
pub fn times() -> Times {
    Histogram::new_with_bounds(1, LONGEST, DIGITS).expect("sound bounds")
}

/// A time as it is recorded.
fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros())
        .unwrap_or(LONGEST)
        .clamp(1, LONGEST)
}

/// Which requests are counted together.
pub type Key = (Route, Option<u16>, Outcome);

/// The requests of one key.
#[derive(Clone, Debug)]
pub struct Row {
    /// Their times.
    pub times: Times,
    /// Their times with those of the requests that were left out.
    pub corrected: Times,
}

/// Everything of a run.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// By key.
    pub rows: BTreeMap<Key, Row>,
    /// Failures: operation, status, the answer's word for it, how many.
    pub failures: BTreeMap<(Route, Option<u16>, String), u64>,
    /// When the first request was sent, and when the last one was over.
    pub span: Option<(Instant, Instant)>,
}

impl Book {
    /// How many requests this is true of.
    pub fn count(&self, which: impl Fn(&Key) -> bool) -> u64 {
        let rows = self.rows.iter().filter(|(key, _)| which(key));
        rows.map(|(_, row)| row.times.len()).sum()
    }

    /// From the first request to the end of the last, in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        let span = self.span.map(|(first, last)| last - first);
        span.unwrap_or_default().as_secs_f64()
    }

    /// The times of the requests that this is true of: as they were, and corrected.
    pub fn times(&self, which: impl Fn(&Key) -> bool) -> (Times, Times) {
        let mut all = (times(), times());
        for (_, row) in self.rows.iter().filter(|(key, _)| which(key)) {
            all.0 += &row.times;
            all.1 += &row.corrected;
        }
        all
    }
}

/// What happened since somebody last asked.
#[derive(Clone, Debug)]
pub struct Lately {
    /// The times.
    pub times: Times,
    /// How many were turned away.
    pub refused: u64,
    /// How many failed.
    pub failed: u64,
}

impl Default for Lately {
    fn default() -> Self {
        Self {
            times: times(),
            refused: 0,
            failed: 0,
        }
    }
}

/// What all users of a run write into.
pub struct Ledger {
    state: Mutex<State>,
}

struct State {
    book: Book,
    lately: Lately,
    exported: BTreeMap<(Route, Outcome), Exported>,
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").finish_non_exhaustive()
    }
}

impl Ledger {
    /// An empty one, which passes every time on to the histograms of its own metrics.
    #[must_use]
    pub fn new(exported: BTreeMap<(Route, Outcome), Exported>) -> Self {
        Self {
            state: Mutex::new(State {
                book: Book::default(),
                lately: Lately::default(),
                exported,
            }),
        }
    }

    /// Notes a request.
    pub fn note(&self, seen: &Seen<'_>) {
        let time = micros(seen.time);
        let now = Instant::now();
        let mut state = self.state();
        if let Some(exported) = state.exported.get(&(seen.route, seen.outcome)) {
            exported.record(seen.time);
        }
        let sent = now.checked_sub(seen.time).unwrap_or(now);
        let first = state.book.span.map_or(sent, |(first, _)| first.min(sent));
        state.book.span = Some((first, now));
        state.lately.times.saturating_record(time);
        match seen.outcome {
            Outcome::Success => {}
            Outcome::Refused => state.lately.refused += 1,
            Outcome::Failure => {
                state.lately.failed += 1;
                let code = seen.code.unwrap_or("-").to_owned();
                let failures = &mut state.book.failures;
                let kind = (seen.route, seen.status, code);
                if failures.len() < KINDS || failures.contains_key(&kind) {
                    *failures.entry(kind).or_default() += 1;
                }
            }
        }
        let key = (seen.route, seen.status, seen.outcome);
        let row = state.book.rows.entry(key).or_insert_with(|| Row {
            times: times(),
            corrected: times(),
        });
        row.times.saturating_record(time);
        row.corrected.saturating_record(time);
        if let Some(pace) = seen.pace.map(micros) {
            let mut missing = time.saturating_sub(pace);
            while missing >= pace {
                row.corrected.saturating_record(missing);
                missing -= pace;
            }
        }
    }

    /// What happened since this was last called.
    pub fn lately(&self) -> Lately {
        std::mem::take(&mut self.state().lately)
    }

    /// Everything so far.
    pub fn book(&self) -> Book {
        self.state().book.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What a user that panicked was about to add is all that is missing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(
        status: Option<u16>,
        outcome: Outcome,
        millis: u64,
        pace: Option<u64>,
    ) -> Seen<'static> {
        Seen {
            route: Route::Me,
            status,
            outcome,
            time: Duration::from_millis(millis),
            pace: pace.map(Duration::from_millis),
            code: Some("invalid_token"),
        }
    }

    #[test]
    fn a_refusal_is_deliberate_only_if_it_says_when_to_come_back() {
        assert_eq!(Outcome::of(200, 200, false), Outcome::Success);
        assert_eq!(Outcome::of(403, 403, false), Outcome::Success);
        assert_eq!(Outcome::of(503, 200, true), Outcome::Refused);
        assert_eq!(Outcome::of(429, 200, true), Outcome::Refused);
        assert_eq!(Outcome::of(503, 200, false), Outcome::Failure);
        assert_eq!(Outcome::of(500, 200, true), Outcome::Failure);
        assert_eq!(Outcome::of(200, 403, false), Outcome::Failure);
    }

    #[test]
    fn every_request_is_in_one_row() {
        let ledger = Ledger::new(BTreeMap::new());
        ledger.note(&seen(Some(200), Outcome::Success, 1, None));
        ledger.note(&seen(Some(200), Outcome::Success, 3, None));
        ledger.note(&seen(Some(503), Outcome::Refused, 2, None));
        ledger.note(&seen(None, Outcome::Failure, 60_000, None));
        let book = ledger.book();
        assert_eq!(book.count(|_| true), 4);
        assert_eq!(book.count(|(_, status, _)| *status == Some(200)), 2);
        assert_eq!(book.count(|(.., outcome)| *outcome == Outcome::Failure), 1);
        let failure = (Route::Me, None, "invalid_token".to_owned());
        assert_eq!(book.failures.get(&failure), Some(&1));
        let lately = ledger.lately();
        assert_eq!(
            (lately.times.len(), lately.refused, lately.failed),
            (4, 1, 1)
        );
        assert_eq!(ledger.lately().times.len(), 0);
    }

    #[test]
    fn requests_that_a_slow_answer_kept_from_being_sent_are_added_to_the_corrected_times() {
        let ledger = Ledger::new(BTreeMap::new());
        // Four fast ones, and one that takes as long as ten pauses: nine more would have been sent.
        for _ in 0..4 {
            ledger.note(&seen(Some(200), Outcome::Success, 1, Some(100)));
        }
        ledger.note(&seen(Some(200), Outcome::Success, 1_000, Some(100)));
        let (times, corrected) = ledger.book().times(|_| true);
        assert_eq!(times.len(), 5);
        assert_eq!(corrected.len(), 14);
        assert!(times.value_at_quantile(0.5) < 2_000);
        assert!(corrected.value_at_quantile(0.5) > 200_000);
    }
}
