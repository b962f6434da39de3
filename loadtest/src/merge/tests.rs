//! Runs of three generators, as they leave them.

use std::fmt::Write as _;
use std::time::Instant;

use testkit::machine::Machine;

use super::*;
use crate::outcome::Outcome;
use crate::reconcile::Identity;
use crate::result::{Failure as Failed, ReplicaResult};
use crate::routes::Route;
use crate::shared::{OwnRequest, SharedRun};
use crate::statistics::{Statistics, times};
use crate::target::REQUESTS;
use crate::timeline::Second;

/// A server that has answered so many logins, and has been asked so often whether it is well.
fn server(logins: u64, health: u64) -> String {
    let http = |labels: &str, count: u64| {
        format!(
            "{REQUESTS}_bucket{{{labels},le=\"0.5\"}} {count}\n{REQUESTS}_bucket{{{labels},le=\"+Inf\"}} {count}\n\
             {REQUESTS}_count{{{labels}}} {count}\n"
        )
    };
    let labels = |method: &str, route: &str| {
        format!(
            "http_request_method=\"{method}\",http_route=\"{route}\",http_response_status_code=\"200\""
        )
    };
    let mut text = http(&labels("POST", "/login"), logins);
    text += &http(&labels("GET", "/health"), health);
    for series in [
        "auth_logins_total{outcome=\"success\",reason=\"none\"}",
        "auth_tokens_issued_total{token_type=\"access\",grant=\"password\"}",
        "auth_tokens_issued_total{token_type=\"refresh\",grant=\"password\"}",
        "auth_password_hash_duration_seconds_count{operation=\"verify\"}",
    ] {
        let _ = writeln!(text, "{series} {logins}");
    }
    text
}

fn histogram(micros: u64, count: u64) -> String {
    let mut all = times();
    all.record_n(micros, count).expect("in range");
    histograms::written(&all).expect("written")
}

/// A run that began in this second and lasted four, with so many logins of a millisecond each.
fn run(id: &str, second: u32, logins: u64, before: &str, after: &str) -> RunResult {
    let mut statistics = Statistics::default();
    let now = Instant::now();
    let key = (Route::Login, Some(200), Outcome::Success);
    let row = statistics.steady.add(key, now, now);
    for times in [&mut row.times, &mut row.corrected] {
        times.record_n(1_000, logins).expect("in range");
    }
    let seconds = (1..=4).map(|at| Second {
        at: f64::from(at),
        length: 1.0,
        users: 2,
        successes: logins / 4,
        ..Second::default()
    });
    RunResult {
        version: VERSION,
        scenario: "mine".to_owned(),
        run_id: id.to_owned(),
        requests: logins,
        timeline: seconds.collect(),
        histograms: histograms::stored(&statistics).expect("written"),
        machine: Machine {
            cores: 4,
            ..Machine::default()
        },
        cores: Some(Cores {
            lab: 0.5,
            server: None,
        }),
        replicas: vec![ReplicaResult {
            started: 1_764_374_400.25,
            ..ReplicaResult::default()
        }],
        yardstick: Yardstick {
            hash_ms: 10.0,
            round_trip_ms: 0.1,
        },
        load: Load {
            users: 2,
            rate: 1.0,
            ..Load::default()
        },
        shared: Some(SharedRun {
            began: format!("2026-01-02T03:04:{second:02}.500Z"),
            steady: Some([0.0, 4.0]),
            own: vec![OwnRequest {
                operation: "GET /health".to_owned(),
                status: 200,
                measured: histogram(500, 1),
            }],
            delay: histogram(100, 10),
            expected: vec!["no failures".to_owned()],
            before: before.to_owned(),
            after: Some(after.to_owned()),
            ..SharedRun::default()
        }),
        ..RunResult::default()
    }
}

/// Three that overlap: each found the server as it was then.
fn three() -> Vec<RunResult> {
    vec![
        run("a", 1, 8, &server(100, 7), &server(110, 10)),
        run("b", 2, 4, &server(100, 8), &server(124, 10)),
        run("c", 3, 12, &server(101, 9), &server(122, 10)),
    ]
}

fn all(results: &[RunResult]) -> Result<RunResult> {
    merged(&refusal::checked(results)?)
}

fn refused(results: &[RunResult]) -> String {
    all(results).expect_err("refused").to_string()
}

/// Why these are refused after one of three was changed.
fn refused_with(change: impl FnOnce(&mut RunResult)) -> String {
    let mut runs = three();
    change(&mut runs[1]);
    refused(&runs)
}

fn shared(result: &mut RunResult) -> &mut SharedRun {
    result.shared.as_mut().expect("it is one of several")
}

#[test]
fn counts_histograms_and_seconds_add_up_and_are_reconciled_once() {
    let result = all(&three()).expect("alike");
    assert!(result.held, "{:?}", result.complaints());
    assert_eq!((result.requests, result.users.count), (24, 24));
    // From the first user of the first to the last answer of the last.
    assert!((result.seconds - 6.0).abs() < 1e-9);
    assert!((result.users.per_second - 4.0).abs() < 1e-9);
    assert_eq!(result.operations[0].statuses["200"], 24);
    let stored = histograms::read(&result.histograms[0].measured).expect("a histogram");
    assert_eq!((result.histograms.len(), stored.len()), (1, 24));
    let counts: Vec<_> = result.timeline.iter().map(|one| one.successes).collect();
    assert_eq!(counts, [2, 3, 6, 6, 4, 3]);
    assert_eq!((result.load.users, result.generators.len()), (6, 3));
    assert_eq!(result.generators[2].machine.cores, 4);
    assert_eq!(result.cores.map(|cores| cores.lab), Some(1.5));
    assert!(result.shared.is_none(), "it cannot be merged again");
    assert_eq!(result.run_id, "a+b+c");
    let requests = identity(&result);
    assert_eq!(requests.detail, "27 requests in 2 rows");
}

fn identity(result: &RunResult) -> &Identity {
    let name = "requests by operation and status: users = server";
    let mut identities = result.identities.iter();
    identities.find(|one| one.name == name).expect("compared")
}

#[test]
fn generator_that_is_left_out_is_missed() {
    let mut runs = three();
    runs.pop();
    let result = all(&runs).expect("alike");
    assert_eq!(result.ending, Ending::Missed);
    let requests = identity(&result);
    assert!(!requests.held);
    assert_eq!(
        requests.detail,
        "GET /health 200: 2 ≠ 3; POST /login 200: 12 ≠ 24"
    );
}

#[test]
fn failures_and_refusals_add_up_with_their_causes() {
    let mut runs = three();
    for (run, count) in runs.iter_mut().zip([3, 4, 0]) {
        let unsent = Failed {
            operation: "POST /login".to_owned(),
            word: "connection refused".to_owned(),
            count,
            ..Failed::default()
        };
        let failed = Failed {
            status: 500,
            word: "internal".to_owned(),
            sent: true,
            request_ids: vec![format!("{}-1", run.run_id)],
            ..unsent.clone()
        };
        if count > 0 {
            run.failures = vec![failed, unsent];
        }
        let mut refused = run.histograms[0].clone();
        refused.status = 503;
        refused.outcome = "refused".to_owned();
        run.histograms.push(refused);
    }
    let result = all(&runs).expect("alike");
    let causes = result.failures.iter();
    let causes: Vec<_> = causes
        .map(|one| {
            (
                one.word.as_str(),
                one.sent,
                one.count,
                one.request_ids.len(),
            )
        })
        .collect();
    assert_eq!(
        causes,
        [
            ("internal", true, 7, 2),
            ("connection refused", false, 7, 0)
        ]
    );
    assert_eq!(result.refusals.count, 24);
    assert!((result.refused - 24.0 / 55.0).abs() < 1e-9);
    assert!((result.failed - 7.0 / 55.0).abs() < 1e-9);
}

#[test]
fn starvation_of_one_makes_all_invalid_and_its_own_identities_count() {
    let mut runs = three();
    runs[1].identities.push(Identity {
        name: "requests by operation and status: users = goose".to_owned(),
        held: false,
        detail: "POST /login 200: 4 ≠ 3".to_owned(),
    });
    let result = all(&runs).expect("alike");
    assert_eq!(
        result.complaints(),
        [
            "identity broken: requests by operation and status: users = goose (run b): POST /login 200: 4 ≠ 3"
        ]
    );
    runs[2].ending = Ending::Invalid;
    runs[2].because = Some("the lab was starved: once it was woken 1.84 s late".to_owned());
    let result = all(&runs).expect("alike");
    assert_eq!((result.ending, result.held), (Ending::Invalid, false));
    let because = "run c: the lab was starved: once it was woken 1.84 s late";
    assert_eq!(result.because.as_deref(), Some(because));
}

#[test]
fn arrivals_add_up_by_kind_and_the_server_by_process() {
    let mut runs = three();
    for (run, begun) in runs.iter_mut().zip([10, 9, 10]) {
        run.arrivals.push(Arrivals {
            kind: "visitor".to_owned(),
            rates: "5/s:2s".to_owned(),
            due: 10,
            begun,
            reached: begun == 10,
            reason: (begun < 10).then(|| "all users were busy".to_owned()),
            ..Arrivals::default()
        });
        run.replicas[0].answered_before = Some(100.0 + begun as f64);
        run.replicas[0].requests = 5.0;
    }
    let result = all(&runs).expect("alike");
    let [sum] = &result.arrivals[..] else {
        panic!("one kind: {:?}", result.arrivals);
    };
    assert_eq!((sum.due, sum.begun, sum.reached), (30, 29, false));
    assert_eq!(sum.rates, "5/s:2s + 5/s:2s + 5/s:2s");
    assert_eq!(sum.reason.as_deref(), Some("run b: all users were busy"));
    assert!((result.replicas[0].requests - 6.0).abs() < 1e-9);
    assert_eq!(result.complaints().len(), 1, "{:?}", result.complaints());
}

#[test]
fn what_cannot_be_added_up_is_refused_with_the_reason() {
    let alone = refused(&three()[..1]);
    assert!(
        alone.starts_with("one result alone cannot be merged"),
        "{alone}"
    );
    for (complaint, found) in [
        (
            "run a is given twice",
            refused_with(|run| run.run_id = "a".to_owned()),
        ),
        (
            "run b was not --shared",
            refused_with(|run| run.shared = None),
        ),
        (
            "run b did not come to its end: interrupted: interrupted at 2 s of 4",
            refused_with(|run| {
                run.ending = Ending::Interrupted;
                run.because = Some("interrupted at 2 s of 4".to_owned());
            }),
        ),
        (
            "run b did not come to its end: broke off",
            refused_with(|run| run.ending = Ending::BrokeOff),
        ),
        (
            "run b could not read the server's counts afterwards",
            refused_with(|run| shared(run).after = None),
        ),
        (
            "runs a and b cannot be added up: one is of mine, one of other",
            refused_with(|run| run.scenario = "other".to_owned()),
        ),
        (
            "they are of two scenarios of the name mine",
            refused_with(|run| shared(run).saturates = true),
        ),
        (
            "something else was expected of them",
            refused_with(|run| shared(run).expected.clear()),
        ),
        (
            "speed was judged in one of them only",
            refused_with(|run| shared(run).ignore_speed = true),
        ),
        (
            "they asked servers of two builds,  () and 2 ()",
            refused_with(|run| run.about.version = "2".to_owned()),
        ),
        (
            "they asked servers of different settings",
            refused_with(|run| run.about.hash_permits = 3.0),
        ),
        (
            "one was told of 1 replicas of the server, one of 0",
            refused_with(|run| run.replicas.clear()),
        ),
        (
            "they asked two servers, or one that was started again",
            refused_with(|run| run.replicas[0].started += 60.0),
        ),
        (
            "the runs were never under way at the same time: a had ended when b began",
            refused_with(|run| shared(run).began = "2026-01-02T03:04:06Z".to_owned()),
        ),
        (
            "run b does not say when it began: `noon`",
            refused_with(|run| shared(run).began = "noon".to_owned()),
        ),
        (
            "run b has sent nothing",
            refused_with(|run| shared(run).steady = None),
        ),
        (
            "this lab knows no operation GET /new",
            refused_with(|run| run.histograms[0].operation = "GET /new".to_owned()),
        ),
    ] {
        assert!(found.contains(complaint), "{found} ≠ {complaint}");
    }
}

#[test]
fn merged_result_does_not_take_the_place_of_one_of_its_parts() {
    let place = tempfile::tempdir().expect("a folder");
    let part = place.path().join("a");
    std::fs::create_dir(&part).expect("made");
    let result = all(&three()).expect("alike");
    let error = folder(&result, std::slice::from_ref(&part), Some(&part)).expect_err("the same");
    assert!(
        error.to_string().contains("would take the place of"),
        "{error}"
    );
    assert!(folder(&result, &[part], Some(place.path())).is_ok());
}

#[test]
fn replicas_that_were_started_together_are_told_apart_by_name() {
    let mut runs = three();
    for (number, run) in runs.iter_mut().enumerate() {
        let one = |ops: &str, answered_before| ReplicaResult {
            ops: ops.to_owned(),
            answered_before: Some(answered_before),
            requests: 5.0,
            ..run.replicas[0].clone()
        };
        run.replicas = vec![one("http://one/", 100.0), one("http://two/", 900.0)];
        // Each lab may name them in another order.
        run.replicas.rotate_left(number % 2);
    }
    let result = all(&runs).expect("alike");
    let answered = result.replicas.iter();
    let answered: Vec<_> = answered
        .map(|one| (one.ops.as_str(), one.requests))
        .collect();
    assert_eq!(answered, [("http://one/", 5.0), ("http://two/", 5.0)]);
}
