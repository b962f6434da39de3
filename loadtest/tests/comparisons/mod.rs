//! Runs beside each other, and builds.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::harness::{Lab, service};

#[test]
#[ignore = "takes long: scripts/test"]
fn repeated_runs_show_their_spread_and_compare() {
    let load = ["--users", "2", "--run-time", "1s", "--repeat", "2"];
    let run = Lab::spawning("peak").args(&load).run();
    assert_eq!(run.code, 0, "{run}");
    assert!(run.stdout.contains("# peak: 2 runs\n"), "{run}");
    assert!(run.file("repeat.html").contains("1/report.html"), "{run}");
    let repeated: serde_json::Value = serde_json::from_str(&run.file("repeat.json")).expect("JSON");
    let goodput = &repeated["figures"][0];
    assert_eq!(goodput["name"], "goodput", "{repeated}");
    let bound = |name: &str| goodput[name].as_f64().expect("a number");
    assert!(bound("least") <= bound("median") && bound("median") <= bound("most"));

    let path = |name: &str| run.path(name).display().to_string();
    let (first, second) = (path("1"), path("2/result.json"));
    let compared = Lab::bare(&["compare", &first, &second]).run();
    assert_eq!(compared.code, 0, "{compared}");
    assert!(
        compared.stdout.contains("\n| P99.9 of GET /users/me | "),
        "{compared}"
    );
    let other = run
        .file("2/result.json")
        .replace("\"seed\": 1", "\"seed\": 2");
    std::fs::write(&second, other).expect("written");
    let refused = Lab::bare(&["compare", &first, &second]).run();
    assert_eq!(refused.code, 2, "{refused}");
    assert!(refused.stderr.contains("seed 1, not 2"), "{refused}");
    let forced = Lab::bare(&["compare", &first, &second, "--force"]).run();
    assert_eq!(forced.code, 0, "{forced}");
}

/// A build that differs from the service by a setting.
fn other_build(folder: &Path, setting: &str) -> PathBuf {
    let file = folder.join("other");
    let script = format!(
        "#!/bin/sh\nexport {setting}\nexec '{}' \"$@\"\n",
        service().display()
    );
    std::fs::write(&file, script).expect("written");
    std::fs::set_permissions(&file, Permissions::from_mode(0o755)).expect("set");
    file
}

#[test]
#[ignore = "takes long: scripts/test"]
fn slower_build_is_found_and_which_of_its_handlers() {
    let folder = tempfile::tempdir().expect("a folder");
    let (old, out) = (service(), folder.path().join("out"));
    let new = other_build(folder.path(), "HASH_MEMORY_KIB=65536");
    let [old, new, out] = [&old, &new, &out].map(|path| path.display().to_string());
    let words = ["ab", "--binary", &old, "--binary", &new, "--out", &out];
    let short = [
        "--run-time",
        "1s",
        "--rounds",
        "7",
        "--set",
        "HASH_MEMORY_KIB=64",
    ];
    let run = Lab::bare(&words)
        .args(&short)
        .args(&["--step", "log in"])
        .run();
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stdout.contains("| log in | processor time | "), "{run}");
    assert!(run.stdout.contains(" | slower by "), "{run}");
    let result = std::fs::read_to_string(folder.path().join("out/ab.json")).expect("written");
    let result: serde_json::Value = serde_json::from_str(&result).expect("JSON");
    assert_eq!(result["rounds"], 7, "{result}");
    assert_eq!(result["ending"], "missed", "{result}");

    let few = Lab::bare(&words).args(&["--rounds", "2"]).run();
    assert_eq!(few.code, 2, "{few}");
    assert!(few.stderr.contains("2 rounds can show nothing"), "{few}");
    let unknown = Lab::bare(&words).args(&["--step", "GET /nothing"]).run();
    assert_eq!(unknown.code, 2, "{unknown}");
    assert!(
        unknown
            .stderr
            .contains("is no step of handlers: GET /users/me, "),
        "{unknown}"
    );

    let nothing = folder.path().join("nothing").display().to_string();
    let words = ["ab", "--binary", &old, "--binary", &nothing, "--out", &out];
    let run = Lab::bare(&words).run();
    assert_eq!(run.code, 2, "{run}");
    let left = folder.path().join("out/ab.json").exists();
    assert!(!left, "of the comparison before");
}
