//! How series are selected: written once, so that every panel and rule means the same by "users".

/// Durations of requests, the service's central histogram, without a suffix.
pub const D: &str = "http_server_request_duration_seconds";

/// The instances that a dashboard shows.
pub const S: &str = r#"job=~"$job", instance=~"$instance""#;

/// Requests of users: not those of probes, and not the service's own journey.
pub const X: &str = r#"http_route!~"/health|/metrics", user_agent_synthetic_type="""#;

/// Routes that a token opens without a password.
pub const TOKEN_PATH: &str = r#"http_route=~"/users/me|/refresh""#;

/// Routes that hash a password.
pub const PASSWORD_PATH: &str = r#"http_route=~"/login|/register|/users/me/password""#;

/// The run of the load lab that a dashboard shows.
pub const L: &str = r#"job=~"$loadtest_job", run_id=~"$run_id""#;

/// The range of rates on panels.
pub const R: &str = "$__rate_interval";

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
    format!(
        "histogram_quantile({q}, sum by ({by}) (rate({histogram}_bucket{{{selector}}}[{range}])))"
    )
}
