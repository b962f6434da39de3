//! The hash gate: the only place where passwords are hashed.
//!
//! Argon2 is expensive on purpose, so unbounded hashing would let clients take all processors. The
//! gate bounds it: a fixed number of threads of the lowest priority, each with its own reusable
//! memory, behind a queue that refuses work it could not finish in time.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::params::{HashBounds, HashError, HashParams};
use super::phc::PhcHash;
use super::secret::Password;
use crate::clock::whole_seconds;
use crate::metrics::{
    HASH_PARAMS, HASH_PERMITS, HASH_QUEUE_DEPTH, HASH_REJECTED, HashOperation, HashRejection,
};
use crate::request_context::is_synthetic;

mod memory;
#[cfg(test)]
mod tests;
mod worker;

use self::memory::Memory;

/// Salt of new hashes, in bytes (RFC 9106 §3.1).
const SALT_LENGTH: usize = 16;
/// Output of new hashes, in bytes (RFC 9106 §4).
const OUTPUT_LENGTH: usize = 32;
/// How long a thread without work keeps its memory.
const MEMORY_IDLE: Duration = Duration::from_secs(30);
/// Seconds per KiB and pass, until the first hash has been measured: about 12 ms a hash by default.
const FIRST_GUESS: f64 = 0.3e-6;
/// The cost of a strength estimate, in the unit of hashes: about a millisecond.
const ESTIMATE_COST: f64 = 4_000.0;

/// How a [`HashGate`] works.
#[derive(Clone, Copy, Debug)]
pub struct HashGateConfig {
    /// Parameters of new hashes.
    pub params: HashParams,
    /// Bounds of stored hashes; raised where `params` exceeds it.
    pub bounds: HashBounds,
    /// Threads: how many hashes run at once; at least one. One per core is best.
    pub threads: usize,
    /// The most jobs that may wait; at least one.
    pub queue: usize,
    /// The longest that a job may wait; an hour at most.
    pub deadline: Duration,
}

/// The result of checking a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The password is right.
    Match {
        /// The hash was made with other parameters or lengths than new ones are: renew it.
        outdated: bool,
    },
    /// The password is wrong.
    Mismatch,
}

/// A handle to the hash threads; clones share them.
///
/// When the last one is dropped, the threads finish what waits and end.
#[derive(Clone)]
pub struct HashGate(Arc<Owner>);

/// Its drop is the drop of the last handle: the threads own [`Shared`] only.
struct Owner(Arc<Shared>);

struct Shared {
    config: HashGateConfig,
    state: Mutex<State>,
    wakeup: Condvar,
}

struct State {
    queue: VecDeque<Job>,
    /// The sum of the queued jobs' costs.
    waiting: f64,
    /// Moving average of the time that one unit of cost takes.
    seconds_per_cost: f64,
    totals: Totals,
    closed: bool,
}

/// The work of a gate since it started, for measuring it.
#[derive(Clone, Copy)]
pub(super) struct Totals {
    /// Hashes computed.
    pub(super) done: u32,
    /// The time that they took, without waiting, summed over the threads.
    pub(super) busy: Duration,
    /// When the last of them was done.
    pub(super) last: Instant,
}

type Work = Box<dyn FnOnce(&mut Memory) -> Vec<u8> + Send>;
type Answer = Result<Vec<u8>, HashError>;

struct Job {
    operation: HashOperation,
    /// See [`HashParams::cost`].
    cost: f64,
    work: Work,
    queued: Instant,
    expires: Instant,
    reply: oneshot::Sender<Answer>,
}

impl HashGate {
    /// Starts the threads. The metrics recorder must be installed before.
    ///
    /// # Errors
    /// When Argon2 does not allow the parameters, or the system gives no more threads.
    pub fn start(config: HashGateConfig) -> io::Result<Self> {
        Self::start_with(config, MEMORY_IDLE)
    }

    fn start_with(mut config: HashGateConfig, idle: Duration) -> io::Result<Self> {
        let params = config.params;
        if let Err(error) = params.argon2(OUTPUT_LENGTH) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
        }
        config.bounds = config.bounds.allowing(params);
        config.threads = config.threads.max(1);
        config.queue = config.queue.max(1);
        config.deadline = config.deadline.min(Duration::from_hours(1));

        // Owned from the start, so that an error below ends the threads already running.
        let gate = Self(Arc::new(Owner(Arc::new(Shared {
            config,
            state: Mutex::new(State {
                queue: VecDeque::new(),
                waiting: 0.0,
                seconds_per_cost: FIRST_GUESS,
                totals: Totals {
                    done: 0,
                    busy: Duration::ZERO,
                    last: Instant::now(),
                },
                closed: false,
            }),
            wakeup: Condvar::new(),
        }))));
        for index in 0..config.threads {
            let shared = Arc::clone(gate.shared());
            thread::Builder::new()
                .name(format!("hash-{index}"))
                .spawn(move || shared.work(idle))?;
            HASH_PERMITS.with(()).increment(1.0);
        }
        let [memory, iterations, parallelism] =
            [params.memory_kib, params.iterations, params.parallelism].map(|n| n.to_string());
        HASH_PARAMS
            .series(&["argon2id", &memory, &iterations, &parallelism])
            .set(1.0);
        Ok(gate)
    }

    /// Hashes a new password with a fresh salt and the current parameters, as a PHC string.
    ///
    /// Dropping the future cancels the job, unless a thread has begun it.
    ///
    /// # Errors
    /// [`HashError::Overloaded`] or [`HashError::Closed`].
    pub async fn hash(&self, password: Password) -> Result<String, HashError> {
        let mut salt = vec![0; SALT_LENGTH];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| HashError::Closed)?;
        let params = self.params();
        let output = self
            .derive(
                HashOperation::Hash,
                password,
                params,
                salt.clone(),
                OUTPUT_LENGTH,
            )
            .await?;
        let phc = PhcHash {
            params,
            salt,
            output,
        };
        Ok(phc.to_string())
    }

    /// Checks a password against a stored hash, with the parameters that the hash names.
    ///
    /// # Errors
    /// [`HashError::Unusable`] at once when the stored hash is malformed or beyond the bounds,
    /// else [`HashError::Overloaded`] or [`HashError::Closed`].
    pub async fn verify(&self, password: Password, stored: String) -> Result<Verdict, HashError> {
        let stored = PhcHash::parse(&stored, &self.shared().config.bounds)?;
        let (salt, length) = (stored.salt.clone(), stored.output.len());
        let operation = if is_synthetic() {
            HashOperation::CanaryVerify
        } else {
            HashOperation::Verify
        };
        let output = self
            .derive(operation, password, stored.params, salt, length)
            .await?;
        if !stored.matches(&output) {
            return Ok(Verdict::Mismatch);
        }
        let current = stored.params == self.params()
            && stored.salt.len() == SALT_LENGTH
            && stored.output.len() == OUTPUT_LENGTH;
        Ok(Verdict::Match { outdated: !current })
    }

    /// Does the work of a check for an account that does not exist, so that the response time does not
    /// reveal which accounts exist.
    ///
    /// It costs what checking a current hash costs; outdated ones can differ until renewed.
    ///
    /// # Errors
    /// [`HashError::Overloaded`] or [`HashError::Closed`], as for an account that exists.
    pub async fn dummy_verify(&self, password: Password) -> Result<(), HashError> {
        let salt = vec![0; SALT_LENGTH];
        self.derive(
            HashOperation::DummyVerify,
            password,
            self.params(),
            salt,
            OUTPUT_LENGTH,
        )
        .await?;
        Ok(())
    }

    /// Estimates the strength of a new password in a hash thread, in its turn, where it does not block
    /// requests.
    ///
    /// # Errors
    /// [`HashError::Overloaded`] or [`HashError::Closed`].
    pub async fn estimate(
        &self,
        judge: impl FnOnce() -> bool + Send + 'static,
    ) -> Result<bool, HashError> {
        let work = Box::new(move |_: &mut Memory| vec![u8::from(judge())]);
        let answer = self.submit(HashOperation::Estimate, ESTIMATE_COST, work)?;
        let verdict = answer.await.unwrap_or(Err(HashError::Closed))?;
        Ok(verdict == [1])
    }

    /// How many hashes can be computed at once.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.shared().config.threads
    }

    /// The parameters of new hashes.
    #[must_use]
    pub fn params(&self) -> HashParams {
        self.shared().config.params
    }

    pub(super) fn totals(&self) -> Totals {
        self.shared().lock().totals
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.0.0
    }

    async fn derive(
        &self,
        operation: HashOperation,
        password: Password,
        params: HashParams,
        salt: Vec<u8>,
        length: usize,
    ) -> Answer {
        let argon2 = params.argon2(length)?;
        let work = move |memory: &mut Memory| {
            let mut output = vec![0; length];
            let blocks = memory.blocks(argon2.params().block_count());
            argon2
                .hash_password_into_with_memory(
                    password.expose().as_bytes(),
                    &salt,
                    &mut output,
                    blocks,
                )
                .expect("parameters and lengths were checked");
            output
        };
        let answer = self.submit(operation, params.cost(), Box::new(work))?;
        answer.await.unwrap_or(Err(HashError::Closed))
    }

    /// Fails fast while the gate has no room, before the caller spends a limit or a query: load
    /// shedding. Reserves nothing, so the work itself may still be refused.
    ///
    /// # Errors
    /// [`HashError::Overloaded`], counted as a refusal of the work.
    pub fn check_capacity(&self) -> Result<(), HashError> {
        let shared = self.shared();
        let refusal = shared.lock().refusal(&shared.config);
        refusal.map_or(Ok(()), |wait| Err(refused(wait)))
    }

    fn submit(
        &self,
        operation: HashOperation,
        cost: f64,
        work: Work,
    ) -> Result<oneshot::Receiver<Answer>, HashError> {
        let shared = self.shared();
        let (reply, answer) = oneshot::channel();
        let queued = Instant::now();
        let mut state = shared.lock();
        if let Some(wait) = state.refusal(&shared.config) {
            drop(state);
            return Err(refused(wait));
        }
        state.waiting += cost;
        state.queue.push_back(Job {
            operation,
            cost,
            work,
            queued,
            expires: queued + shared.config.deadline,
            reply,
        });
        HASH_QUEUE_DEPTH.with(()).increment(1.0);
        drop(state);
        shared.wakeup.notify_one();
        Ok(answer)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.wakeup.notify_all();
    }
}

impl State {
    /// How long the threads need for the queued jobs.
    fn predicted_wait(&self, threads: usize) -> Duration {
        let threads = f64::from(u32::try_from(threads).unwrap_or(u32::MAX));
        Duration::try_from_secs_f64(self.waiting * self.seconds_per_cost / threads)
            .unwrap_or(Duration::MAX)
    }

    /// The predicted wait, if the queue takes no more jobs.
    fn refusal(&self, config: &HashGateConfig) -> Option<Duration> {
        let wait = self.predicted_wait(config.threads);
        (self.queue.len() >= config.queue || wait > config.deadline).then_some(wait)
    }

    /// Updates the average with the time of a hash. Strength estimates do not count.
    fn learn(&mut self, operation: HashOperation, cost: f64, took: Duration) {
        if operation == HashOperation::Estimate {
            return;
        }
        self.seconds_per_cost += 0.1 * (took.as_secs_f64() / cost - self.seconds_per_cost);
        self.totals.done += 1;
        self.totals.busy += took;
        self.totals.last = Instant::now();
    }
}

/// Counts a job that is refused.
fn refused(wait: Duration) -> HashError {
    HASH_REJECTED.inc(HashRejection::QueueFull);
    overloaded(wait)
}

/// `Retry-After` is whole seconds (RFC 9110 §10.2.3).
fn overloaded(wait: Duration) -> HashError {
    HashError::Overloaded {
        retry_after: Duration::from_secs(whole_seconds(wait)),
    }
}

impl Shared {
    /// Nothing panics while it holds the lock, and a poisoned gate would refuse every login.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
