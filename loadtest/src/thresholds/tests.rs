//! Bounds, read and judged.

use std::collections::BTreeMap;

use testkit::exposition::Exposition;

use super::*;
use crate::recorder::{Recorder, Sample};
use crate::target::REQUESTS;

const MACHINE: Yardstick = Yardstick {
    hash_ms: 20.0,
    round_trip_ms: 0.1,
};

/// In the ramp a read of 9 s; then nine of 1 ms and one of 100 ms, a refused login and a failed one.
fn users() -> Statistics {
    let recorder = Recorder::new(BTreeMap::new());
    let record_in = |steady, route, outcome, millis| {
        recorder.record(&Sample {
            route,
            status: Some(200),
            outcome,
            time: Duration::from_millis(millis),
            steady,
            pace: None,
            since_due: None,
            word: None,
            request_id: None,
        });
    };
    record_in(false, Route::Me, Outcome::Success, 9_000);
    let record = |route, outcome, millis| record_in(true, route, outcome, millis);
    for _ in 0..9 {
        record(Route::Me, Outcome::Success, 1);
    }
    record(Route::Me, Outcome::Success, 100);
    record(Route::Login, Outcome::Refused, 5_000);
    record(Route::Login, Outcome::Failure, 5_000);
    recorder.statistics()
}

/// A hundred reads on the server, all below 5 ms.
fn server() -> Between {
    let labels =
        r#"http_request_method="GET",http_route="/users/me",http_response_status_code="200""#;
    let text = format!(
        "{REQUESTS}_bucket{{{labels},le=\"0.0025\"}} 0\n{REQUESTS}_bucket{{{labels},le=\"0.005\"}} 100\n\
         {REQUESTS}_bucket{{{labels},le=\"+Inf\"}} 100\n{REQUESTS}_count{{{labels}}} 100\n\
         {REQUESTS}_sum{{{labels}}} 0.4\n"
    );
    Between {
        before: Exposition::default(),
        after: Exposition::parse(&text).expect("series"),
    }
}

fn judge(text: &str) -> Verdict {
    let threshold: Threshold = text.parse().expect(text);
    threshold.judge(&users(), Some(&server()), &MACHINE, false)
}

#[test]
fn bounds_are_judged_on_their_side() {
    for (held, missed) in [
        ("p90 of GET /users/me < 2ms", "p99.9 of GET /users/me < 2ms"),
        ("longest <= 101ms", "longest < 99.5ms"),
        ("median < 1500us", "mean < 10ms"),
        ("longest < 6 hashes", "longest < 4 hashes"),
        ("median < 11 round trips", "median < 9 round trips"),
        ("requests >= 13", "requests > 13"),
        ("failed < 8%", "failed <= 7%"),
        (
            "refused of POST /login <= 50%",
            "refused of POST /login < 0.5",
        ),
        ("goodput > 0.1/s", "goodput of POST /login > 0/s"),
        (
            "p99 of GET /users/me on the server <= 5ms",
            "p50 of GET /users/me on the server < 2.5ms",
        ),
    ] {
        assert!(judge(held).held, "{:?}", judge(held));
        assert!(!judge(missed).held, "{:?}", judge(missed));
    }
}

#[test]
fn only_times_of_successes_are_judged() {
    let verdict = judge("longest < 1s");
    assert_eq!(
        (verdict.held, verdict.detail.as_str()),
        (true, "100.031 ms")
    );
    let nothing = judge("p50 of POST /login < 1m");
    let expected = (false, "there was nothing to measure");
    assert_eq!((nothing.held, nothing.detail.as_str()), expected);
}

#[test]
fn speed_is_not_judged_where_it_means_nothing() {
    let ignoring = |text: &str| {
        let threshold: Threshold = text.parse().expect(text);
        threshold.judge(&users(), Some(&server()), &MACHINE, true)
    };
    let verdict = ignoring("p50 < 1us");
    assert!(verdict.held && verdict.detail.ends_with("(not judged)"));
    assert!(!ignoring("failed < 1%").held);
}

#[test]
fn bounds_are_shown_as_they_are_read() {
    for (text, shown) in [
        (
            "p99.9 of GET /users/me < 2ms",
            "P99.9 of GET /users/me < 2 ms",
        ),
        ("goodput > 100/s", "goodput > 100.0/s"),
        ("p50 < 2 hashes", "P50 < 2 hashes (40 ms)"),
        ("p50 on the server ≤ 250us", "P50 on the server ≤ 0.25 ms"),
        ("failed <= 0.1%", "failed ≤ 0.100 %"),
    ] {
        assert_eq!(judge(text).name, shown);
    }
}

#[test]
fn what_is_no_bound_is_named() {
    for (text, complaint) in [
        ("p99 = 2ms", "must contain <"),
        (
            "p99 of GET /me < 2ms",
            "`GET /me` is no operation of POST /register, ",
        ),
        ("p100 < 2ms", "`p100` is no figure"),
        ("speed < 2ms", "`speed` is no figure"),
        ("p99 < 2", "`2` is no time, as in 2ms"),
        ("goodput > 100", "`100` is no rate, as in 100/s"),
        ("failed < 200", "`200` is no share"),
        ("goodput on the server > 1/s", "the server's times alone"),
    ] {
        let error = Threshold::from_str(text).expect_err(text);
        assert!(error.contains(complaint), "{error} ≠ {complaint}");
    }
}
