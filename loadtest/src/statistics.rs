//! The users' measurements: latencies by operation, status and outcome, in the ramp and after it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::outcome::Outcome;
use crate::routes::Route;
use crate::silence::LongestSilence;

/// The longest latency that is recorded, in microseconds: beyond the clients' timeout.
const LONGEST: u64 = 120_000_000;
/// Significant digits of a latency.
const DIGITS: u8 = 3;
/// Different failures that are kept for the report.
const KINDS: usize = 20;
/// Request ids that are kept of each.
pub const IDS: usize = 3;

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
#[must_use]
pub fn micros(time: Duration) -> u64 {
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

impl Row {
    /// No requests.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            times: times(),
            corrected: times(),
        }
    }
}

/// Failures of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// Their number.
    pub count: u64,
    /// Ids of some of the requests, to look up in the server's log.
    pub request_ids: Vec<String>,
}

/// A part of a run.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// The requests sent in it, by key.
    pub rows: BTreeMap<Key, Row>,
    /// When the first of them was sent, and when the last one ended.
    pub span: Option<(Instant, Instant)>,
}

impl Part {
    /// Adds a request.
    pub fn add(&mut self, key: Key, sent: Instant, now: Instant) -> &mut Row {
        let (first, last) = self.span.unwrap_or((sent, now));
        self.span = Some((first.min(sent), last.max(now)));
        self.rows.entry(key).or_insert_with(Row::empty)
    }

    /// Seconds from the first request to the last answer.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        seconds(self.span)
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

/// All requests of a run.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    /// While users start.
    pub ramp: Part,
    /// After all have started.
    pub steady: Part,
    /// Requests that could not be sent, and why.
    pub unsent: BTreeMap<(Route, String), u64>,
    /// Failures by operation, status and word.
    pub failures: BTreeMap<(Route, Option<u16>, String), Failures>,
    /// The longest time in which somebody waited and nobody was answered.
    pub silence: LongestSilence,
}

impl Statistics {
    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = (&Key, &Row)> {
        self.ramp.rows.iter().chain(&self.steady.rows)
    }

    /// When the first request was sent, and when the last one ended.
    #[must_use]
    pub fn span(&self) -> Option<(Instant, Instant)> {
        let (ramp, steady) = (self.ramp.span, self.steady.span);
        match (ramp, steady) {
            (Some(ramp), Some(steady)) => Some((ramp.0.min(steady.0), ramp.1.max(steady.1))),
            _ => ramp.or(steady),
        }
    }

    /// Number of requests that were sent and match.
    pub fn count(&self, which: impl Fn(&Key) -> bool) -> u64 {
        let rows = self.rows().filter(|(key, _)| which(key));
        rows.map(|(_, row)| row.times.len()).sum()
    }

    /// Number of requests that could not be sent.
    #[must_use]
    pub fn unsent(&self) -> u64 {
        self.unsent.values().sum()
    }

    /// Seconds from the first request to the last answer.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        seconds(self.span())
    }

    /// Latencies of the requests that match, in both parts: measured and corrected.
    pub fn times(&self, which: impl Fn(&Key) -> bool) -> (Times, Times) {
        let mut all = self.ramp.times(&which);
        let steady = self.steady.times(&which);
        all.0 += &steady.0;
        all.1 += &steady.1;
        all
    }

    /// Adds a failure of this kind.
    pub fn failed(&mut self, kind: (Route, Option<u16>, String), request_id: Option<&str>) {
        if self.failures.len() >= KINDS && !self.failures.contains_key(&kind) {
            return;
        }
        let failures = self.failures.entry(kind).or_default();
        failures.count += 1;
        if let Some(id) = request_id
            && failures.request_ids.len() < IDS
        {
            failures.request_ids.push(id.to_owned());
        }
    }
}

fn seconds(span: Option<(Instant, Instant)>) -> f64 {
    let time = span.map(|(first, last)| last - first);
    time.unwrap_or_default().as_secs_f64()
}
