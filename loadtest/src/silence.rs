//! Availability as all users together notice it: the longest time in which somebody waited for an answer
//! and nobody got one.
//!
//! A mean or a percentile hides an outage: while the server says nothing, few requests are sent. This time
//! does not.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Follows what is sent and answered.
#[derive(Clone, Debug, Default)]
pub struct Silence {
    /// Requests under way.
    waiting: usize,
    /// Since when somebody waits and nobody was answered.
    since: Option<Instant>,
    /// The longest so far: when it began, and how long it was.
    longest: Option<(Instant, Duration)>,
}

impl Silence {
    /// A request is sent.
    pub fn sent(&mut self, now: Instant) {
        self.waiting += 1;
        self.since.get_or_insert(now);
    }

    /// A request has ended. Without an answer, its user still waits for one.
    pub fn ended(&mut self, now: Instant, answered: bool) {
        self.waiting = self.waiting.saturating_sub(1);
        if answered {
            self.longest = self.longest(now);
            self.since = (self.waiting > 0).then_some(now);
        }
    }

    /// The longest up to now, also if it goes on.
    #[must_use]
    pub fn longest(&self, now: Instant) -> Option<(Instant, Duration)> {
        let current = self.since.map(|since| (since, now - since));
        let longer =
            |other: &(Instant, Duration)| self.longest.is_none_or(|(_, longest)| other.1 > longest);
        current.filter(longer).or(self.longest)
    }
}

/// The longest silence of a run, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LongestSilence {
    /// Its length.
    pub seconds: f64,
    /// When it began, after the first request.
    pub at: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The longest silence of these events: seconds, whether it is sent (or ended), whether answered.
    fn longest(events: &[(u32, bool, bool)], until: u32) -> Option<(u64, u64)> {
        let start = Instant::now();
        let mut silence = Silence::default();
        for (at, sent, answered) in events {
            let now = start + SECOND * *at;
            if *sent {
                silence.sent(now);
            } else {
                silence.ended(now, *answered);
            }
        }
        let (since, time) = silence.longest(start + SECOND * until)?;
        Some(((since - start).as_secs(), time.as_secs()))
    }

    #[test]
    fn time_without_anybody_waiting_is_no_silence() {
        let calm = [
            (0, true, false),
            (1, false, true),
            (9, true, false),
            (10, false, true),
        ];
        assert_eq!(longest(&calm, 20), Some((0, 1)));
        assert_eq!(longest(&[], 20), None);
    }

    #[test]
    fn any_answer_ends_it_and_whoever_waits_on_begins_the_next() {
        let two = [
            (0, true, false),
            (1, true, false),
            (2, false, true),
            (7, false, true),
        ];
        assert_eq!(longest(&two, 20), Some((2, 5)));
    }

    #[test]
    fn requests_without_an_answer_do_not_end_it() {
        let refused = [
            (0, true, false),
            (1, false, false),
            (3, true, false),
            (3, false, false),
            (5, true, false),
            (6, false, true),
        ];
        assert_eq!(longest(&refused, 20), Some((0, 6)));
        assert_eq!(longest(&refused[..4], 20), Some((0, 20)), "it goes on");
    }
}
