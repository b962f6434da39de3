//! How late the lab itself is: a busy machine wakes a user some time after its answer has come, and
//! that time is in the users' figures without being the server's. Measured beside every run, as the
//! server does it for itself.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::ledger::{Times, times};

/// How long the probe sleeps.
const NAP: Duration = Duration::from_millis(10);
/// How often a user and the server's side of its connection have to be woken for one request outside
/// of what the server measures: to accept it, to read it, and to take the answer.
const WAKE_UPS: f64 = 3.0;

/// A task that sleeps, and notes how much later than asked it is woken.
#[derive(Clone, Debug)]
pub struct Probe {
    late: Arc<Mutex<Times>>,
}

impl Probe {
    /// Begins to sleep, until the runtime ends.
    #[must_use]
    pub fn start() -> Self {
        let late = Arc::new(Mutex::new(times()));
        let probe = Self {
            late: Arc::clone(&late),
        };
        tokio::spawn(async move {
            loop {
                let due = Instant::now() + NAP;
                tokio::time::sleep(NAP).await;
                let micros = due.elapsed().as_micros();
                let mut late = late.lock().unwrap_or_else(PoisonError::into_inner);
                late.saturating_record(u64::try_from(micros).unwrap_or(u64::MAX).max(1));
            }
        });
        probe
    }

    /// What was seen so far.
    #[must_use]
    pub fn delay(&self) -> Delay {
        let late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        Delay { late: late.clone() }
    }
}

/// How late wake-ups were.
#[derive(Clone, Debug)]
pub struct Delay {
    late: Times,
}

impl Delay {
    /// None at all.
    #[must_use]
    pub fn none() -> Self {
        Self { late: times() }
    }

    /// What it adds to a quantile of the users' times at most, in seconds.
    #[must_use]
    pub fn at(&self, q: f64) -> f64 {
        WAKE_UPS * self.late.value_at_quantile(q) as f64 / 1e6
    }

    /// What it adds to their mean, in seconds.
    #[must_use]
    pub fn mean(&self) -> f64 {
        WAKE_UPS * self.late.mean() / 1e6
    }

    /// A quantile of one wake-up, in milliseconds.
    #[must_use]
    pub fn millis(&self, q: f64) -> f64 {
        self.late.value_at_quantile(q) as f64 / 1e3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_thread_that_is_kept_busy_shows() {
        let probe = Probe::start();
        tokio::time::sleep(NAP / 2).await;
        // The only thread of this runtime.
        std::thread::sleep(NAP * 10);
        tokio::time::sleep(NAP * 2).await;
        assert!(probe.delay().millis(1.0) > 50.0);
        assert!(Delay::none().at(0.99).abs() < f64::EPSILON);
    }
}
