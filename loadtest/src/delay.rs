//! Scheduling delay of the lab itself. A busy machine wakes a user some time after its answer has
//! arrived; users' latencies contain that time, the server's do not. Measured during every run.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::statistics::{Times, times};

/// Time from one probe to the next.
const INTERVAL: Duration = Duration::from_millis(10);
/// Wake-ups per request outside of the server's own measurement: to accept it, to read it, to receive
/// the answer.
const WAKE_UPS: f64 = 3.0;

/// A task that sleeps and records how late it is woken.
#[derive(Clone, Debug)]
pub struct DelayProbe {
    late: Arc<Mutex<Times>>,
}

impl DelayProbe {
    /// Starts the task, which ends with the runtime.
    #[must_use]
    pub fn start() -> Self {
        let late = Arc::new(Mutex::new(times()));
        let probe = Self {
            late: Arc::clone(&late),
        };
        tokio::spawn(async move {
            loop {
                let due = Instant::now() + INTERVAL;
                tokio::time::sleep(INTERVAL).await;
                let micros = due.elapsed().as_micros();
                let mut late = late.lock().unwrap_or_else(PoisonError::into_inner);
                late.saturating_record(u64::try_from(micros).unwrap_or(u64::MAX).max(1));
            }
        });
        probe
    }

    /// Delays recorded so far.
    #[must_use]
    pub fn delay(&self) -> Delay {
        let late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        Delay { late: late.clone() }
    }
}

/// Distribution of the delays of wake-ups.
#[derive(Clone, Debug)]
pub struct Delay {
    late: Times,
}

impl Delay {
    /// These delays, in microseconds.
    #[must_use]
    pub const fn of(late: Times) -> Self {
        Self { late }
    }

    /// The delays, in microseconds.
    #[must_use]
    pub const fn times(&self) -> &Times {
        &self.late
    }

    /// No delays.
    #[cfg(test)]
    pub fn none() -> Self {
        Self { late: times() }
    }

    /// The most that it adds to a quantile of the users' latencies, in seconds.
    #[must_use]
    pub fn at(&self, q: f64) -> f64 {
        WAKE_UPS * self.late.value_at_quantile(q) as f64 / 1e6
    }

    /// Addition to their mean, in seconds.
    #[must_use]
    pub fn mean(&self) -> f64 {
        WAKE_UPS * self.late.mean() / 1e6
    }

    /// Quantile of one wake-up's delay, in milliseconds.
    #[must_use]
    pub fn millis(&self, q: f64) -> f64 {
        self.late.value_at_quantile(q) as f64 / 1e3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn busy_thread_shows_as_delay() {
        let probe = DelayProbe::start();
        tokio::time::sleep(INTERVAL / 2).await;
        // The only thread of this runtime.
        std::thread::sleep(INTERVAL * 10);
        tokio::time::sleep(INTERVAL * 2).await;
        assert!(probe.delay().millis(1.0) > 50.0);
        assert!(Delay::none().at(0.99).abs() < f64::EPSILON);
    }
}
