//! Scenarios as files.

use std::path::{Path, PathBuf};

use crate::harness::Lab;

/// The scenario that README.md shows.
fn example() -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).expect("readable");
    let (_, rest) = readme.split_once("```toml\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    example.to_owned()
}

fn write(folder: &Path, text: &str) -> PathBuf {
    let file = folder.join("evening.toml");
    std::fs::write(&file, text).expect("written");
    file
}

#[test]
#[ignore = "takes long: scripts/test"]
fn example_of_the_readme_runs_without_a_compiler() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = write(folder.path(), &example());
    let lab = Lab::spawning(file.to_str().expect("UTF-8"));
    let short = ["--users", "6", "--spawn-rate", "6", "--quiet"];
    let run = lab.args(&short).args(&["--run-time", "3s"]).run();
    assert_eq!(run.code, 0, "{run}");
    let result = run.result();
    assert_eq!(result["scenario"], "evening");
    let operations = result["operations"].as_array().expect("operations");
    for operation in ["GET /users/me", "POST /register", "POST /login"] {
        let mut names = operations.iter().map(|one| &one["operation"]);
        assert!(names.any(|name| name == operation), "{operation}: {run}");
    }
    assert!(
        run.stdout
            .contains("People who read and now and then log in"),
        "{run}"
    );
    assert!(
        run.stdout
            .contains("| P99.9 of GET /users/me < 20 ms | held |"),
        "{run}"
    );
    assert!(
        run.stdout
            .contains("| visitor arrive at 2/s:10s,2..20/s:20s |"),
        "{run}"
    );
}

#[test]
fn mistakes_in_a_file_are_named_before_anything_starts() {
    let folder = tempfile::tempdir().expect("a folder");
    for (from, to, complaint) in [
        ("weight = 2", "wieght = 2", "unknown field `wieght`"),
        ("users = 60", "users = 0", "users: must be from 1 to 20000"),
        (
            "200ms..1s",
            "1s..200ms",
            "kind `resident`: wait: `1s..200ms` must be",
        ),
        (
            "\"leave; arrive;",
            "\"leave; arive;",
            "kind `visitor`: steps: `arive` is no action",
        ),
        (
            "goodput > 50/s",
            "goodput > 50",
            "expect: `goodput > 50`: `50` is no rate",
        ),
    ] {
        let example = example();
        assert!(example.contains(from), "{from}");
        let file = write(folder.path(), &example.replace(from, to));
        let name = file.to_str().expect("UTF-8").to_owned();
        let run = Lab::bare(&[&name, "--spawn"]).run();
        assert_eq!(run.code, 2, "{run}");
        assert!(
            run.stderr.contains(complaint) && run.stderr.contains(&name),
            "{run}"
        );
    }
}

#[test]
fn built_in_scenario_is_shown_and_can_be_read_again() {
    let shown = Lab::bare(&["show", "rbac-mix"]).run();
    assert_eq!(shown.code, 0, "{shown}");
    let folder = tempfile::tempdir().expect("a folder");
    let text = shown.stdout.replace("50ms..150ms", "never");
    let file = write(folder.path(), &text);
    let run = Lab::bare(&[file.to_str().expect("UTF-8")]).run();
    assert!(
        run.stderr.contains("kind `reader`: wait: `never` must be"),
        "{run}"
    );
    let unknown = Lab::bare(&["show", "rbac"]).run();
    assert_eq!(unknown.code, 2, "{unknown}");
}

#[test]
#[ignore = "takes long: scripts/test"]
fn users_who_wait_for_each_other_have_no_rate() {
    let run = Lab::spawning("refresh-storm")
        .args(&["--rate", "5/s"])
        .run();
    assert_eq!(run.code, 2, "{run}");
    assert!(
        run.stderr
            .contains("the users of refresh-storm wait for each other"),
        "{run}"
    );
}
