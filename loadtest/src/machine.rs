//! What runs it all, and what both sides cost: from Linux' `/proc`; elsewhere it stays unknown.

use std::fs;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Ticks in a second, as `/proc/PID/stat` counts them: the same on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

/// The machine that a run took place on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// How many cores may be used.
    pub cores: usize,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Operating system and architecture.
    pub system: String,
}

impl Machine {
    /// This one.
    #[must_use]
    pub fn this() -> Self {
        let memory = field("/proc/meminfo", "MemTotal")
            .and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        Self {
            processor: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".into()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: memory.unwrap_or_default() / 1024,
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }
}

/// The commit of this workspace, with `-dirty` behind it when files differ; `unknown` without git.
#[must_use]
pub fn revision() -> String {
    let output = Command::new("git")
        .args([
            "describe",
            "--always",
            "--dirty",
            "--abbrev=12",
            "--exclude=*",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    let output = output.ok().filter(|output| output.status.success());
    output.map_or_else(
        || "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

/// Seconds of processor time that a process has used.
#[must_use]
pub fn processor_seconds(pid: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in the second field may contain anything but a last parenthesis.
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS)
}

/// Bytes of memory that a process holds.
#[must_use]
pub fn resident_bytes(pid: u32) -> Option<u64> {
    let kib = field(&format!("/proc/{pid}/status"), "VmRSS")?;
    Some(kib.split(' ').next()?.parse::<u64>().ok()? * 1024)
}

/// The text behind a name and a colon in one of Linux' files.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Looks at a process' memory four times a second, without asking the process.
#[derive(Clone, Debug)]
pub struct Watch {
    seen: Arc<Mutex<Vec<(Duration, u64)>>>,
}

impl Watch {
    /// Begins to look, until the runtime ends.
    #[must_use]
    pub fn start(pid: u32) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let watch = Self {
            seen: Arc::clone(&seen),
        };
        tokio::spawn(async move {
            let started = Instant::now();
            let mut clock = tokio::time::interval(Duration::from_millis(250));
            loop {
                clock.tick().await;
                let Some(bytes) = resident_bytes(pid) else {
                    return;
                };
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.push((started.elapsed(), bytes));
            }
        });
        watch
    }

    /// What was seen so far.
    #[must_use]
    pub fn memory(&self) -> Option<Memory> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Memory::of(&seen)
    }
}

/// How much memory the server held, in MiB.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// When the users came.
    pub start: f64,
    /// The most.
    pub peak: f64,
    /// When they had gone.
    pub end: f64,
    /// What the last third of the run held more than the middle third, by their medians: what has
    /// settled does not grow.
    pub growth: f64,
}

impl Memory {
    fn of(seen: &[(Duration, u64)]) -> Option<Self> {
        let mib = |bytes: u64| bytes as f64 / f64::from(1024 * 1024);
        let median = |part: &[(Duration, u64)]| {
            let mut bytes: Vec<u64> = part.iter().map(|(_, bytes)| *bytes).collect();
            bytes.sort_unstable();
            bytes.get(bytes.len() / 2).copied().map(mib)
        };
        let third = seen.len() / 3;
        let growth = median(&seen[2 * third..])? - median(&seen[third..2 * third]).unwrap_or(0.0);
        Some(Self {
            start: mib(seen.first()?.1),
            peak: mib(seen.iter().map(|(_, bytes)| *bytes).max()?),
            end: mib(seen.last()?.1),
            growth: if third == 0 { 0.0 } else { growth },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_process_knows_what_it_uses() {
        if !Path::new("/proc/self/stat").exists() {
            return;
        }
        let before = processor_seconds(std::process::id()).expect("known");
        let start = Instant::now();
        let mut number = 0_u64;
        while start.elapsed() < Duration::from_millis(100) {
            number = number.wrapping_mul(31).wrapping_add(7);
        }
        assert!(
            processor_seconds(std::process::id()).expect("known") >= before,
            "{number}"
        );
        assert!(resident_bytes(std::process::id()).expect("known") > 1024 * 1024);
        assert!(processor_seconds(u32::MAX).is_none());
    }

    #[test]
    fn growth_is_between_the_middle_and_the_last_third() {
        const MIB: u64 = 1024 * 1024;
        let seen = |sizes: &[u64]| -> Vec<_> {
            sizes
                .iter()
                .map(|size| (Duration::ZERO, size * MIB))
                .collect()
        };
        let flat = Memory::of(&seen(&[20, 30, 40, 40, 41, 40, 40, 40, 41])).expect("seen");
        assert_eq!(
            format!("{} {} {} {}", flat.start, flat.peak, flat.end, flat.growth),
            "20 41 41 0"
        );
        let grown = Memory::of(&seen(&[20, 20, 20, 30, 30, 30, 42, 42, 42])).expect("seen");
        assert_eq!(grown.growth.to_string(), "12");
        assert!(Memory::of(&[]).is_none());
    }
}
