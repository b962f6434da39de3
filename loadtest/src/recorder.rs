//! Records every request of the virtual users, by operation, status and outcome.
//!
//! A latency runs from sending a request to the last byte of its answer. Beside the measured latencies
//! there are corrected ones: a user that waits for a slow answer does not send its next requests, so slow
//! moments are sampled less often than fast ones (coordinated omission). For each answer that took longer
//! than its user's usual pause, the latencies of the omitted requests are added, as HdrHistogram does.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use metrics::Histogram as Exported;

use crate::outcome::Outcome;
use crate::routes::Route;
use crate::silence::{LongestSilence, Silence};
use crate::statistics::{Statistics, Times, micros, times};

/// One request that has ended.
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
    /// Whether it was sent after all users had started.
    pub steady: bool,
    /// The usual pause between two of these steps, if there is any.
    pub pace: Option<Duration>,
    /// From the moment at which the request was due, where arrivals have a rate: it takes the place of the
    /// correction by the pace.
    pub since_due: Option<Duration>,
    /// What went wrong, in a word: the problem's type, or why there was no answer.
    pub word: Option<&'a str>,
    /// Its id in the server's log.
    pub request_id: Option<&'a str>,
}

/// Requests since the interval before.
#[derive(Clone, Debug)]
pub struct Interval {
    /// Latencies of the successful ones.
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

impl Interval {
    /// Adds the interval that follows.
    pub fn add(&mut self, next: Self) {
        self.times += next.times;
        self.refused += next.refused;
        self.failed += next.failed;
    }
}

/// Shared by all users of a run.
pub struct Recorder {
    state: Mutex<State>,
}

struct State {
    statistics: Statistics,
    silence: Silence,
    interval: Interval,
    exported: BTreeMap<(Route, Outcome), Exported>,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

impl Recorder {
    /// A recorder that also records into these histograms of the lab's own metrics.
    #[must_use]
    pub fn new(exported: BTreeMap<(Route, Outcome), Exported>) -> Self {
        Self {
            state: Mutex::new(State {
                statistics: Statistics::default(),
                silence: Silence::default(),
                interval: Interval::default(),
                exported,
            }),
        }
    }

    /// A request is being sent.
    pub fn sent(&self) {
        self.state().silence.sent(Instant::now());
    }

    /// Records a request that has ended.
    pub fn record(&self, seen: &Sample<'_>) {
        let now = Instant::now();
        let mut state = self.state();
        let state = &mut *state;
        state.silence.ended(now, seen.status.is_some());
        let word = || seen.word.unwrap_or("-").to_owned();
        if seen.outcome == Outcome::Unsent {
            state.interval.failed += 1;
            let unsent = &mut state.statistics.unsent;
            *unsent.entry((seen.route, word())).or_default() += 1;
            return;
        }
        let time = micros(seen.time);
        if let Some(exported) = state.exported.get(&(seen.route, seen.outcome)) {
            exported.record(seen.time);
        }
        match seen.outcome {
            Outcome::Success => state.interval.times.saturating_record(time),
            Outcome::Refused => state.interval.refused += 1,
            Outcome::Failure | Outcome::Unsent => {
                state.interval.failed += 1;
                let kind = (seen.route, seen.status, word());
                state.statistics.failed(kind, seen.request_id);
            }
        }
        let part = if seen.steady {
            &mut state.statistics.steady
        } else {
            &mut state.statistics.ramp
        };
        let sent = now.checked_sub(seen.time).unwrap_or(now);
        let row = part.add((seen.route, seen.status, seen.outcome), sent, now);
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
        let state = self.state();
        let mut statistics = state.statistics.clone();
        let longest = state.silence.longest(Instant::now());
        if let (Some((since, time)), Some((first, _))) = (longest, statistics.span()) {
            statistics.silence = LongestSilence {
                seconds: time.as_secs_f64(),
                at: since.saturating_duration_since(first).as_secs_f64(),
            };
        }
        statistics
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
            steady: true,
            pace: pace.map(Duration::from_millis),
            since_due: None,
            word: Some("invalid_token"),
            request_id: Some("one"),
        }
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
        assert_eq!(statistics.failures[&failure].count, 1);
        assert_eq!(statistics.failures[&failure].request_ids, ["one"]);
        let interval = recorder.interval();
        assert_eq!(
            (interval.times.len(), interval.refused, interval.failed),
            (2, 1, 1)
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

    #[test]
    fn request_that_was_not_sent_has_no_time() {
        let recorder = Recorder::new(BTreeMap::new());
        recorder.record(&Sample {
            word: Some("connection refused"),
            ..seen(None, Outcome::Unsent, 1, Some(1))
        });
        let statistics = recorder.statistics();
        assert_eq!(statistics.count(|_| true), 0);
        let unsent = (Route::Me, "connection refused".to_owned());
        assert_eq!((statistics.unsent[&unsent], statistics.unsent()), (1, 1));
        assert_eq!(recorder.interval().failed, 1);
    }

    #[test]
    fn ramp_is_kept_apart() {
        let recorder = Recorder::new(BTreeMap::new());
        recorder.record(&Sample {
            steady: false,
            ..seen(Some(200), Outcome::Success, 900, None)
        });
        recorder.record(&seen(Some(200), Outcome::Success, 1, None));
        let statistics = recorder.statistics();
        assert!(statistics.steady.times(|_| true).0.max() < 2_000);
        assert!(statistics.ramp.times(|_| true).0.max() > 800_000);
        assert_eq!(statistics.count(|_| true), 2);
    }
}
