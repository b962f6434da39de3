use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use futures_util::FutureExt;

use super::*;

const TINY: HashParams = HashParams {
    memory_kib: 64,
    iterations: 1,
    parallelism: 1,
};

/// One thread and no deadline that a slow machine could miss.
const CONFIG: HashGateConfig = HashGateConfig {
    params: TINY,
    bounds: HashBounds {
        max_memory_kib: 65_536,
        max_iterations: 10,
        max_parallelism: 4,
    },
    threads: 1,
    queue: 4,
    deadline: Duration::from_hours(1),
};

fn gate() -> HashGate {
    HashGate::start(CONFIG).unwrap()
}

fn password() -> Password {
    Password::new("correct horse")
}

fn queue(gate: &HashGate, work: impl FnOnce() + Send + 'static) -> oneshot::Receiver<Answer> {
    let work = Box::new(move |_: &mut Memory| {
        work();
        vec![1]
    });
    gate.submit(HashOperation::Hash, 1.0, work).unwrap()
}

/// Marks a thread as busy until this is dropped.
struct Occupied {
    release: Option<mpsc::Sender<()>>,
    answer: oneshot::Receiver<Answer>,
}

impl Occupied {
    async fn thread_of(gate: &HashGate) -> Self {
        let (release, held) = mpsc::channel();
        let (started, running) = oneshot::channel();
        let answer = queue(gate, move || {
            started.send(()).unwrap();
            held.recv().unwrap_err();
        });
        running.await.unwrap();
        Self {
            release: Some(release),
            answer,
        }
    }

    async fn finish(mut self) {
        drop(self.release.take());
        self.answer.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn hash_verifies_its_password_only() {
    let gate = gate();
    let stored = gate.hash(password()).await.unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
    assert_ne!(
        stored,
        gate.hash(password()).await.unwrap(),
        "salts are fresh"
    );

    let verdict = gate.verify(password(), stored.clone()).await;
    assert_eq!(verdict, Ok(Verdict::Match { outdated: false }));
    let verdict = gate.verify(Password::new("correct Horse"), stored).await;
    assert_eq!(verdict, Ok(Verdict::Mismatch));
    assert_eq!(gate.dummy_verify(password()).await, Ok(()));
    assert_eq!((gate.threads(), gate.params()), (1, TINY));
}

#[tokio::test]
async fn hash_of_other_parameters_matches_as_outdated() {
    let gate = gate();
    // The reference implementation's test vectors: other parameters, and an 8-byte salt.
    for stored in [
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
    ] {
        let verdict = gate.verify(Password::new("password"), stored.into()).await;
        assert_eq!(verdict, Ok(Verdict::Match { outdated: true }));
        let verdict = gate.verify(password(), stored.into()).await;
        assert_eq!(verdict, Ok(Verdict::Mismatch));
    }
    // The memory grew for them; what comes after is not disturbed.
    let stored = gate.hash(password()).await.unwrap();
    let verdict = gate.verify(password(), stored).await;
    assert_eq!(verdict, Ok(Verdict::Match { outdated: false }));
}

#[tokio::test]
async fn unusable_hash_is_rejected_without_work() {
    let gate = gate();
    let stored =
        "$argon2id$v=19$m=65537,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    let verdict = gate.verify(password(), stored.into()).await;
    assert_eq!(
        verdict,
        Err(HashError::Unusable("parameters above the bounds"))
    );
    assert_eq!(gate.totals().done, 0);
}

#[test]
fn gate_does_not_start_with_invalid_parameters() {
    let mut config = CONFIG;
    config.params.memory_kib = 4;
    let error = HashGate::start(config).err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[tokio::test]
async fn gate_reads_its_own_hashes_above_the_bounds() {
    let mut config = CONFIG;
    config.bounds.max_memory_kib = 32;
    let gate = HashGate::start(config).unwrap();
    let stored = gate.hash(password()).await.unwrap();
    let verdict = gate.verify(password(), stored).await;
    assert_eq!(verdict, Ok(Verdict::Match { outdated: false }));
}

#[tokio::test]
async fn full_queue_rejects_new_jobs_and_serves_queued_ones() {
    let gate = gate();
    let occupied = Occupied::thread_of(&gate).await;
    let waiting: Vec<_> = (1..CONFIG.queue).map(|_| queue(&gate, || ())).collect();

    assert_eq!(gate.check_capacity(), Ok(()), "a place is left");
    let last = queue(&gate, || ());
    let retry_after = Duration::from_secs(1);
    let overloaded = HashError::Overloaded { retry_after };
    assert_eq!(gate.check_capacity(), Err(overloaded));
    assert_eq!(gate.hash(password()).await, Err(overloaded));

    occupied.finish().await;
    assert_eq!(last.await.unwrap(), Ok(vec![1]));
    for answer in waiting {
        assert_eq!(answer.await.unwrap(), Ok(vec![1]));
    }
    assert!(gate.hash(password()).await.is_ok());
    let wait = gate.shared().lock().predicted_wait(1);
    assert_eq!(wait, Duration::ZERO, "nothing is left in the prediction");
}

#[tokio::test]
async fn job_with_a_long_predicted_wait_is_rejected_at_once() {
    let mut config = CONFIG;
    config.deadline = Duration::from_secs(100);
    let gate = HashGate::start(config).unwrap();
    let occupied = Occupied::thread_of(&gate).await;
    gate.shared().lock().seconds_per_cost = 60.1;
    let waiting = [queue(&gate, || ()), queue(&gate, || ())];

    let retry_after = Duration::from_secs(121);
    let overloaded = HashError::Overloaded { retry_after };
    assert_eq!(gate.check_capacity(), Err(overloaded));
    assert_eq!(gate.dummy_verify(password()).await, Err(overloaded));
    occupied.finish().await;
    for answer in waiting {
        assert_eq!(answer.await.unwrap(), Ok(vec![1]));
    }
}

#[tokio::test]
async fn job_past_its_deadline_is_not_run() {
    let gate = gate();
    let occupied = Occupied::thread_of(&gate).await;
    let ran = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&ran);
    let late = queue(&gate, move || flag.store(true, Ordering::SeqCst));
    let in_time = queue(&gate, || ());
    gate.shared().lock().queue[0].expires = Instant::now();

    occupied.finish().await;
    let retry_after = Duration::from_secs(1);
    assert_eq!(
        late.await.unwrap(),
        Err(HashError::Overloaded { retry_after })
    );
    assert_eq!(in_time.await.unwrap(), Ok(vec![1]));
    assert!(!ran.load(Ordering::SeqCst));
}

#[tokio::test]
async fn job_without_a_client_is_skipped() {
    let gate = gate();
    let occupied = Occupied::thread_of(&gate).await;
    let ran = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&ran);
    drop(queue(&gate, move || flag.store(true, Ordering::SeqCst)));
    // Polled once, which queues it, then dropped.
    assert!(gate.hash(password()).now_or_never().is_none());
    assert_eq!(gate.shared().lock().queue.len(), 2);

    let last = queue(&gate, || ());
    occupied.finish().await;
    assert_eq!(last.await.unwrap(), Ok(vec![1]));
    // One thread, first in first out: the abandoned job has been skipped.
    assert!(!ran.load(Ordering::SeqCst));
    assert_eq!(gate.totals().done, 2, "the occupying work and the last");
}

#[tokio::test]
async fn panic_fails_one_job_and_no_thread() {
    let gate = gate();
    let answer = gate.submit(HashOperation::Hash, 1.0, Box::new(|_| panic!("on purpose")));
    assert_eq!(answer.unwrap().await.unwrap(), Err(HashError::Closed));
    assert!(gate.hash(password()).await.is_ok());
    assert_eq!(gate.totals().done, 1);
}

#[tokio::test]
async fn dropped_gate_drains_its_queue_and_ends_its_threads() {
    let gate = gate();
    let occupied = Occupied::thread_of(&gate).await;
    let waiting = [queue(&gate, || ()), queue(&gate, || ())];
    let shared = Arc::downgrade(gate.shared());
    drop(gate.clone());
    assert!(
        !shared.upgrade().unwrap().lock().closed,
        "one handle is left"
    );
    drop(gate);

    occupied.finish().await;
    for answer in waiting {
        assert_eq!(answer.await.unwrap(), Ok(vec![1]));
    }
    // Each thread keeps the gate's state alive until it ends; without an end this hangs.
    while shared.strong_count() > 0 {
        thread::yield_now();
    }
}

#[tokio::test]
async fn hash_threads_are_named_and_of_lowest_priority() {
    let gate = gate();
    let (tell, told) = oneshot::channel();
    let answer = queue(&gate, move || {
        let name = thread::current().name().map(str::to_owned);
        #[cfg(target_os = "linux")]
        let priority = rustix::process::getpriority_process(None).unwrap();
        #[cfg(not(target_os = "linux"))]
        let priority = 19;
        tell.send((name, priority)).unwrap();
    });
    answer.await.unwrap().unwrap();
    assert_eq!(told.await.unwrap(), (Some("hash-0".into()), 19));
}

#[tokio::test]
async fn estimate_runs_in_a_hash_thread_in_its_turn() {
    let gate = gate();
    let occupied = Occupied::thread_of(&gate).await;
    let estimate = gate.estimate(|| thread::current().name() == Some("hash-0"));
    let mut estimate = std::pin::pin!(estimate);
    assert!(estimate.as_mut().now_or_never().is_none(), "it waits");
    assert_eq!(gate.shared().lock().queue.len(), 1);
    occupied.finish().await;
    assert_eq!(estimate.await, Ok(true));
    assert_eq!(gate.estimate(|| false).await, Ok(false));
}

#[tokio::test]
async fn gate_learns_its_speed_from_hashes_alone() {
    let gate = gate();
    let speed = || gate.shared().lock().seconds_per_cost;
    gate.estimate(|| true).await.unwrap();
    assert_eq!(speed().to_bits(), FIRST_GUESS.to_bits());
    assert_eq!(gate.totals().done, 0);
    gate.hash(password()).await.unwrap();
    let learned = speed();
    assert_ne!(learned.to_bits(), FIRST_GUESS.to_bits());

    // A tenth of the way to what was measured, each time.
    let mut state = gate.shared().lock();
    state.seconds_per_cost = 1.0;
    state.learn(HashOperation::Verify, 2.0, Duration::from_secs(4));
    assert!((state.seconds_per_cost - 1.1).abs() < 1e-9);
    state.learn(HashOperation::DummyVerify, 2.0, Duration::ZERO);
    assert!((state.seconds_per_cost - 0.99).abs() < 1e-9);
}

#[tokio::test]
async fn hash_thread_gives_back_memory_that_grew_for_an_old_hash() {
    let gate = gate();
    let kept = async || {
        let work = |memory: &mut Memory| memory.len().to_le_bytes().to_vec();
        let answer = gate.submit(HashOperation::Hash, 1.0, Box::new(work));
        let bytes = answer.unwrap().await.unwrap().unwrap();
        usize::from_le_bytes(bytes.try_into().unwrap())
    };
    gate.hash(password()).await.unwrap();
    assert_eq!(kept().await, TINY.memory_kib as usize, "kept for the next");
    let old =
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    gate.verify(password(), old.into()).await.unwrap();
    assert_eq!(kept().await, 0, "given back at once");
}

#[tokio::test]
async fn idle_hash_threads_release_their_memory() {
    let gate = HashGate::start_with(CONFIG, Duration::from_millis(1)).unwrap();
    gate.hash(password()).await.unwrap();
    loop {
        let work = |memory: &mut Memory| vec![u8::from(memory.is_empty())];
        let answer = gate.submit(HashOperation::Hash, 1.0, Box::new(work));
        if answer.unwrap().await.unwrap() == Ok(vec![1]) {
            break;
        }
        // However long the thread needs to notice; without giving it back this hangs.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[test]
fn hash_memory_grows_on_demand_and_is_reused() {
    let mut memory = Memory::default();
    assert_eq!(memory.blocks(8).len(), 8);
    let first = memory.blocks(8).as_ptr();
    assert_eq!(memory.blocks(4).as_ptr(), first);
    assert_eq!(memory.blocks(16).len(), 16);
    memory.release();
    assert!(memory.is_empty());
}

#[test]
fn retry_after_is_whole_seconds_and_never_zero() {
    for (wait_ms, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (1999, 2)] {
        let HashError::Overloaded { retry_after } = overloaded(Duration::from_millis(wait_ms))
        else {
            unreachable!()
        };
        assert_eq!(retry_after, Duration::from_secs(seconds));
    }
}
