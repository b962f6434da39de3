//! The machine, and the resources of a process: from Linux' `/proc`; unknown on other systems.

use std::fmt;
use std::fs;
use std::process::Command;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Ticks in a second, as `/proc/PID/stat` counts them: the same on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

/// The machine that something was measured on.
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
        Self {
            processor: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".into()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: kib("/proc/meminfo", "MemTotal").unwrap_or_default() / 1024,
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            processor,
            cores,
            memory_mib,
            system,
        } = self;
        write!(
            f,
            "{cores} cores of {processor}, {memory_mib} MiB, {system}"
        )
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

/// Seconds of processor time that everything on this machine has used.
#[must_use]
pub fn busy_seconds() -> Option<f64> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let fields: Vec<&str> = text.lines().next()?.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    // User, nice, system, and the two kinds of interrupts; idle and waiting for disks are between them.
    Some((ticks(1)? + ticks(2)? + ticks(3)? + ticks(6)? + ticks(7)?) / TICKS)
}

/// Processor time that a process has used, to the nanosecond.
#[must_use]
#[cfg(target_os = "linux")]
pub fn processor_time(pid: u32) -> Option<Duration> {
    let pid = nix::unistd::Pid::from_raw(pid.try_into().ok()?);
    let clock = nix::time::clock_getcpuclockid(pid).ok()?;
    Some(nix::time::clock_gettime(clock).ok()?.into())
}

/// Processor time that a process has used: known on Linux alone.
#[must_use]
#[cfg(not(target_os = "linux"))]
pub fn processor_time(_: u32) -> Option<Duration> {
    None
}

/// Bytes of memory that a process holds.
#[must_use]
pub fn resident_bytes(pid: u32) -> Option<u64> {
    Some(kib(&format!("/proc/{pid}/status"), "VmRSS")? * 1024)
}

/// The most bytes of memory that a process ever held.
#[must_use]
pub fn resident_peak_bytes(pid: u32) -> Option<u64> {
    Some(kib(&format!("/proc/{pid}/status"), "VmHWM")? * 1024)
}

/// A field that Linux gives in `kB`.
fn kib(file: &str, name: &str) -> Option<u64> {
    field(file, name)?.split(' ').next()?.parse().ok()
}

/// The text behind a name and a colon in one of Linux' files.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(of, _)| of.trim() == name)?;
    Some(value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Instant;

    use super::*;

    #[test]
    fn usage_of_this_process_is_known() {
        if !Path::new("/proc/self/stat").exists() {
            return;
        }
        let before = processor_seconds(std::process::id()).expect("known");
        let fine = || processor_time(std::process::id()).expect("known");
        let (start, begun) = (Instant::now(), fine());
        let mut number = 0_u64;
        // However little of a core a busy machine leaves.
        while fine() < begun + Duration::from_millis(50) && start.elapsed() < Duration::from_mins(1)
        {
            for _ in 0..100_000 {
                number = number.wrapping_mul(31).wrapping_add(7);
            }
        }
        assert!(fine() >= begun + Duration::from_millis(50), "{number}");
        assert!(processor_seconds(std::process::id()).expect("known") >= before);
        assert!(processor_time(u32::MAX).is_none());
        let resident = resident_bytes(std::process::id()).expect("known");
        assert!(resident > 1024 * 1024);
        assert!(resident_peak_bytes(std::process::id()).expect("known") >= resident / 2);
        assert!(processor_seconds(u32::MAX).is_none());
        assert!(busy_seconds() > Some(0.0));
        assert!(Machine::this().memory_mib > 0);
    }
}
