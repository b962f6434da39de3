//! What is recorded: the ratio of bad events of each objective, over every window.

use super::{Group, Record, RuleFile};
use crate::select::{D, PASSWORD_PATH, TOKEN_PATH, X};
use crate::slo::{
    AVAILABILITY, JOURNEY, PASSWORD_BOUND, PASSWORD_LATENCY, Slo, TOKEN_BOUND, TOKEN_LATENCY,
    WINDOWS,
};

const ERROR: &str = r#"http_response_status_code=~"5..""#;
const NO_ERROR: &str = r#"http_response_status_code!~"5..""#;
const USERS: &str = r#"user_agent_synthetic_type="""#;

pub(super) fn file() -> RuleFile {
    RuleFile {
        name: "sli.yml",
        about: "Service level indicators: the ratio of bad events by job, over every window.",
        groups: vec![
            group("auth-sli-availability", &AVAILABILITY, errors),
            group("auth-sli-token-latency", &TOKEN_LATENCY, |window| {
                slow(window, TOKEN_PATH, TOKEN_BOUND)
            }),
            group("auth-sli-password-latency", &PASSWORD_LATENCY, |window| {
                slow(window, PASSWORD_PATH, PASSWORD_BOUND)
            }),
            group("auth-sli-journey", &JOURNEY, journey_errors),
        ],
    }
}

fn group(name: &'static str, slo: &Slo, expr: impl Fn(&str) -> String) -> Group {
    let record = |window: &&str| Record {
        name: format!("{}{window}", slo.record),
        expr: expr(window),
    };
    Group {
        name,
        records: WINDOWS.iter().map(record).collect(),
        alerts: Vec::new(),
    }
}

/// The share of requests that were answered with a server error.
fn errors(window: &str) -> String {
    let all = format!("sum by (job) (rate({D}_count{{{X}}}[{window}]))");
    let bad = format!("sum by (job) (rate({D}_count{{{X}, {ERROR}}}[{window}]))");
    format!("({bad} or 0 * {all}) / {all}")
}

/// The share of answers that took longer than they should; errors are the other objective's.
fn slow(window: &str, routes: &str, bound: &str) -> String {
    let of = format!("{routes}, {USERS}, {NO_ERROR}");
    let fast = format!("sum by (job) (rate({D}_bucket{{{of}, le=\"{bound}\"}}[{window}]))");
    let all = format!("sum by (job) (rate({D}_count{{{of}}}[{window}]))");
    format!("1 - {fast} / {all}")
}

/// The share of steps of the canary that failed.
fn journey_errors(window: &str) -> String {
    let all = format!("sum by (job) (rate(auth_canary_runs_total[{window}]))");
    let bad =
        format!("sum by (job) (rate(auth_canary_runs_total{{outcome=\"failure\"}}[{window}]))");
    format!("{bad} / {all}")
}
