//! What users and server did, second by second.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use testkit::exposition::{Between, Exposition};

use crate::live::{Metrics, Progress};
use crate::recorder::{Interval, Recorder};
use crate::target::{REQUESTS, Target};
use crate::usage::processor_seconds;

/// A scrape that takes longer belongs to another second.
const SCRAPE_TIMEOUT: Duration = Duration::from_millis(800);

/// One second of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Second {
    /// Its end, in seconds since the first users came.
    pub at: f64,
    /// Its length in seconds: more than one where the lab was woken late.
    pub length: f64,
    /// Users that had come.
    pub users: usize,
    /// Successful requests that ended in it.
    pub successes: u64,
    /// Requests that were refused on purpose.
    pub refused: u64,
    /// Requests that failed or could not be sent.
    pub failed: u64,
    /// Median of the successes in milliseconds; nothing where there is none.
    pub p50_ms: Option<f64>,
    /// Their 95th percentile.
    pub p95_ms: Option<f64>,
    /// Their 99th percentile.
    pub p99_ms: Option<f64>,
    /// The longest.
    pub max_ms: Option<f64>,
    /// The server's side; nothing where it did not answer in time, or nobody may scrape it.
    pub server: Option<ServerSecond>,
}

/// The server's side of a second, from its metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ServerSecond {
    /// Requests that it answered, a second.
    pub per_second: f64,
    /// Those that it answered with 429 or 503, a second.
    pub refused_per_second: f64,
    /// 95th percentile of its times, in milliseconds; nothing where it answered nothing.
    pub p95_ms: Option<f64>,
    /// Password hashes in progress.
    pub hashing: f64,
    /// Work that waits in the hash gate.
    pub waiting: f64,
    /// Cores in use; nothing where its processes are not known.
    pub cores: Option<f64>,
    /// Resident memory.
    pub memory_mib: f64,
}

/// The seconds of a run so far.
#[derive(Debug, Default)]
pub struct Timeline {
    seconds: Mutex<Vec<Second>>,
}

impl Timeline {
    /// The seconds so far.
    #[must_use]
    pub fn seconds(&self) -> Vec<Second> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Second>> {
        self.seconds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is followed.
#[derive(Debug)]
pub struct Observer {
    /// Where the seconds go.
    pub timeline: Arc<Timeline>,
    /// The users' side.
    pub recorder: Arc<Recorder>,
    /// The server's side, unless nobody may scrape it.
    pub scraped: Option<Target>,
    /// The server's processes, as far as they are known.
    pub pids: Vec<u32>,
    /// The lab's own metrics.
    pub metrics: Arc<Metrics>,
    /// The terminal.
    pub progress: Progress,
}

impl Observer {
    /// Follows a run until it is aborted.
    pub async fn follow(mut self) {
        let started = Instant::now();
        let mut clock = tokio::time::interval(Duration::from_secs(1));
        clock.tick().await;
        let mut before = Seen::now(self.scraped.as_ref(), &self.pids).await;
        let mut from = Duration::ZERO;
        loop {
            clock.tick().await;
            let interval = self.recorder.interval();
            let now = started.elapsed();
            let users = self.progress.users(now);
            self.metrics.users(users);
            let mut second = Second {
                users,
                at: now.as_secs_f64(),
                length: now.saturating_sub(from).as_secs_f64(),
                ..Second::of(&interval)
            };
            from = now;
            self.progress.add(now, interval);
            let seen = Seen::now(self.scraped.as_ref(), &self.pids).await;
            if let Some(seen) = seen {
                second.server = before.and_then(|before| before.until(&seen));
                before = Some(seen);
            } else {
                before = None;
            }
            self.timeline.lock().push(second);
        }
    }
}

impl Second {
    fn of(interval: &Interval) -> Self {
        let times = &interval.times;
        let millis = |q| (!times.is_empty()).then(|| times.value_at_quantile(q) as f64 / 1e3);
        Self {
            successes: times.len(),
            refused: interval.refused,
            failed: interval.failed,
            p50_ms: millis(0.5),
            p95_ms: millis(0.95),
            p99_ms: millis(0.99),
            max_ms: millis(1.0),
            ..Self::default()
        }
    }
}

/// The server at a moment.
struct Seen {
    at: Instant,
    metrics: Exposition,
    processor_seconds: Option<f64>,
}

impl Seen {
    async fn now(target: Option<&Target>, pids: &[u32]) -> Option<Self> {
        let scrape = tokio::time::timeout(SCRAPE_TIMEOUT, target?.metrics()).await;
        Some(Self {
            metrics: scrape.ok()?.ok()?,
            at: Instant::now(),
            processor_seconds: processor_seconds(pids),
        })
    }

    /// What the server did from this moment to the other. Nothing if it was started anew between them.
    fn until(self, after: &Self) -> Option<ServerSecond> {
        let seconds = (after.at - self.at).as_secs_f64();
        let cores = self.processor_seconds.zip(after.processor_seconds);
        let gauge = |name| after.metrics.sum(name, &[]);
        let begun = |seen: &Exposition| seen.sum("process_start_time_seconds", &[]);
        if begun(&self.metrics)
            .total_cmp(&begun(&after.metrics))
            .is_ne()
        {
            return None;
        }
        let between = Between {
            before: self.metrics,
            after: after.metrics.clone(),
        };
        let answered = between.buckets(REQUESTS, &[]);
        let refused = |status| {
            let labels = [("http_response_status_code", status)];
            between.buckets(REQUESTS, &labels).count
        };
        Some(ServerSecond {
            per_second: answered.count / seconds,
            refused_per_second: (refused("429") + refused("503")) / seconds,
            p95_ms: answered.quantile(0.95).map(|value| value * 1e3),
            hashing: gauge("auth_password_hash_in_flight"),
            waiting: gauge("auth_password_hash_queue_depth"),
            cores: cores.map(|(before, after)| (after - before) / seconds),
            memory_mib: gauge("process_resident_memory_bytes") / f64::from(1 << 20),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::times;

    fn seen(text: &str, at: Instant, processor_seconds: f64) -> Seen {
        Seen {
            at,
            metrics: Exposition::parse(text).expect("metrics"),
            processor_seconds: Some(processor_seconds),
        }
    }

    fn metrics(started: u32, answered: u32, refused: u32) -> String {
        let count = answered + refused;
        format!(
            "# TYPE http_server_request_duration_seconds histogram\n\
             http_server_request_duration_seconds_bucket{{http_response_status_code=\"200\",le=\"0.1\"}} {answered}\n\
             http_server_request_duration_seconds_bucket{{http_response_status_code=\"200\",le=\"+Inf\"}} {answered}\n\
             http_server_request_duration_seconds_sum{{http_response_status_code=\"200\"}} 1\n\
             http_server_request_duration_seconds_count{{http_response_status_code=\"200\"}} {answered}\n\
             http_server_request_duration_seconds_bucket{{http_response_status_code=\"503\",le=\"0.1\"}} {refused}\n\
             http_server_request_duration_seconds_bucket{{http_response_status_code=\"503\",le=\"+Inf\"}} {refused}\n\
             http_server_request_duration_seconds_sum{{http_response_status_code=\"503\"}} 1\n\
             http_server_request_duration_seconds_count{{http_response_status_code=\"503\"}} {refused}\n\
             # TYPE auth_password_hash_in_flight gauge\nauth_password_hash_in_flight 2\n\
             # TYPE auth_password_hash_queue_depth gauge\nauth_password_hash_queue_depth {count}\n\
             # TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes 52428800\n\
             # TYPE process_start_time_seconds gauge\nprocess_start_time_seconds {started}\n"
        )
    }

    #[test]
    fn second_of_the_server_is_what_rose_in_it() {
        let at = Instant::now();
        let before = seen(&metrics(7, 100, 10), at, 1.0);
        let later = at + Duration::from_secs(2);
        let after = seen(&metrics(7, 300, 30), later, 4.0);
        let second = before.until(&after).expect("the same process");
        assert!((second.per_second - 110.0).abs() < 1e-9);
        assert!((second.refused_per_second - 10.0).abs() < 1e-9);
        assert_eq!((second.hashing, second.waiting), (2.0, 330.0));
        assert_eq!((second.cores, second.memory_mib), (Some(1.5), 50.0));
        assert!(second.p95_ms.is_some_and(|millis| millis <= 100.0));
    }

    #[test]
    fn restart_of_the_server_is_a_gap() {
        let at = Instant::now();
        let before = seen(&metrics(7, 100, 10), at, 1.0);
        let after = seen(&metrics(8, 3, 0), at + Duration::from_secs(1), 0.1);
        assert_eq!(before.until(&after), None);
    }

    #[test]
    fn second_without_a_success_has_no_times() {
        let mut interval = Interval {
            refused: 3,
            ..Interval::default()
        };
        let second = Second::of(&interval);
        assert_eq!((second.successes, second.refused), (0, 3));
        assert_eq!((second.p50_ms, second.max_ms), (None, None));
        interval.times = times();
        interval.times.record(1_500).expect("in range");
        assert!(
            Second::of(&interval)
                .max_ms
                .is_some_and(|max| (max - 1.5).abs() < 0.01)
        );
    }
}
