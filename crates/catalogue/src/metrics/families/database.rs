//! Database statements and pooled connections (OpenTelemetry's database client conventions).

use metrics::{Counter, Gauge, Histogram};

use super::buckets::{NONE, STATEMENTS, WAITS};
use super::families;
use crate::metrics::family::{Family, OpenFamily};
use crate::metrics::labels::{ConnectionState, DbError, DbSystem, Pool};

families! {
    DB_DURATION: OpenFamily<Histogram> = (
        "db_client_operation_duration_seconds", "seconds",
        "Duration of database operations, by statement.", STATEMENTS,
        &[
            ("db_system_name", "`sqlite` or `postgresql`; `redis` where it is configured"),
            ("db_query_summary", "the named statements of the store, the named operations in Redis"),
        ],
    );
    DB_ERRORS: Family<Counter, (DbSystem, DbError)> = (
        "db_client_operation_errors_total", "", "Failed database operations.", NONE);
    DB_CONNECTIONS: Family<Gauge, (Pool, ConnectionState)> = (
        "db_client_connections", "", "Pooled connections by state.", NONE);
    DB_CONNECTION_MAX: Family<Gauge, Pool> = (
        "db_client_connection_max", "", "Maximum number of connections of the pool.", NONE);
    DB_PENDING: Family<Gauge, Pool> = (
        "db_client_connection_pending_requests", "", "Callers waiting for a connection.", NONE);
    DB_TIMEOUTS: Family<Counter, Pool> = (
        "db_client_connection_timeouts_total", "", "Waits for a connection that timed out.", NONE);
    DB_WAIT: Family<Histogram, Pool> = (
        "db_client_connection_wait_time_seconds", "seconds", "Time to get a connection from the pool.", WAITS);
    DB_USE: Family<Histogram, Pool> = (
        "db_client_connection_use_time_seconds", "seconds",
        "Time between borrowing a connection and returning it to the pool.", STATEMENTS);
}
