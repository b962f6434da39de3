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
        "Time from the request's head to the response, by route template; _count is the number of requests.",
        REQUESTS,
        &[
            ("http_request_method", "eight methods, `_OTHER` for the rest"),
            ("http_route", ROUTES),
            ("http_response_status_code", "the statuses that the service sends; empty when the client left first"),
            ("url_scheme", "`http`, or `https` where TLS ends in the service"),
            ("error_type", "the status for 5xx, `aborted` when the client left first, else empty"),
            ("user_agent_synthetic_type", "`test` for the canary's requests, empty for users'"),
        ],
    );
    HTTP_ACTIVE: Family<Level, (Method, Scheme)> = (
        "http_server_active_requests", "", "Requests being answered now.", NONE);
    HTTP_RESPONSE_SIZE: OpenFamily<Histogram> = (
        "http_server_response_body_size_bytes", "bytes",
        "Size of response bodies: finds the endpoint that dumps a table.", SIZES,
        &[("http_route", ROUTES)],
    );
    HTTP_ABORTED: OpenFamily<Counter> = (
        "http_server_requests_aborted_total", "",
        "Requests whose client went away before the answer.", NONE, &[("http_route", ROUTES)],
    );
    HTTP_PANICS: Family<Counter, ()> = (
        "http_server_panics_total", "", "Panics caught in handlers: must stay 0.", NONE);
    HTTP_CONNECTIONS: Family<Gauge, Listener> = (
        "http_server_open_connections", "", "Connections that are open.", NONE);
    HTTP_CONNECTION_MAX: Family<Gauge, Listener> = (
        "http_server_connection_max", "", "The most connections that are served at once.", NONE);
    HTTP_CONNECTIONS_CLOSED: Family<Counter, (Listener, ConnectionEnd)> = (
        "http_server_connections_closed_total", "",
        "Connections by how they ended: `closed` as HTTP has it, the others were cut off.", NONE);
    HTTP_TLS_RELOADS: Family<Counter, Outcome> = (
        "http_server_tls_reloads_total", "",
        "Changed certificates that were read again; after a `failure` the one before stays in use.", NONE);
    HTTP_ACCEPT_ERRORS: Family<Counter, Listener> = (
        "http_server_accept_errors_total", "",
        "Connections that could not be accepted, as for want of file descriptors.", NONE);
}
