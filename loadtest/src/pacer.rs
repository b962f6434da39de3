//! Arrivals at a rate that does not depend on the answers (an open model). Each user of the pool takes
//! the next arrival when it is free; times run from the moment at which the arrival was due, so that a slow
//! server cannot hide the arrivals that it kept waiting.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::delay::Delay;
use crate::rates::Rates;
use crate::statistics::{Times, times};

/// Share of the arrivals that must have begun by the end.
const REACHED: f64 = 0.99;
/// The lab was starved if it was woken this late for one of a hundred arrivals although a user was free.
const STARVED: Duration = Duration::from_millis(50);
/// Users that are proposed beyond those that were needed on average.
const SPARE: f64 = 1.5;

/// The arrivals of one kind of users.
#[derive(Debug)]
pub struct Pacer {
    rates: Rates,
    origin: OnceLock<Instant>,
    /// One permit for each arrival that is due and not taken.
    due: Semaphore,
    released: AtomicU64,
    taken: AtomicU64,
    /// Users that take them.
    users: AtomicUsize,
    tally: Mutex<Tally>,
}

#[derive(Clone, Debug)]
struct Tally {
    /// Lateness of arrivals for which a user was free: the lab's own.
    woken: Times,
    /// Time in steps, and how much of it was spent as Retry-After asked.
    busy: Duration,
    told: Duration,
    steps: u64,
}

impl Pacer {
    /// Arrivals at these rates.
    #[must_use]
    pub fn new(rates: Rates) -> Self {
        Self {
            rates,
            origin: OnceLock::new(),
            due: Semaphore::new(0),
            released: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            users: AtomicUsize::new(0),
            tally: Mutex::new(Tally {
                woken: times(),
                busy: Duration::ZERO,
                told: Duration::ZERO,
                steps: 0,
            }),
        }
    }

    /// Lets arrivals become due, from `origin` until `end`. On a thread of its own, because those of the
    /// runtime sleep for whole milliseconds.
    pub fn run(&self, origin: Instant, end: Instant) {
        let _ = self.origin.set(origin);
        let due = (0..).map_while(|number| self.rates.due(number));
        for due in due.map(|due| origin + due).take_while(|due| *due < end) {
            sleep_until(due);
            self.released.fetch_add(1, Ordering::Relaxed);
            self.due.add_permits(1);
        }
        sleep_until(end);
        self.due.close();
    }

    /// When arrivals are due.
    #[must_use]
    pub const fn rates(&self) -> &Rates {
        &self.rates
    }

    /// One more user takes arrivals.
    pub fn join(&self) {
        self.users.fetch_add(1, Ordering::Relaxed);
    }

    /// The next arrival: when it was due. None at the end.
    pub async fn next(&self) -> Option<Instant> {
        let waited = if let Ok(permit) = self.due.try_acquire() {
            permit.forget();
            false
        } else {
            self.due.acquire().await.ok()?.forget();
            true
        };
        let due = self.rates.due(self.taken.fetch_add(1, Ordering::Relaxed))?;
        let due = *self.origin.get()? + due;
        if waited {
            let late = u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.tally().woken.saturating_record(late.max(1));
        }
        Some(due)
    }

    /// A user is free again: after this time, of which it waited as long as it was told.
    pub fn done(&self, busy: Duration, told: Duration) {
        let mut tally = self.tally();
        tally.busy += busy;
        tally.told += told;
        tally.steps += 1;
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sleep_until(time: Instant) {
    std::thread::sleep(time.saturating_duration_since(Instant::now()));
}

/// What became of the arrivals of one kind of users.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Arrivals {
    /// The kind of users.
    pub kind: String,
    /// The rates.
    pub rates: String,
    /// Users who took them.
    pub users: usize,
    /// Arrivals that were due.
    pub due: u64,
    /// Those that were begun before the end.
    pub begun: u64,
    /// Whether these are as many as they should be.
    pub reached: bool,
    /// How late the lab itself was woken for 99 of 100 arrivals, in milliseconds.
    pub late_ms: f64,
    /// Why the rate was not reached.
    pub reason: Option<String>,
}

impl Arrivals {
    /// What became of them. `delay` is the lab's own.
    #[must_use]
    pub fn of(kind: &str, pacer: &Pacer, delay: &Delay) -> Self {
        let tally = pacer.tally().clone();
        let users = pacer.users.load(Ordering::Relaxed);
        let due = pacer.released.load(Ordering::Relaxed);
        let begun = pacer.taken.load(Ordering::Relaxed).min(due);
        let reached = begun as f64 >= due as f64 * REACHED;
        let late = Duration::from_micros(tally.woken.value_at_quantile(0.99))
            .max(Duration::from_secs_f64(delay.millis(0.99) / 1e3));
        let seconds = |time: Duration| time.as_secs_f64();
        let reason = if reached {
            None
        } else if tally.told > tally.busy / 2 {
            Some(format!(
                "the server refused: users spent {:.0} % of their time waiting as Retry-After told them",
                100.0 * seconds(tally.told) / seconds(tally.busy)
            ))
        } else if late > STARVED {
            Some(format!(
                "the lab was starved: it was woken {} ms late (P99)",
                late.as_millis()
            ))
        } else {
            let step = seconds(tally.busy) / tally.steps.max(1) as f64;
            let rate = pacer.rates.arrivals() / seconds(pacer.rates.length());
            Some(format!(
                "all {users} users were busy: a step took {:.1} ms, so that {rate:.1}/s keep {:.0} users busy; more --users, or a faster server",
                step * 1e3,
                (step * rate * SPARE).ceil()
            ))
        };
        Self {
            kind: kind.to_owned(),
            rates: pacer.rates.to_string(),
            users,
            due,
            begun,
            reached,
            late_ms: seconds(late) * 1e3,
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const TIME: Duration = Duration::from_millis(200);

    fn pacer() -> Arc<Pacer> {
        let pacer = Arc::new(Pacer::new(Rates::steady(100.0, TIME)));
        pacer.join();
        pacer
    }

    /// Lets its time pass, from a moment that is already some time ago.
    async fn run(pacer: &Arc<Pacer>, ago: Duration, end: Duration) -> Instant {
        let origin = Instant::now().checked_sub(ago).expect("after start");
        let running = Arc::clone(pacer);
        let run = move || running.run(origin, origin + end);
        tokio::task::spawn_blocking(run).await.expect("it ends");
        origin
    }

    fn outcome(pacer: &Pacer) -> Arrivals {
        Arrivals::of("reader", pacer, &Delay::none())
    }

    #[tokio::test]
    async fn arrivals_are_due_on_time_however_late_they_are_taken() {
        let pacer = pacer();
        let origin = Instant::now();
        let running = Arc::clone(&pacer);
        let end = origin + Duration::from_mins(10);
        std::thread::spawn(move || running.run(origin, end));
        for number in 0..20 {
            let due = pacer.next().await.expect("it comes");
            let expected = origin + Duration::from_millis(5 + 10 * number);
            assert!(due.max(expected) - due.min(expected) < Duration::from_micros(1));
            assert!(Instant::now() >= due, "not before it is due");
            // The first user keeps all others waiting.
            if number == 0 {
                std::thread::sleep(TIME);
            }
        }
        assert_eq!((outcome(&pacer).begun, outcome(&pacer).due), (20, 20));
        assert!(outcome(&pacer).reached);
    }

    #[tokio::test]
    async fn what_is_not_begun_before_the_end_is_missing_and_the_reason_is_named() {
        let busy = pacer();
        run(&busy, TIME, TIME).await;
        assert_eq!(busy.next().await, None, "after the end nobody begins");
        busy.done(Duration::from_secs(1), Duration::ZERO);
        let outcome = outcome(&busy);
        assert_eq!(
            (outcome.begun, outcome.due, outcome.reached),
            (0, 20, false)
        );
        let reason = outcome.reason.expect("one");
        let expected =
            "all 1 users were busy: a step took 1000.0 ms, so that 100.0/s keep 150 users busy";
        assert!(reason.starts_with(expected), "{reason}");
    }

    #[tokio::test]
    async fn refusals_and_a_starved_lab_are_reasons_of_their_own() {
        let refused = pacer();
        run(&refused, TIME, TIME).await;
        refused.done(Duration::from_secs(10), Duration::from_secs(9));
        let reason = outcome(&refused).reason.expect("one");
        assert!(
            reason.starts_with("the server refused: users spent 90 %"),
            "{reason}"
        );

        let starved = pacer();
        run(&starved, TIME, TIME).await;
        starved.tally().woken.saturating_record(700_000);
        let reason = outcome(&starved).reason.expect("one");
        assert!(
            reason.starts_with("the lab was starved: it was woken 700 ms late"),
            "{reason}"
        );
    }
}
