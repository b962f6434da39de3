//! The lab as a program: on real servers, on real ports, judged by its exit code and what it leaves.

mod capacity;
mod comparisons;
mod harness;
mod mixes;
mod verdicts;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use harness::{ADMIN_PASSWORD, Lab, Service};
use testkit::ports::free_port;
use testkit::process::Signal;

/// Enough requests to reconcile, and no more.
const SHORT: [&str; 6] = ["--users", "10", "--spawn-rate", "10", "--run-time", "3s"];

#[test]
#[ignore = "takes long: scripts/test"]
fn spawned_run_holds_and_is_reported() {
    let secret = ["--set", "SECRET_KEY=a-secret-that-nobody-may-read-anywhere"];
    let run = Lab::spawning("sentinel").args(&SHORT).args(&secret).run();
    assert_eq!(run.code, 0, "{run}");
    assert!(!run.file("result.json").contains("nobody-may-read"));
    assert!(!format!("{run}").contains("nobody-may-read"));
    let result = run.result();
    assert_eq!(result["scenario"], "sentinel");
    assert_eq!(result["load"]["seed"], 1);
    assert_eq!(result["load"]["settings"][0], "HASH_MEMORY_KIB=64");
    assert_eq!(result["spawned"], true);
    assert_eq!(result["failed"], 0.0);
    assert!(result["users"]["count"].as_u64() > Some(0));
    assert!(result["ramp"]["count"].as_u64() > Some(0));
    assert!(result["requests"].as_u64() > result["users"]["count"].as_u64());
    assert!(result["yardstick"]["hash_ms"].as_f64() > Some(0.0));
    assert!(
        run.stdout.contains("| published: FastAuth-RBAC-Sentinel |"),
        "{run}"
    );
    assert!(run.stderr.contains("of 4"), "progress is shown: {run}");
    let html = run.file("report.html");
    assert!(html.contains("/users/me") && html.contains("Everything held."));
    let rows = run.file("timeline.csv").lines().count();
    assert!(run.file("junit.xml").contains("failures=\"0\""));
    assert!(
        result["histograms"][0]["measured"]
            .as_str()
            .is_some_and(|text| text.starts_with("HISTFAAA"))
    );
    let timeline = result["timeline"].as_array().expect("seconds");
    let both_sides = timeline.iter().filter(|second| {
        second["successes"].as_u64() > Some(0)
            && second["server"]["per_second"].as_f64() > Some(0.0)
    });
    assert_eq!(rows, timeline.len() + 1);
    assert!(both_sides.count() > 0, "{timeline:?}");
    assert_eq!(run.file("report.md").trim(), run.table().trim());
}

/// A reduced run of a scenario reconciles, and nothing fails in it.
fn reconciles(scenario: &str, users: &str) {
    let lab = Lab::spawning(scenario).args(&["--users", users, "--spawn-rate", "100"]);
    let run = lab.args(&["--run-time", "4s", "--quiet"]).run();
    let result = run.result();
    let identities = result["identities"].as_array().expect("identities");
    assert!(identities.len() > 15, "{run}");
    let held = identities.iter().all(|one| one["held"] == true);
    assert!(held && result["failed"] == 0.0, "{run}");
    assert!(result["users"]["count"].as_u64() > Some(0), "{run}");
    // Nobody scrapes during a soak.
    let timeline = result["timeline"].as_array().expect("seconds");
    let scraped = timeline.iter().any(|second| second["server"].is_object());
    assert!(!scraped || scenario != "soak", "{run}");
}

/// Checks that these are all scenarios.
fn assert_all_scenarios(mut tried: Vec<&str>) {
    let list = Lab::bare(&["list"]).run();
    let names = list.stdout.lines();
    let mut names: Vec<_> = names
        .filter(|line| line.starts_with(char::is_alphabetic))
        .collect();
    tried.sort_unstable();
    names.sort_unstable();
    assert_eq!(names, tried);
}

macro_rules! reconciles {
    ($($name:ident: $scenario:literal with $users:literal,)*) => {
        mod reconciles {
            $(#[test]
            #[ignore = "takes long: scripts/test"]
            fn $name() {
                super::reconciles($scenario, $users);
            })*

            #[test]
            fn every_scenario_is_covered() {
                // The one that is not here has tests of its own.
                super::assert_all_scenarios(vec!["sentinel", $($scenario,)*]);
            }
        }
    };
}

harness::all_but_sentinel!(reconciles);

#[test]
#[ignore = "takes long: scripts/test"]
fn running_server_can_be_tested_twice() {
    let service = Service::start(&[]);
    for _ in 0..2 {
        let run = service.lab("sentinel").args(&SHORT).run();
        assert_eq!(run.code, 0, "{run}");
        assert_eq!(run.result()["spawned"], false);
    }
}

#[test]
#[ignore = "takes long: scripts/test"]
fn foreign_request_breaks_an_identity_by_name() {
    let service = Service::start(&[]);
    let over = AtomicBool::new(false);
    let run = std::thread::scope(|threads| {
        threads.spawn(|| {
            // No longer than the longest run, whatever becomes of this one.
            for _ in 0..3000 {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                harness::get(&format!("{}/health", service.api()));
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        let run = service.lab("sentinel").args(&SHORT).run();
        over.store(true, Ordering::Relaxed);
        run
    });
    assert_eq!(run.code, 1, "{run}");
    let complaint =
        "identity broken: requests by operation and status: users = server: GET /health 200: 0 ≠ ";
    assert!(run.stderr.contains(complaint), "{run}");
}

#[test]
#[ignore = "takes long: scripts/test"]
fn missed_objective_fails_the_run_by_name() {
    // Passwords that take long to hash.
    let slow = [
        "--set",
        "HASH_MEMORY_KIB=65536",
        "--set",
        "HASH_ITERATIONS=3",
    ];
    let lab = Lab::spawning("sentinel").judging_speed().args(&SHORT);
    let run = lab.args(&slow).args(&["--set", "HASH_DEADLINE=60s"]).run();
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains("missed: P95 ≤ 4 hashes ("), "{run}");
}

#[test]
#[ignore = "takes long: scripts/test"]
fn baseline_must_be_of_the_same_load() {
    let first = Lab::spawning("sentinel").args(&SHORT).run();
    assert_eq!(first.code, 0, "{first}");
    let baseline = first.path("result.json");
    let baseline = baseline.to_str().expect("UTF-8");
    let against = ["--baseline", baseline, "--tolerance", "1000"];
    let second = Lab::spawning("sentinel").args(&SHORT).args(&against).run();
    assert_eq!(second.code, 0, "{second}");
    assert!(
        second
            .stdout
            .contains("| P95 against the baseline | held |"),
        "{second}"
    );

    let other = Lab::spawning("peak").args(&against).run();
    assert_eq!(other.code, 2, "{other}");
    assert!(
        other
            .stderr
            .contains("the baseline cannot be compared: scenario sentinel, not peak"),
        "{other}"
    );
}

#[test]
#[ignore = "takes long and needs promtool: scripts/test"]
fn lab_metrics_can_be_scraped_during_a_run() {
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let mut lab = Lab::spawning("sentinel").args(&["--users", "10", "--run-time", "20s"]);
    lab = lab.args(&["--metrics-addr", &address, "--quiet"]);
    let running = lab.start();
    let shown = [
        "loadtest_run_active{",
        "loadtest_run_info{",
        "loadtest_users{",
        "loadtest_request_duration_seconds_count{",
    ];
    let text = harness::until("a run with users and requests is shown", || {
        let text = harness::get(&format!("http://{address}/metrics"))?;
        let is_shown = |series: &&str| {
            let mut lines = text.lines().filter(|line| line.starts_with(series));
            lines.any(|line| !line.ends_with(" 0"))
        };
        shown.iter().all(is_shown).then_some(text)
    });
    assert!(text.contains("scenario=\"sentinel\""), "{text}");
    assert!(
        text.contains("request=\"GET /users/me\",outcome=\"success\""),
        "{text}"
    );
    // The server's bounds, from the finest to the coarsest.
    for bound in ["0.00025", "0.025", "10", "+Inf"] {
        assert!(text.contains(&format!("le=\"{bound}\"")), "{text}");
    }
    harness::lint(&text);
    running.signal(Signal::INT);
    let run = running.wait();
    assert_eq!(run.code, 5, "{run}");
    let identities = run.result()["identities"].as_array().cloned();
    let identities = identities.expect("identities");
    assert!(
        identities.len() > 10,
        "an interrupted run is reconciled, too: {run}"
    );
    assert!(identities.iter().all(|one| one["held"] == true), "{run}");
}

#[test]
fn wrong_limits_and_credentials_are_refused_before_the_run() {
    let limited = Service::start(&[("RATE_LIMITS", "on")]);
    let run = limited.lab("sentinel").args(&SHORT).run();
    assert_eq!(run.code, 2, "{run}");
    assert!(
        run.stderr.contains("start it with RATE_LIMITS=off"),
        "{run}"
    );

    let service = Service::start(&[]);
    let run = service.lab("stuffing").args(&SHORT).run();
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stderr.contains("start it with RATE_LIMITS=on"), "{run}");

    let run = service.lab("sentinel").password("not-the-password").run();
    assert_eq!(run.code, 2, "{run}");
    assert!(
        run.stderr
            .contains("`admin` cannot log in: wrong name or password"),
        "{run}"
    );
    assert!(!format!("{run}").contains("not-the-password"), "{run}");

    let run = service.lab("sentinel").password("").run();
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stderr.contains("set LOADTEST_ADMIN_PASSWORD"), "{run}");
}

#[test]
fn absent_or_unready_server_is_reported() {
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let lab = Lab::new("sentinel").password(ADMIN_PASSWORD);
    let run = lab.args(&["--host", &nobody, "--ops", &nobody]).run();
    assert_eq!(run.code, 2, "{run}");
    assert!(
        run.stderr
            .contains(&format!("{nobody}/readyz cannot be reached")),
        "{run}"
    );

    // While it stops, it answers and is not ready.
    let service = Service::start(&[("SHUTDOWN_DELAY", "60s")]);
    service.terminate();
    let run = service.lab("sentinel").run();
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stderr.contains("the server is not ready"), "{run}");

    let missing = ["--spawn", "--server", "/nonexistent/rbac-sentinel"];
    let run = Lab::new("sentinel").args(&missing).run();
    assert_eq!(run.code, 2, "{run}");
    assert!(
        run.stderr
            .contains("/nonexistent/rbac-sentinel cannot be started"),
        "{run}"
    );
}

#[test]
fn remote_host_needs_confirmation() {
    let far = ["--host", "http://192.0.2.1:8000"];
    let lab = Lab::new("peak").password(ADMIN_PASSWORD).args(&far);
    let run = lab.run();
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stderr.contains("--i-own-this-host"), "{run}");
}

#[test]
fn list_works_and_unknown_names_are_refused() {
    let run = Lab::bare(&["list"]).run();
    assert_eq!(run.code, 0, "{run}");
    assert!(
        run.stdout.contains("sentinel\n") && run.stdout.contains("target: P95 ≤ 4 hashes"),
        "{run}"
    );
    let run = Lab::bare(&["sentinal"]).run();
    assert_eq!(run.code, 2, "{run}");
    assert!(
        run.stderr.contains("sentinel"),
        "a similar name is shown: {run}"
    );
    let run = Lab::bare(&["report", "/nonexistent/result.json"]).run();
    assert_eq!(run.code, 2, "{run}");
    assert!(
        run.stderr
            .contains("/nonexistent/result.json cannot be read"),
        "{run}"
    );
}

#[test]
#[ignore = "takes long: scripts/test"]
fn results_become_one_document() {
    let run = Lab::spawning("peak")
        .args(&["--users", "2", "--run-time", "2s"])
        .run();
    assert_eq!(run.code, 0, "{run}");
    let file = run.path("result.json");
    let document = Lab::bare(&["report", file.to_str().expect("UTF-8")]).run();
    assert_eq!(document.code, 0, "{document}");
    assert!(
        document
            .stdout
            .contains("## peak: SQLite, cache in process"),
        "{document}"
    );
    assert!(
        document.stdout.contains("**What limits it.**"),
        "{document}"
    );
}
