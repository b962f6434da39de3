//! The highest rates that hold, and plans made of them.

use std::path::Path;

use serde_json::Value;

use crate::harness::{Lab, Run, service};

/// A short search on a service of the lab's own. Hashes are as cheap as they can be: a busy machine should hold the
/// first rate, too.
fn search(folder: &Path, words: &[&str]) -> Run {
    let (service, out) = (service(), folder.display().to_string());
    let service = service.display().to_string();
    let lab = Lab::bare(&["capacity", "--spawn", "--server", &service, "--out", &out]);
    let short = ["--only", "logins", "--step", "2s", "--quiet"];
    let cheap = ["--set", "HASH_MEMORY_KIB=64", "--set", "HASH_ITERATIONS=1"];
    lab.args(&cheap).args(&short).args(words).run()
}

fn json(file: &Path) -> Value {
    let text = std::fs::read_to_string(file).expect("written");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
#[ignore = "takes long: scripts/test"]
fn rate_that_holds_is_a_bound_until_one_does_not_and_is_planned_with() {
    let folder = tempfile::tempdir().expect("a folder");
    let few = ["--logins-from", "4/s", "--runs", "2"];
    let run = search(folder.path(), &few);
    assert_eq!(run.code, 0, "{run}");
    let capacity = json(&folder.path().join("capacity.json"));
    assert_eq!(capacity["version"], 1);
    assert_eq!(capacity["ending"], "held");
    assert_eq!(capacity["shared"], true);
    assert_eq!(capacity["settings"][3], "HASH_MEMORY_KIB=64", "{capacity}");
    let found = &capacity["stands"][0]["works"][0];
    assert_eq!(found["work"], "logins");
    assert!(found["rate"].as_f64() >= Some(4.0), "{run}");
    assert_eq!(found["at_least"], true, "{run}");
    assert!(run.stdout.contains("| 1 | logins | at least "), "{run}");
    let probe = &found["probes"][0];
    assert!(
        probe["resources"]["server_cores"].as_f64() > Some(0.0),
        "{capacity}"
    );
    let reports = folder.path().join("replicas-1/logins-1");
    let result = json(&reports.join("result.json"));
    assert_eq!(result["load"]["arrivals"][0], "visitor 4/s:2s", "{run}");

    let place = folder.path().display().to_string();
    let demand = ["--logins", "200", "--headroom", "50 %"];
    let plan = Lab::bare(&["plan", &place]).args(&demand).run();
    assert_eq!(plan.code, 0, "{plan}");
    assert!(plan.stdout.contains("| replicas | at most "), "{plan}");
    assert!(plan.stdout.contains("The next bottleneck is "), "{plan}");
    let plan = Lab::bare(&["plan", &place, "--json"]).args(&demand).run();
    let plan: Value = serde_json::from_str(&plan.stdout).expect("JSON");
    let rate = found["rate"].as_f64().expect("a rate");
    let expected = (200.0 / rate / 0.5).ceil().to_string();
    assert_eq!(plan["replicas"].to_string(), expected, "{plan}");
    let unknown = Lab::bare(&["plan", &place, "--reads", "10"]).run();
    assert_eq!(unknown.code, 2, "{unknown}");
    assert!(
        unknown.stderr.contains("nothing is known of reads"),
        "{unknown}"
    );
}

#[test]
#[ignore = "takes long: scripts/test"]
fn rate_that_does_not_hold_says_what_filled_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let slow = ["--set", "HASH_MEMORY_KIB=65536", "--set", "HASH_THREADS=1"];
    let many = ["--logins-from", "60/s", "--runs", "2"];
    let run = search(folder.path(), &[slow.as_slice(), &many].concat());
    assert_eq!(run.code, 0, "{run}");
    let found = &json(&folder.path().join("capacity.json"))["stands"][0]["works"][0];
    assert!(found["rate"].is_null(), "{run}");
    assert_eq!(found["missed"]["rate"], 60.0, "{run}");
    // What else the machine does may be in the way.
    let filled = found["filled"]["resource"].as_str().expect("something");
    assert!(["hash_gate", "others", "lab"].contains(&filled), "{run}");
    assert!(run.stdout.contains(" filled first: "), "{run}");
}

#[test]
#[ignore = "takes long and needs HAProxy: scripts/test"]
fn two_replicas_behind_a_proxy_are_predicted_and_measured() {
    let folder = tempfile::tempdir().expect("a folder");
    let few = ["--logins-from", "4/s", "--runs", "1", "--replicas", "1,2"];
    let run = search(folder.path(), &few);
    assert_eq!(run.code, 0, "{run}");
    let capacity = json(&folder.path().join("capacity.json"));
    assert_eq!(capacity["proxied"], true);
    let stands = capacity["stands"].as_array().expect("stands");
    let numbers: Vec<_> = stands.iter().map(|stand| &stand["replicas"]).collect();
    assert_eq!(numbers, [1, 2], "{run}");
    let found = |at: usize| &stands[at]["works"][0];
    assert!(found(0)["predicted"].is_null(), "{run}");
    assert!(found(1)["predicted"]["rate"].as_f64() >= Some(4.0), "{run}");
    // Both took part.
    let result = json(&folder.path().join("replicas-2/logins-1/result.json"));
    for at in 0..2 {
        let answered = &result["replicas"][at]["requests"];
        assert!(answered.as_f64() > Some(0.0), "{result}");
    }
}

#[test]
#[ignore = "takes long: scripts/test"]
fn search_that_cannot_begin_says_why() {
    let nowhere = [
        "--host",
        "http://127.0.0.1:1",
        "--ops",
        "http://127.0.0.1:1",
    ];
    let run = Lab::bare(&["capacity"]).args(&nowhere).run();
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stderr.contains("password is missing"), "{run}");
    let run = Lab::bare(&["capacity"]).password("x").args(&nowhere).run();
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stderr.contains("cannot be reached"), "{run}");
    let plan = Lab::bare(&["plan", "--logins", "5"]).run();
    assert_eq!(plan.code, 2, "{plan}");
}
