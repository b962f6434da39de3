//! Measures the hashing capacity of this machine, for `rbac-sentinel calibrate`.
//!
//! Everything is measured through a real [`HashGate`], so the figures hold for the service on an
//! otherwise idle machine.

use std::fmt::Write as _;
use std::io;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::gate::{HashGate, HashGateConfig};
use super::params::{HashBounds, HashError, HashParams};
use super::secret::Password;

/// Measurements of one set of parameters on this machine.
#[derive(Clone, Copy, Debug)]
pub struct Calibration {
    /// Median time of one hash on one thread while the others are idle.
    pub hash_time: Duration,
    /// Threads of the loaded measurement.
    pub threads: usize,
    /// Logins per second with all threads busy: a closed loop through the gate.
    pub logins_per_second: f64,
    /// `threads` divided by the time of a hash under that load, measured inside the gate.
    pub ideal_per_second: f64,
    /// The former divided by the latter: below 1 by the overhead of the gate.
    pub efficiency: f64,
}

/// Slower hashes under full load make logins noticeably slow, and login storms long.
const COMFORTABLE: Duration = Duration::from_millis(50);

/// Parameters count as clearly stronger from this ratio of work on; OWASP's own sets differ by 1.3.
const STRONGER: f64 = 1.5;

/// Recommended parameters to compare, with their source.
const CANDIDATES: [(&str, HashParams); 5] = [
    ("OWASP", params(19_456, 2, 1)),
    ("OWASP", params(12_288, 3, 1)),
    ("OWASP", params(9_216, 4, 1)),
    ("OWASP", params(47_104, 1, 1)),
    ("RFC 9106", params(65_536, 3, 4)),
];

const fn params(memory_kib: u32, iterations: u32, parallelism: u32) -> HashParams {
    HashParams {
        memory_kib,
        iterations,
        parallelism,
    }
}

/// Measures `params`: first one hash at a time, then `threads` of them for `seconds`.
///
/// # Errors
/// When a gate cannot be started with these parameters and so many threads.
pub async fn calibrate(
    params: HashParams,
    threads: usize,
    seconds: f64,
) -> io::Result<Calibration> {
    let hash_time = hash_time(params).await?;
    let gate = start(params, threads)?;
    let threads = gate.threads();
    let (logins_per_second, ideal_per_second) = closed_loop(&gate, seconds).await?;
    Ok(Calibration {
        hash_time,
        threads,
        logins_per_second,
        ideal_per_second,
        efficiency: logins_per_second / ideal_per_second,
    })
}

/// Measures this machine and returns a report as text: the time of a hash, the rate with one to
/// `threads` threads, memory, other recommended parameters, and a proposal.
///
/// It keeps all cores busy for ten to fifteen seconds.
///
/// # Errors
/// As [`calibrate`].
pub async fn report(params: HashParams, threads: usize) -> io::Result<String> {
    let threads = threads.max(1);
    let mut text = format!("Argon2id, {}, {threads} hash threads\n\n", describe(params));
    let _ = writeln!(text, "Threads  Hashes/s  Efficiency");
    let per_step = (4.0 / to_f64(threads)).min(1.5);
    for busy in 1..threads {
        let gate = start(params, busy)?;
        let (rate, ideal) = closed_loop(&gate, per_step).await?;
        let _ = writeln!(
            text,
            "{busy:>7}  {rate:>8.1}  {:>9.1}%",
            100.0 * rate / ideal
        );
    }
    let current = calibrate(params, threads, 2.0).await?;
    let _ = writeln!(
        text,
        "{threads:>7}  {:>8.1}  {:>9.1}%\n",
        current.logins_per_second,
        100.0 * current.efficiency,
    );
    let _ = writeln!(
        text,
        "One hash alone takes {:.1} ms. Full load takes {:.0} MiB of memory and can serve {:.1} logins per second.\n",
        millis(current.hash_time),
        memory_mib(params, threads),
        current.logins_per_second,
    );

    let _ = writeln!(
        text,
        "memory_kib  iterations  parallelism    Alone  Logins/s  Memory at full load",
    );
    let mut best: Option<(HashParams, Calibration)> = None;
    for (source, candidate) in CANDIDATES {
        let measured = if candidate == params {
            current
        } else {
            calibrate(candidate, threads, 1.0).await?
        };
        let mark = if candidate == params { ", in use" } else { "" };
        let _ = writeln!(
            text,
            "{:>10}  {:>10}  {:>11}  {:>4.1} ms  {:>8.1}  {:>8.0} MiB  {source}{mark}",
            candidate.memory_kib,
            candidate.iterations,
            candidate.parallelism,
            millis(measured.hash_time),
            measured.logins_per_second,
            memory_mib(candidate, threads),
        );
        let stronger = best.is_none_or(|(held, _)| candidate.cost() > held.cost());
        if loaded_time(&measured) <= COMFORTABLE && stronger {
            best = Some((candidate, measured));
        }
    }
    text.push('\n');
    text.push_str(&proposal(params, threads, best));
    Ok(text)
}

fn proposal(params: HashParams, threads: usize, best: Option<(HashParams, Calibration)>) -> String {
    let limit = COMFORTABLE.as_millis();
    match best {
        Some((best, measured)) if best.cost() >= STRONGER * params.cost() => format!(
            "Proposal: {}, the strongest recommended set that stays below {limit} ms under full \
             load, if {:.1} logins per second and {:.0} MiB suffice.\n",
            describe(best),
            measured.logins_per_second,
            memory_mib(best, threads),
        ),
        None if params.cost() * STRONGER <= HashParams::default().cost() => format!(
            "Proposal: {}, the least that is recommended, though slower than {limit} ms here.\n",
            describe(HashParams::default()),
        ),
        _ => format!(
            "Proposal: keep the parameters. No recommended set that is clearly stronger stays \
             below {limit} ms under full load. OWASP considers its sets equally strong: choose \
             among them by memory and logins per second.\n"
        ),
    }
}

fn start(params: HashParams, threads: usize) -> io::Result<HashGate> {
    HashGate::start(HashGateConfig {
        params,
        bounds: HashBounds::default(),
        threads,
        queue: usize::MAX,
        deadline: Duration::MAX,
    })
}

/// The median time of a single hash, after one that allocates the memory.
async fn hash_time(params: HashParams) -> io::Result<Duration> {
    let gate = start(params, 1)?;
    let begun = Instant::now();
    let mut times = Vec::new();
    let mut before = gate.totals();
    while times.len() < 4 || (times.len() < 16 && begun.elapsed() < Duration::from_millis(400)) {
        gate.dummy_verify(Password::new("calibration"))
            .await
            .map_err(failed)?;
        let after = gate.totals();
        times.push(after.busy.saturating_sub(before.busy));
        before = after;
    }
    times.remove(0);
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

/// Logins per second, and the ideal rate of threads that only hash.
async fn closed_loop(gate: &HashGate, seconds: f64) -> io::Result<(f64, f64)> {
    let password = Password::new("calibration");
    let stored = gate.hash(password.clone()).await.map_err(failed)?;
    // Twice as many clients as threads, so that work always waits.
    let mut clients = JoinSet::new();
    for _ in 0..2 * gate.threads() {
        let (gate, password, stored) = (gate.clone(), password.clone(), stored.clone());
        clients.spawn(async move {
            loop {
                if let Err(error) = gate.verify(password.clone(), stored.clone()).await {
                    return error;
                }
            }
        });
    }
    // The first hash of each thread allocates its memory: not part of the steady state.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let before = gate.totals();
    let window = Duration::from_secs_f64(seconds);
    loop {
        let ended = tokio::time::timeout(window, clients.join_next()).await;
        if let Ok(Some(Ok(error))) = ended {
            return Err(failed(error));
        }
        // A very slow machine may complete no hash in one window.
        if gate.totals().done > before.done {
            break;
        }
    }
    let after = gate.totals();
    // From one hash's end to another's, so that no part of a hash is counted.
    let took = after.last.saturating_duration_since(before.last);
    let busy = after.busy.saturating_sub(before.busy);
    let done = f64::from(after.done - before.done);
    Ok((
        done / took.as_secs_f64(),
        to_f64(gate.threads()) * done / busy.as_secs_f64(),
    ))
}

fn failed(error: HashError) -> io::Error {
    io::Error::other(error)
}

fn loaded_time(measured: &Calibration) -> Duration {
    Duration::from_secs_f64(to_f64(measured.threads) / measured.ideal_per_second)
}

fn describe(params: HashParams) -> String {
    format!(
        "memory_kib={} iterations={} parallelism={}",
        params.memory_kib, params.iterations, params.parallelism
    )
}

fn memory_mib(params: HashParams, threads: usize) -> f64 {
    f64::from(params.memory_kib) / 1024.0 * to_f64(threads)
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn to_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn calibration_figures_agree() {
        let measured = calibrate(params(64, 1, 1), 2, 0.05).await.unwrap();
        assert_eq!(measured.threads, 2);
        assert!(measured.hash_time > Duration::ZERO);
        assert!(measured.logins_per_second > 0.0);
        let efficiency = measured.logins_per_second / measured.ideal_per_second;
        assert!((measured.efficiency - efficiency).abs() < 1e-9);
    }

    #[test]
    fn calibration_never_proposes_weaker_parameters() {
        let measured = Calibration {
            hash_time: Duration::from_millis(10),
            threads: 2,
            logins_per_second: 180.0,
            ideal_per_second: 190.0,
            efficiency: 180.0 / 190.0,
        };
        let own = HashParams::default();
        let keep = "Proposal: keep the parameters.";
        assert!(proposal(own, 2, None).starts_with(keep));
        assert!(proposal(own, 2, Some((params(47_104, 1, 1), measured))).starts_with(keep));
        let stronger = proposal(own, 2, Some((params(65_536, 3, 4), measured)));
        assert!(stronger.starts_with("Proposal: memory_kib=65536 iterations=3 parallelism=4,"));
        assert!(stronger.contains("180.0 logins per second and 128 MiB"));
        let least = proposal(params(64, 1, 1), 2, None);
        assert!(least.starts_with("Proposal: memory_kib=19456 iterations=2 parallelism=1,"));
    }
}
