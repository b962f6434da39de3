//! HTTP: rate, errors, duration (OpenTelemetry's HTTP server conventions), and the connections below it.

use metrics::{Counter, Gauge, Histogram};

use super::buckets::{NONE, REQUESTS, SIZES};
use super::families;
use crate::metrics::Level;
use crate::metrics::family::{Family, OpenFamily};
use crate::metrics::labels::{ConnectionEnd, Listener, Method, Outcome, Scheme};

const ROUTES: &str = "the route templates of the OpenAPI document and the pages, or `unmatched`";

families! {
    HTTP_DURATION: OpenFamily<Histogram> = (
        "http_server_request_duration_seconds", "seconds",
        "Duration of requests, from head to response, by route template. _count is the number of requests.",
        REQUESTS,
        &[
            ("http_request_method", "eight methods, `_OTHER` for the rest"),
            ("http_route", ROUTES),
            ("http_response_status_code", "the statuses that the service sends; empty if the client disconnected first"),
            ("url_scheme", "`http`, or `https` if the service terminates TLS"),
            ("error_type", "the status for 5xx, `aborted` if the client disconnected first, else empty"),
            ("user_agent_synthetic_type", "`test` for requests of the synthetic login probe, else empty"),
        ],
    );
    HTTP_ACTIVE: Family<Level, (Method, Scheme)> = (
        "http_server_active_requests", "", "Requests in flight.", NONE);
    HTTP_RESPONSE_SIZE: OpenFamily<Histogram> = (
        "http_server_response_body_size_bytes", "bytes",
        "Size of response bodies.", SIZES,
        &[("http_route", ROUTES)],
    );
    HTTP_ABORTED: OpenFamily<Counter> = (
        "http_server_requests_aborted_total", "",
        "Requests whose client disconnected before the response.", NONE, &[("http_route", ROUTES)],
    );
    HTTP_PANICS: Family<Counter, ()> = (
        "http_server_panics_total", "", "Panics caught in handlers. Must stay 0.", NONE);
    HTTP_CONNECTIONS: Family<Gauge, Listener> = (
        "http_server_open_connections", "", "Open connections.", NONE);
    HTTP_CONNECTION_MAX: Family<Gauge, Listener> = (
        "http_server_connection_max", "", "Maximum number of connections served at once.", NONE);
    HTTP_CONNECTIONS_CLOSED: Family<Counter, (Listener, ConnectionEnd)> = (
        "http_server_connections_closed_total", "",
        "Closed connections by reason: `closed` is a normal end, the others were cut off by the service.", NONE);
    HTTP_TLS_RELOADS: Family<Counter, Outcome> = (
        "http_server_tls_reloads_total", "",
        "Reloads of changed certificates. After a `failure` the previous certificate stays in use.", NONE);
    HTTP_TLS_NOT_AFTER: Family<Gauge, ()> = (
        "http_server_tls_certificate_not_after_timestamp_seconds", "seconds",
        "Expiry of the certificate in use; 0 if the service does not terminate TLS.", NONE);
    HTTP_ACCEPT_ERRORS: Family<Counter, Listener> = (
        "http_server_accept_errors_total", "",
        "Connections that could not be accepted, for example without a free file descriptor.", NONE);
}
