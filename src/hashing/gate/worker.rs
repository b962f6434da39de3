//! The hash threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::{Job, Memory, Shared, State, overloaded};
use crate::hashing::params::HashError;
use crate::metrics::{
    HASH_ABANDONED, HASH_DURATION, HASH_IN_FLIGHT, HASH_PERMITS, HASH_QUEUE_DEPTH, HASH_REJECTED,
    HASH_WAIT, HashRejection,
};

impl Shared {
    /// Runs jobs until the gate is closed and the queue is empty.
    pub(super) fn work(&self, idle: Duration) {
        yield_to_requests();
        let mut memory = Memory::default();
        while let Some(job) = self.next(&mut memory, idle) {
            self.run(job, &mut memory);
        }
        HASH_PERMITS.with(()).decrement(1.0);
    }

    /// Waits for a job; `None` once the gate is closed and the queue is empty.
    fn next(&self, memory: &mut Memory, idle: Duration) -> Option<Job> {
        let nothing = |state: &mut State| state.queue.is_empty() && !state.closed;
        loop {
            let mut state = self.lock();
            if !memory.is_empty() {
                let (guard, timeout) = self
                    .wakeup
                    .wait_timeout_while(state, idle, nothing)
                    .unwrap_or_else(PoisonError::into_inner);
                if timeout.timed_out() {
                    drop(guard);
                    memory.release();
                    continue;
                }
                state = guard;
            }
            let mut state = self
                .wakeup
                .wait_while(state, nothing)
                .unwrap_or_else(PoisonError::into_inner);
            let job = state.queue.pop_front()?;
            state.waiting -= job.cost;
            HASH_QUEUE_DEPTH.with(()).decrement(1.0);
            let wait = state.predicted_wait(self.config.threads);
            drop(state);

            if job.reply.is_closed() {
                HASH_ABANDONED.inc(());
            } else if Instant::now() >= job.expires {
                HASH_REJECTED.inc(HashRejection::Timeout);
                let _ = job.reply.send(Err(overloaded(wait)));
            } else {
                return Some(job);
            }
        }
    }

    fn run(&self, job: Job, memory: &mut Memory) {
        let started = Instant::now();
        HASH_WAIT.observe(job.operation, started - job.queued);
        HASH_IN_FLIGHT.with(()).increment(1.0);
        let work = job.work;
        let answer = catch_unwind(AssertUnwindSafe(|| work(memory)));
        let took = started.elapsed();
        // Before the answer is sent, so that the metrics are settled when it arrives.
        HASH_IN_FLIGHT.with(()).decrement(1.0);
        let answer = if let Ok(output) = answer {
            HASH_DURATION.observe(job.operation, took);
            self.lock().learn(job.operation, job.cost, took);
            Ok(output)
        } else {
            tracing::error!(
                operation = job.operation.word(),
                "password hashing panicked"
            );
            Err(HashError::Closed)
        };
        // An error means that the client left while the hash was computed.
        let _ = job.reply.send(answer);
        if memory.len() > self.config.params.memory_kib as usize {
            memory.release();
        }
    }
}

/// Gives the calling thread the lowest scheduling priority, so that a storm of logins does not slow
/// down other requests. Logins lose nothing by it: an idle core runs them anyway.
#[cfg(target_os = "linux")]
fn yield_to_requests() {
    if let Err(error) = rustix::process::setpriority_process(None, 19) {
        tracing::debug!(%error, "the priority of a hash thread could not be lowered");
    }
}

/// Elsewhere the call follows POSIX and would slow down the whole process.
#[cfg(not(target_os = "linux"))]
fn yield_to_requests() {}
