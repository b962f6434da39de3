//! Description of machine and build.

use std::fs;

use serde_json::{Value, json};
use testkit::machine::{Machine, revision};

/// Prints machine, commit and build, and gives them as JSON.
pub fn describe() -> Value {
    let Machine {
        processor: cpu,
        cores,
        memory_mib,
        ..
    } = Machine::this();
    let memory = format!("{memory_mib} MiB");
    let commit = revision();
    let profile = if cfg!(debug_assertions) {
        "unoptimised: the figures mean nothing"
    } else {
        "bench, which is dist"
    };
    println!("machine  {cpu}, {cores} cores, {memory} memory");
    println!("commit   {commit}");
    println!("build    {profile}\n");
    json!({ "cpu": cpu, "cores": cores, "memory": memory, "commit": commit, "profile": profile })
}

/// Load average over one, five and fifteen minutes.
pub fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
