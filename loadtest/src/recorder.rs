//! Records every request of the virtual users, by operation, status and outcome.
//!
//! A latency runs from sending a request to the last byte of its answer. Beside the measured latencies
//! there are corrected ones: a user that waits for a slow answer does not send its next requests, so slow
//! moments are sampled less often than fast ones (coordinated omission). For each answer that took longer
//! than its user's usual pause, the latencies of the omitted requests are added, as HdrHistogram does.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use metrics::Histogram as Exported;

use crate::routes::Route;

/// The longest latency that is recorded, in microseconds: beyond the clients' timeout.
const LONGEST: u64 = 120_000_000;
/// Significant digits of a latency.
const DIGITS: u8 = 3;
/// Different failures that are kept for the report.
const KINDS: usize = 20;

/// Outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The expected status.
    Success,
    /// Refused on purpose: 503 or 429 with Retry-After.
    Refused,
    /// Any other answer, or none.
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

    /// Outcome of this status where that one was expected.
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

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// The operation.
    pub route: Route,
    /// The status; none when there was no answer.
    pub status: Option<u16>,
    /// The outcome.
    pub outcome: Outcome,
    /// From sending to the last byte.
    pub time: Duration,
    /// The user's usual pause, if it makes any.
    pub pace: Option<Duration>,
    /// From the moment at which the request was due, where arrivals have a rate: it takes the place of the
    /// correction by the pace.
    pub since_due: Option<Duration>,
    /// The error code in the answer.
    pub code: Option<&'a str>,
}

/// Latencies in microseconds.
pub type Times = Histogram<u64>;

/// No latencies.
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

/// Requests with the same key are counted together.
pub type Key = (Route, Option<u16>, Outcome);

/// The requests of one key.
#[derive(Clone, Debug)]
pub struct Row {
    /// Their latencies.
    pub times: Times,
    /// The same, corrected for coordinated omission.
    pub corrected: Times,
}

/// All requests of a run.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    /// By key.
    pub rows: BTreeMap<Key, Row>,
    /// Failures: operation, status, error code, count.
    pub failures: BTreeMap<(Route, Option<u16>, String), u64>,
    /// When the first request was sent, and when the last answer was read.
    pub span: Option<(Instant, Instant)>,
}

impl Statistics {
    /// Number of requests that match.
    pub fn count(&self, which: impl Fn(&Key) -> bool) -> u64 {
        let rows = self.rows.iter().filter(|(key, _)| which(key));
        rows.map(|(_, row)| row.times.len()).sum()
    }

    /// Seconds from the first request to the last answer.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        let span = self.span.map(|(first, last)| last - first);
        span.unwrap_or_default().as_secs_f64()
    }

    /// Latencies of the requests that match: measured and corrected.
    pub fn times(&self, which: impl Fn(&Key) -> bool) -> (Times, Times) {
        let mut all = (times(), times());
        for (_, row) in self.rows.iter().filter(|(key, _)| which(key)) {
            all.0 += &row.times;
            all.1 += &row.corrected;
        }
        all
    }
}

/// Requests since the interval before.
#[derive(Clone, Debug)]
pub struct Interval {
    /// Their latencies.
    pub times: Times,
    /// Number of refusals.
    pub refused: u64,
    /// Number of failures.
    pub failed: u64,
}

impl Default for Interval {
    fn default() -> Self {
        Self {
            times: times(),
            refused: 0,
            failed: 0,
        }
    }
}

/// Shared by all users of a run.
pub struct Recorder {
    state: Mutex<State>,
}

struct State {
    statistics: Statistics,
    interval: Interval,
    exported: BTreeMap<(Route, Outcome), Exported>,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").finish_non_exhaustive()
    }
}

impl Recorder {
    /// A recorder that also records into these histograms of the lab's own metrics.
    #[must_use]
    pub fn new(exported: BTreeMap<(Route, Outcome), Exported>) -> Self {
        Self {
            state: Mutex::new(State {
                statistics: Statistics::default(),
                interval: Interval::default(),
                exported,
            }),
        }
    }

    /// Records a request.
    pub fn record(&self, seen: &Sample<'_>) {
        let time = micros(seen.time);
        let now = Instant::now();
        let mut state = self.state();
        if let Some(exported) = state.exported.get(&(seen.route, seen.outcome)) {
            exported.record(seen.time);
        }
        let sent = now.checked_sub(seen.time).unwrap_or(now);
        let first = state
            .statistics
            .span
            .map_or(sent, |(first, _)| first.min(sent));
        state.statistics.span = Some((first, now));
        state.interval.times.saturating_record(time);
        match seen.outcome {
            Outcome::Success => {}
            Outcome::Refused => state.interval.refused += 1,
            Outcome::Failure => {
                state.interval.failed += 1;
                let code = seen.code.unwrap_or("-").to_owned();
                let failures = &mut state.statistics.failures;
                let kind = (seen.route, seen.status, code);
                if failures.len() < KINDS || failures.contains_key(&kind) {
                    *failures.entry(kind).or_default() += 1;
                }
            }
        }
        let key = (seen.route, seen.status, seen.outcome);
        let row = state.statistics.rows.entry(key).or_insert_with(|| Row {
            times: times(),
            corrected: times(),
        });
        row.times.saturating_record(time);
        row.corrected
            .saturating_record(seen.since_due.map_or(time, micros));
        if let Some(pace) = seen.pace.map(micros).filter(|_| seen.since_due.is_none()) {
            let mut missing = time.saturating_sub(pace);
            while missing >= pace {
                row.corrected.saturating_record(missing);
                missing -= pace;
            }
        }
    }

    /// Ends the current interval and begins the next.
    pub fn interval(&self) -> Interval {
        std::mem::take(&mut self.state().interval)
    }

    /// All requests so far.
    pub fn statistics(&self) -> Statistics {
        self.state().statistics.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // After a panic only that user's sample is missing.
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
    ) -> Sample<'static> {
        Sample {
            route: Route::Me,
            status,
            outcome,
            time: Duration::from_millis(millis),
            pace: pace.map(Duration::from_millis),
            since_due: None,
            code: Some("invalid_token"),
        }
    }

    #[test]
    fn refusal_needs_retry_after() {
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
        let recorder = Recorder::new(BTreeMap::new());
        recorder.record(&seen(Some(200), Outcome::Success, 1, None));
        recorder.record(&seen(Some(200), Outcome::Success, 3, None));
        recorder.record(&seen(Some(503), Outcome::Refused, 2, None));
        recorder.record(&seen(None, Outcome::Failure, 60_000, None));
        let statistics = recorder.statistics();
        assert_eq!(statistics.count(|_| true), 4);
        assert_eq!(statistics.count(|(_, status, _)| *status == Some(200)), 2);
        assert_eq!(
            statistics.count(|(.., outcome)| *outcome == Outcome::Failure),
            1
        );
        let failure = (Route::Me, None, "invalid_token".to_owned());
        assert_eq!(statistics.failures.get(&failure), Some(&1));
        let interval = recorder.interval();
        assert_eq!(
            (interval.times.len(), interval.refused, interval.failed),
            (4, 1, 1)
        );
        assert_eq!(recorder.interval().times.len(), 0);
    }

    #[test]
    fn corrected_latencies_contain_omitted_requests() {
        let recorder = Recorder::new(BTreeMap::new());
        // Four fast ones, and one that takes as long as ten pauses: nine more would have been sent.
        for _ in 0..4 {
            recorder.record(&seen(Some(200), Outcome::Success, 1, Some(100)));
        }
        recorder.record(&seen(Some(200), Outcome::Success, 1_000, Some(100)));
        let (times, corrected) = recorder.statistics().times(|_| true);
        assert_eq!(times.len(), 5);
        assert_eq!(corrected.len(), 14);
        assert!(times.value_at_quantile(0.5) < 2_000);
        assert!(corrected.value_at_quantile(0.5) > 200_000);
    }

    #[test]
    fn latency_of_an_arrival_runs_from_when_it_was_due() {
        let recorder = Recorder::new(BTreeMap::new());
        recorder.record(&Sample {
            since_due: Some(Duration::from_millis(500)),
            ..seen(Some(200), Outcome::Success, 1, Some(1))
        });
        let (times, corrected) = recorder.statistics().times(|_| true);
        assert_eq!((times.len(), corrected.len()), (1, 1));
        assert!(times.max() < 2_000 && corrected.max() >= 500_000);
    }
}
