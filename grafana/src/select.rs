//! How series are selected: written once, so that every panel and rule means the same by "users".

use catalogue::endpoints::{OPERATIONS, Objectives, PAGES};

/// Durations of requests, the service's central histogram, without a suffix.
pub const DURATION: &str = "http_server_request_duration_seconds";

/// The instances that the dashboard's variables select.
pub const SHOWN: &str = r#"job=~"$job", instance=~"$instance""#;

/// The load lab's run that the dashboard's variables select.
pub const LAB_RUN: &str = r#"job=~"$loadtest_job", run_id=~"$run_id""#;

/// The range of `rate` on panels.
pub const RANGE: &str = "$__rate_interval";

/// Answers with a server error.
pub const ERROR: &str = r#"http_response_status_code=~"5..""#;

/// Answers without a server error, and requests that the client aborted.
pub const NO_ERROR: &str = r#"http_response_status_code!~"5..""#;

/// Requests of users, for selectors that name a route.
pub const USERS: &str = r#"user_agent_synthetic_type="""#;

/// The service's database, SQLite or PostgreSQL.
pub const DATABASE: &str = r#"db_system_name!="redis""#;

/// The routes that the dashboard's variable selects.
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

/// Joins selectors.
#[must_use]
pub fn all_of(selectors: &[&str]) -> String {
    selectors.join(", ")
}

/// The rate of a counter over the shown instances, grouped by `by`. As in the functions below, an empty
/// `by` sums over everything, and `more` adds selectors or is empty.
#[must_use]
pub fn per_second(by: &str, series: &str, more: &str) -> String {
    format!("{}(rate({series}{{{}}}[{RANGE}]))", sum(by), shown(more))
}

/// The increase of a counter over the shown instances and time range.
#[must_use]
pub fn over_range(by: &str, series: &str, more: &str) -> String {
    format!(
        "{}(increase({series}{{{}}}[$__range]))",
        sum(by),
        shown(more)
    )
}

/// The sum of a gauge over the shown instances.
#[must_use]
pub fn gauge(by: &str, series: &str, more: &str) -> String {
    format!("{}({series}{{{}}})", sum(by), shown(more))
}

/// A quantile of a histogram over the shown instances and the range of rates.
#[must_use]
pub fn shown_quantile(q: f64, by: &str, histogram: &str, more: &str) -> String {
    some_quantile(q, by, histogram, &shown(more))
}

/// A quantile over the range of rates; no value rather than NaN where nothing was counted.
#[must_use]
pub fn some_quantile(q: f64, by: &str, histogram: &str, selector: &str) -> String {
    format!("{} >= 0", quantile(q, by, histogram, selector, RANGE))
}

/// Restricts a metric that other programs export as well to the service: with all jobs selected,
/// Prometheus and the load lab are among them.
#[must_use]
pub fn of_service(series: &str) -> String {
    format!("{series} and on (job) auth_build_info{{{SHOWN}}}")
}

/// The sum of a gauge, restricted by [`of_service`].
#[must_use]
pub fn gauge_of_service(by: &str, series: &str) -> String {
    let series = of_service(&format!("{series}{{{SHOWN}}}"));
    format!("{}({series})", sum(by))
}

/// The share of the hash gate's threads that are busy.
#[must_use]
pub fn hash_slots_in_use() -> String {
    ratio(
        &gauge("", "auth_password_hash_in_flight", ""),
        &gauge("", "auth_password_hash_permits", ""),
    )
}

/// The rate of a counter, restricted by [`of_service`].
#[must_use]
pub fn per_second_of_service(by: &str, series: &str) -> String {
    let rate = of_service(&format!("rate({series}{{{SHOWN}}}[{RANGE}])"));
    format!("{}({rate})", sum(by))
}

/// The selector of the shown instances with `more`, if there is any.
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

/// `part / whole`; no value rather than NaN where `whole` is 0.
#[must_use]
pub fn ratio(part: &str, whole: &str) -> String {
    format!("{part} / ({whole} > 0)")
}

/// `part`, or 0 where `part` has no series yet and `whole` has.
#[must_use]
pub fn or_zero(part: &str, whole: &str) -> String {
    format!("({part} or 0 * {whole})")
}

/// A quantile grouped by `by`; an empty `by` sums over everything.
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
