//! How series are selected: written once, so that every panel and rule means the same by "users".

use catalogue::endpoints::{OPERATIONS, Objectives, PAGES};

/// Durations of requests, the service's central histogram, without a suffix.
pub const DURATION: &str = "http_server_request_duration_seconds";

/// The instances that a dashboard shows.
pub const SHOWN: &str = r#"job=~"$job", instance=~"$instance""#;

/// The run of the load lab that a dashboard shows.
pub const LAB_RUN: &str = r#"job=~"$loadtest_job", run_id=~"$run_id""#;

/// The range of rates on panels.
pub const RANGE: &str = "$__rate_interval";

/// Answers with a server error.
pub const ERROR: &str = r#"http_response_status_code=~"5..""#;

/// Answers without one, and requests that were given up.
pub const NO_ERROR: &str = r#"http_response_status_code!~"5..""#;

/// Requests of users, where a route is named anyway.
pub const USERS: &str = r#"user_agent_synthetic_type="""#;

/// Whichever database the service has: SQLite or PostgreSQL.
pub const DATABASE: &str = r#"db_system_name!="redis""#;

/// The routes that a dashboard is narrowed to.
pub const ROUTE: &str = r#"http_route=~"$route""#;

/// The routes that these objectives count, as a regular expression.
fn routes(objectives: Objectives) -> String {
    let mut routes = Vec::new();
    for endpoint in OPERATIONS.iter().chain(PAGES) {
        let literal = endpoint
            .template
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "/-_".contains(c));
        if endpoint.objectives == objectives && !routes.contains(&endpoint.template) {
            assert!(literal, "escape {} in a pattern", endpoint.template);
            routes.push(endpoint.template);
        }
    }
    routes.join("|")
}

/// Requests of users: neither monitoring's own nor the synthetic probe's.
#[must_use]
pub fn user_requests() -> String {
    let excluded = routes(Objectives::Excluded);
    format!("http_route!~\"{excluded}\", {USERS}")
}

/// Routes that a token opens without a password.
#[must_use]
pub fn token_path() -> String {
    format!("http_route=~\"{}\"", routes(Objectives::TokenLatency))
}

/// Routes that hash a password.
#[must_use]
pub fn password_path() -> String {
    format!("http_route=~\"{}\"", routes(Objectives::PasswordLatency))
}

/// Several selectors in one.
#[must_use]
pub fn all_of(selectors: &[&str]) -> String {
    selectors.join(", ")
}

/// What a counter of the shown instances gains a second, by what `by` tells apart; empty for all
/// together, as in the functions below. `more` narrows it, or is empty.
#[must_use]
pub fn per_second(by: &str, series: &str, more: &str) -> String {
    format!("{}(rate({series}{{{}}}[{RANGE}]))", sum(by), shown(more))
}

/// What a counter of the shown instances gained in the time shown.
#[must_use]
pub fn over_range(by: &str, series: &str, more: &str) -> String {
    format!(
        "{}(increase({series}{{{}}}[$__range]))",
        sum(by),
        shown(more)
    )
}

/// A gauge of the shown instances, added up.
#[must_use]
pub fn gauge(by: &str, series: &str, more: &str) -> String {
    format!("{}({series}{{{}}})", sum(by), shown(more))
}

/// A quantile of a histogram of the shown instances over the usual range.
#[must_use]
pub fn shown_quantile(q: f64, by: &str, histogram: &str, more: &str) -> String {
    some_quantile(q, by, histogram, &shown(more))
}

/// A quantile over the usual range, and nothing rather than NaN where nothing was counted.
#[must_use]
pub fn some_quantile(q: f64, by: &str, histogram: &str, selector: &str) -> String {
    format!("{} >= 0", quantile(q, by, histogram, selector, RANGE))
}

/// What others than the service export, too, of the service alone: where all jobs are shown, Prometheus
/// and the load lab are among them.
#[must_use]
pub fn of_service(series: &str) -> String {
    format!("{series} and on (job) auth_build_info{{{SHOWN}}}")
}

/// A gauge as [`of_service`], added up.
#[must_use]
pub fn gauge_of_service(by: &str, series: &str) -> String {
    let series = of_service(&format!("{series}{{{SHOWN}}}"));
    format!("{}({series})", sum(by))
}

/// The share of the hash gate's threads that are at work.
#[must_use]
pub fn hash_slots_in_use() -> String {
    ratio(
        &gauge("", "auth_password_hash_in_flight", ""),
        &gauge("", "auth_password_hash_permits", ""),
    )
}

/// What a counter gains a second, as [`of_service`].
#[must_use]
pub fn per_second_of_service(by: &str, series: &str) -> String {
    let rate = of_service(&format!("rate({series}{{{SHOWN}}}[{RANGE}])"));
    format!("{}({rate})", sum(by))
}

/// What narrows the shown instances further, or nothing.
fn shown(more: &str) -> String {
    if more.is_empty() {
        SHOWN.to_owned()
    } else {
        all_of(&[SHOWN, more])
    }
}

fn sum(by: &str) -> String {
    if by.is_empty() {
        "sum".to_owned()
    } else {
        format!("sum by ({by}) ")
    }
}

/// `a / b`, and nothing rather than NaN where there is nothing to divide by.
#[must_use]
pub fn ratio(part: &str, whole: &str) -> String {
    format!("{part} / ({whole} > 0)")
}

/// A sum that is 0 rather than missing where `whole` exists and `part` has no series yet.
#[must_use]
pub fn or_zero(part: &str, whole: &str) -> String {
    format!("({part} or 0 * {whole})")
}

/// A quantile over what `by` tells apart; empty for all together.
#[must_use]
pub fn quantile(q: f64, by: &str, histogram: &str, selector: &str, range: &str) -> String {
    let by = if by.is_empty() {
        "le".to_owned()
    } else {
        format!("le, {by}")
    };
    let braces = if selector.is_empty() {
        String::new()
    } else {
        format!("{{{selector}}}")
    };
    format!("histogram_quantile({q}, sum by ({by}) (rate({histogram}_bucket{braces}[{range}])))")
}
