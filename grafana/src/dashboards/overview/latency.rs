//! Latency, and requests in flight.

use super::seconds;
use crate::dashboard::{Color, Panel, Unit, View};
use crate::select::{DURATION, RANGE, SHOWN, gauge, per_second, shown_quantile, user_requests};
use crate::slo::{PASSWORD_BOUND, TOKEN_BOUND};

pub(super) fn panels() -> Vec<Panel> {
    let users = user_requests();
    let status = format!(
        "sum by (class) (label_replace(label_replace(rate({DURATION}_count{{{SHOWN}, {users}}}[{RANGE}]), \
         \"class\", \"left before the answer\", \"\", \"\"), \
         \"class\", \"${{1}}xx\", \"http_response_status_code\", \"(.)..\"))"
    );
    let closed = "http_server_connections_closed_total";
    let mut panels = vec![
        Panel::new(
            View::TimeSeries,
            Unit::Seconds,
            "Latency quantiles",
            "Measured on the server, all routes together. Only P99 high: a few slow routes, see \
             *P95 by route*. All high: *CPU cores used* or *Pool wait and use P95* on \
             Dependencies. Compare with the times of restarts.",
        )
        .query("P50", shown_quantile(0.5, "", DURATION, &user_requests()))
        .query("P95", shown_quantile(0.95, "", DURATION, &user_requests()))
        .query("P99", shown_quantile(0.99, "", DURATION, &user_requests()))
        .steps(&[
            (seconds(TOKEN_BOUND), Color::Warn),
            (seconds(PASSWORD_BOUND), Color::Bad),
        ])
        .quiet("no traffic")
        .size(12, 8),
        Panel::new(
            View::Heatmap,
            Unit::RequestRate,
            "Latency heat map",
            "Two bands are normal: reads below, password hashes above. If a band moves up as a \
             whole, the machine or the database is slower: *CPU cores used* and *Statement P95* on \
             Dependencies. A new band is a new kind of request, or requests that wait: *P95 by \
             route*.",
        )
        .query(
            "{{le}}",
            format!("sum by (le) (rate({DURATION}_bucket{{{SHOWN}, {users}}}[{RANGE}]))"),
        )
        .size(12, 8),
        Panel::new(
            View::Stacked,
            Unit::RequestRate,
            "Traffic by status class",
            "More 4xx: *Logins by reason* and *Token verification failures* on Authentication \
             distinguish an attack from a wrong key. Only 429: *Rate-limit denials by limiter*. \
             5xx: *Error ratio by route*.",
        )
        .query("{{class}}", status),
        Panel::new(
            View::TimeSeries,
            Unit::Count,
            "In-flight requests",
            "Grows when requests arrive faster than they are answered. If *Hash queue depth* grows \
             as well, it is logins; otherwise see *Pool pending and timeouts*, both on \
             Dependencies.",
        )
        .query(
            "{{http_request_method}}",
            gauge("http_request_method", "http_server_active_requests", ""),
        ),
        Panel::new(
            View::TimeSeries,
            Unit::EventRate,
            "Connections cut off",
            "By reason. tls: the handshake failed. header, body, write and idle: the client was \
             too slow, a slow-request attack or a bad network; see `CLIENT_TIMEOUT`. refused: \
             above `MAX_CONNECTIONS`. source: above `MAX_CONNECTIONS_PER_SOURCE`, a flood from one \
             address or a proxy that is not in `TRUSTED_PROXIES`. accept errors must stay 0: the \
             process lacks file descriptors.",
        )
        .runbook(&["connections", "accept-errors"])
        .query(
            "{{listener}} {{reason}}",
            per_second("listener, reason", closed, r#"reason!="closed""#),
        )
        .query(
            "{{listener}} accept errors",
            per_second("listener", "http_server_accept_errors_total", ""),
        ),
    ];
    panels.extend(certificates());
    panels
}

/// TLS in the service.
fn certificates() -> [Panel; 2] {
    [
        Panel::new(
            View::TimeSeries,
            Unit::Count,
            "Certificate reloads",
            "Reloads after changes of `TLS_CERT` and `TLS_KEY`. failure: the previous certificate \
             stays in use until it expires; the log says what is wrong with the files.",
        )
        .runbook(&["tls-certificate"])
        .query(
            "{{outcome}}",
            "sum by (outcome) (increase(http_server_tls_reloads_total{job=~\"$job\", \
             instance=~\"$instance\"}[$__rate_interval]))",
        )
        .size(12, 8),
        Panel::new(
            View::TimeSeries,
            Unit::Seconds,
            "Certificate expires in",
            "Of the certificate in use, by replica. Below 14 days: renew it, or see why its automatic \
             renewal failed; the service reloads the files by itself. Below 0: clients refuse to connect.",
        )
        .runbook(&["tls-certificate"])
        .query(
            "{{instance}}",
            "min by (instance) (http_server_tls_certificate_not_after_timestamp_seconds{job=~\"$job\", \
             instance=~\"$instance\"} > 0) - time()",
        )
        .quiet("no TLS in the service")
        .size(12, 8),
    ]
}
