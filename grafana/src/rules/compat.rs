//! Series for existing dashboards of the service's predecessor.

use super::{Group, Record, RuleFile};
use crate::select::{DURATION, user_requests};

pub(super) fn file() -> RuleFile {
    let record = |name: &str, series: &str, by: &str| Record {
        name: name.to_owned(),
        expr: renamed(series, by),
    };
    RuleFile {
        name: "compat/fastapi.yml",
        about: "Requests under the names of prometheus-fastapi-instrumentator. Not loaded unless \
                named in `rule_files`.",
        groups: vec![Group {
            name: "auth-compat-fastapi",
            records: vec![
                record("http_requests_total", "count", ", status"),
                record("http_request_duration_seconds_bucket", "bucket", ", le"),
                record("http_request_duration_seconds_count", "count", ""),
                record("http_request_duration_seconds_sum", "sum", ""),
            ],
            alerts: Vec::new(),
        }],
    }
}

/// Our histogram's series with the instrumentator's labels: `handler`, `method`, and `status` as `2xx`.
/// By instance, so that `rate` sees counter resets.
fn renamed(part: &str, by: &str) -> String {
    let users = user_requests();
    let answered = format!("{DURATION}_{part}{{{users}, http_response_status_code!=\"\"}}");
    let labels = [
        ("handler", "$1", "http_route", "(.*)"),
        ("method", "$1", "http_request_method", "(.*)"),
        ("status", "${1}xx", "http_response_status_code", "(.).*"),
    ];
    let renamed = labels
        .iter()
        .fold(answered, |series, (to, value, from, pattern)| {
            format!("label_replace(\n{series},\n\"{to}\", \"{value}\", \"{from}\", \"{pattern}\")")
        });
    format!("sum by (job, instance, handler, method{by}) (\n{renamed}\n)")
}
