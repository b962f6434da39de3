//! Several labs that ask one server at the same time.

use std::path::PathBuf;

use testkit::exposition::Exposition;

use crate::harness::{Lab, Run, Service, get};

const SHORT: [&str; 7] = [
    "--shared",
    "--users",
    "5",
    "--spawn-rate",
    "10",
    "--run-time",
    "4s",
];

/// Runs so many labs on this server, all at the same time.
fn together(service: &Service, labs: usize) -> Vec<Run> {
    let labs = (0..labs).map(|_| service.lab("rbac-mix").args(&SHORT).start());
    let labs: Vec<_> = labs.collect();
    labs.into_iter().map(|lab| lab.wait()).collect()
}

/// Merges these runs.
pub fn merge<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Run {
    let results = runs.into_iter().map(|run| run.path("result.json"));
    let results: Vec<PathBuf> = results.collect();
    let mut words = vec!["merge"];
    words.extend(results.iter().map(|path| path.to_str().expect("UTF-8")));
    let lab = Lab::bare(&words);
    let out = lab.path("");
    lab.args(&["--out", out.to_str().expect("UTF-8")]).run()
}

/// Requests that the server has answered, but for its own.
fn answered(service: &Service) -> f64 {
    let text = get(&format!("{}/metrics", service.ops())).expect("metrics");
    let scrape = Exposition::parse(&text)
        .expect("series")
        .without_synthetic();
    scrape.sum("http_server_request_duration_seconds_count", &[])
}

/// The identity of the users' and the server's requests.
fn compared(run: &Run) -> serde_json::Value {
    let result = run.result();
    let identities = result["identities"].as_array().expect("identities");
    let name = "requests by operation and status: users = server";
    let found = identities.iter().find(|one| one["name"] == name);
    found.unwrap_or(&serde_json::Value::Null).clone()
}

#[test]
#[ignore = "takes long: scripts/test"]
fn generators_hold_together_to_the_last_request() {
    let service = Service::start(&[]);
    let before = answered(&service);
    let runs = together(&service, 2);
    let count = answered(&service) - before;
    let mut sent = 0;
    for run in &runs {
        assert_eq!(run.code, 0, "{run}");
        assert!(compared(run).is_null(), "{run}");
        assert!(run.stdout.contains("users = server: not compared"), "{run}");
        assert!(run.file("junit.xml").contains("<skipped"), "{run}");
        sent += run.result()["requests"].as_u64().expect("a number");
    }
    let merged = merge(&runs);
    assert_eq!(merged.code, 0, "{merged}");
    let result = merged.result();
    assert_eq!(result["requests"].as_u64(), Some(sent), "{merged}");
    assert_eq!(result["load"]["users"], 10);
    assert_eq!(result["generators"].as_array().map(Vec::len), Some(2));
    let detail = compared(&merged)["detail"].to_string();
    assert!(
        detail.starts_with(&format!("\"{count} requests in ")),
        "{count}: {detail}"
    );
    assert!(
        merged.stdout.contains("2 generators, added up: "),
        "{merged}"
    );
    let timeline = result["timeline"].as_array().expect("seconds");
    assert_eq!(
        merged.file("timeline.csv").lines().count(),
        timeline.len() + 1
    );
    assert!(
        merged.file("report.html").contains("2 generators"),
        "{merged}"
    );
    assert_eq!(merged.file("report.md").trim(), merged.table().trim());

    let alone = merge(&runs[..1]);
    assert_eq!(alone.code, 2, "{alone}");
    assert!(alone.stderr.contains("one result alone"), "{alone}");
    let again = merge([&merged, &runs[0]]);
    assert_eq!(again.code, 2, "{again}");
    assert!(again.stderr.contains("was not --shared"), "{again}");
}

#[test]
#[ignore = "takes long: scripts/test"]
fn generator_that_is_left_out_breaks_an_identity_by_name() {
    let service = Service::start(&[]);
    let runs = together(&service, 3);
    let all = merge(&runs);
    assert_eq!(all.code, 0, "{all}");
    let two = merge(&runs[..2]);
    assert_eq!(two.code, 1, "{two}");
    let complaint = "identity broken: requests by operation and status: users = server: ";
    assert!(two.stderr.contains(complaint), "{two}");
}
