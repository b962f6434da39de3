//! What the figures were measured on, and what the kernel says of a process. Linux only; elsewhere
//! the figures are absent.

use std::fs;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};

/// Prints machine, commit and build, and gives them as JSON.
pub fn describe() -> Value {
    let unknown = || "unknown".to_owned();
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(unknown);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or_else(unknown);
    let commit = git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(unknown);
    let dirty = git(&["status", "--porcelain"]).is_some_and(|changes| !changes.is_empty());
    let commit = if dirty {
        format!("{commit} with changes")
    } else {
        commit
    };
    let profile = if cfg!(debug_assertions) {
        "unoptimised: the figures mean nothing"
    } else {
        "bench, which is release"
    };
    println!("machine  {cpu}, {cores} cores, {memory} memory");
    println!("commit   {commit}");
    println!("build    {profile}\n");
    json!({ "cpu": cpu, "cores": cores, "memory": memory, "commit": commit, "profile": profile })
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    output.status.success().then_some(())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// The value of the first line `name: value` of a file.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let (_, value) = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)?;
    Some(value.trim().to_owned())
}

/// How many processes wanted a core lately: over one minute, five, fifteen.
pub fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// A thousand connections are more than many systems allow by default; children inherit the limit.
pub fn raise_descriptor_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let limit = Rlimit {
        current: maximum,
        maximum,
    };
    // Without it, connections fail and are counted as such.
    let _ = setrlimit(Resource::Nofile, limit);
}

/// Resident memory of a process, in MiB.
pub fn resident(pid: u32) -> Option<f64> {
    status(pid, "VmRSS")
}

/// The most resident memory that a process ever had, in MiB.
pub fn resident_peak(pid: u32) -> Option<f64> {
    status(pid, "VmHWM")
}

fn status(pid: u32, name: &str) -> Option<f64> {
    let value = field(&format!("/proc/{pid}/status"), name)?;
    let kib: f64 = value.strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

/// The processor time that the living threads of a process have had.
pub fn cpu_time(pid: u32) -> Option<Duration> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let mut nanoseconds = 0;
    for thread in threads.flatten() {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        nanoseconds += text.split(' ').next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(nanoseconds))
}
