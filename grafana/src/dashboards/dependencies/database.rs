//! The database, and Redis if it is configured.

use crate::dashboard::{Color, Panel, Unit, View};
use crate::select::{
    DATABASE, DURATION, RANGE, SHOWN, gauge, or_zero, per_second, ratio, shown_quantile,
};

const OPERATION: &str = "db_client_operation_duration_seconds";
const POOL: &str = "db_client_connection_pool_name";

pub(super) fn pool() -> Vec<Panel> {
    let used = r#"db_client_connection_state="used""#;
    let by_pool = |q, what: &str| {
        shown_quantile(
            q,
            POOL,
            &format!("db_client_connection_{what}_time_seconds"),
            "",
        )
    };
    vec![
        Panel::new(
            View::TimeSeries,
            Unit::Ratio,
            "Pool in use",
            "Above 90 % for long, requests wait for a connection. If *Pool wait and use P95* shows \
             the usual use time, raise `DB_MAX_CONNECTIONS`. If the use time grew as well, the \
             database is slow and more connections make it worse. The embedded database has one \
             writer by design.",
        )
        .runbook(&["db-pool"])
        .query(
            "{{db_client_connection_pool_name}}",
            ratio(
                &gauge(POOL, "db_client_connections", used),
                &gauge(POOL, "db_client_connection_max", ""),
            ),
        )
        .steps(&[(0.9, Color::Bad)])
        .missing("no pool"),
        Panel::new(
            View::TimeSeries,
            Unit::Seconds,
            "Pool wait and use P95",
            "Longer waits only: too few connections. Longer waits and use: the database is slow, \
             see *Statement P95*. A wait of `DB_ACQUIRE_TIMEOUT` ends in 503.",
        )
        .runbook(&["db-pool"])
        .query(
            "wait {{db_client_connection_pool_name}}",
            by_pool(0.95, "wait"),
        )
        .query(
            "use {{db_client_connection_pool_name}}",
            by_pool(0.95, "use"),
        )
        .quiet("no statements"),
        Panel::new(
            View::TimeSeries,
            Unit::Count,
            "Pool pending and timeouts",
            "Callers waiting for a connection, and waits that timed out. Each timeout was a 503: \
             *Pool wait and use P95* shows whether there are too few connections or the database \
             is too slow.",
        )
        .runbook(&["db-pool"])
        .query(
            "pending {{db_client_connection_pool_name}}",
            gauge(POOL, "db_client_connection_pending_requests", ""),
        )
        .query(
            "timeouts {{db_client_connection_pool_name}}",
            format!("sum by ({POOL}) (increase(db_client_connection_timeouts_total{{{SHOWN}}}[{RANGE}]))"),
        ),
    ]
}

pub(super) fn statements() -> Vec<Panel> {
    let statement = "db_query_summary";
    let spent = per_second(statement, &format!("{OPERATION}_sum"), DATABASE);
    let slow = shown_quantile(0.95, statement, OPERATION, DATABASE);
    vec![
        Panel::new(
            View::BarGauge,
            Unit::Ratio,
            "Statements by time spent",
            "100 % is one connection that is always busy with that statement. Begin with the \
             longest bar: is it called more often (*Queries per request*), or slower (*Statement \
             P95*)?",
        )
        .query("{{db_query_summary}}", format!("topk(8, {spent} > 0)"))
        .range(Some(0.0), None)
        .quiet("no statements"),
        Panel::new(
            View::TimeSeries,
            Unit::Seconds,
            "Statement P95",
            "The ten slowest statements. One alone: its query plan or a lock. All at once: the \
             database's disk or CPU. With the embedded database, writes wait for the disk: see \
             `SQLITE_SYNCHRONOUS`.",
        )
        .query("{{db_query_summary}}", format!("topk(10, {slow})"))
        .steps(&[(0.1, Color::Warn)])
        .quiet("no statements"),
        Panel::new(
            View::TimeSeries,
            Unit::Number,
            "Queries per request",
            "Rises when caches miss (*Cache hit ratio*) or when logins and refreshes become a \
             larger share. A step at a deploy comes from a change in the program.",
        )
        .query(
            "statements",
            ratio(
                &per_second("", &format!("{OPERATION}_count"), DATABASE),
                &per_second("", &format!("{DURATION}_count"), ""),
            ),
        )
        .quiet("no traffic"),
    ]
}

pub(super) fn dependencies() -> Vec<Panel> {
    let up = format!("min by (dependency) (auth_dependency_up{{{SHOWN}}})");
    vec![
        Panel::new(
            View::StateTimeline,
            Unit::UpDown,
            "Dependency up",
            "The lowest value of all replicas. Database down: logins get 503. Do not restart \
             replicas, the service recovers by itself. A full disk counts as down. Redis down: no \
             request fails, see *Fallbacks*.",
        )
        .runbook(&["dependency"])
        .query("{{dependency}}", up)
        .missing("no instance is scraped"),
        Panel::new(
            View::TimeSeries,
            Unit::EventRate,
            "Dependency errors",
            "unique_violation and refused are normal. down, connection and timeout: the dependency \
             itself. pool_timeout: *Pool in use*. storage: the disk is full. busy: another process \
             writes to the embedded database.",
        )
        .runbook(&["dependency"])
        .query(
            "{{db_system_name}} {{error_type}}",
            per_second(
                "db_system_name, error_type",
                "db_client_operation_errors_total",
                "",
            ),
        ),
        Panel::new(
            View::TimeSeries,
            Unit::EventRate,
            "Fallbacks",
            "Actions taken without Redis: each replica counts rate limits on its own, principals \
             come from the database, changes reach other replicas within seconds instead of at \
             once. No request fails. Restore Redis.",
        )
        .runbook(&["redis-fallbacks"])
        .query(
            "{{dependency}} {{action}}",
            per_second("dependency, action", "auth_dependency_fallbacks_total", ""),
        )
        .quiet("Redis is not configured"),
    ]
}

pub(super) fn caches() -> Vec<Panel> {
    let requests = "auth_cache_requests_total";
    let all = per_second("cache", requests, "");
    let hits = per_second("cache", requests, r#"result="hit""#);
    let redis = shown_quantile(
        0.95,
        "db_query_summary",
        OPERATION,
        r#"db_system_name="redis""#,
    );
    let lag = |q| shown_quantile(q, "", "auth_revocation_propagation_seconds", "");
    vec![
        Panel::new(
            View::TimeSeries,
            Unit::Ratio,
            "Cache hit ratio",
            "token and session near 0 with steady traffic: something clears the caches, see \
             *Changes from other replicas*. Or every request has a new token, see *Tokens issued* \
             on Authentication.",
        )
        .query("{{cache}}", ratio(&or_zero(&hits, &all), &all))
        .quiet("no traffic"),
        Panel::new(
            View::TimeSeries,
            Unit::Count,
            "Cache entries",
            "Entries of the local caches. Falls to 0 without a restart: the subscription to Redis \
             was lost, and the replica invalidated its caches; see *Changes from other replicas* \
             and *Dependency up*.",
        )
        .query(
            "{{cache}} {{instance}}",
            gauge("cache, instance", "auth_cache_entries", ""),
        ),
        Panel::new(
            View::TimeSeries,
            Unit::Seconds,
            "Redis P95",
            "Above `REDIS_TIMEOUT` (default 100 ms) Redis counts as down and is skipped: see \
             *Fallbacks*. Slow below that: the network, or a server shared with others.",
        )
        .query("{{db_query_summary}}", redis)
        .steps(&[(0.05, Color::Warn), (0.1, Color::Bad)])
        .quiet("Redis is not configured, or not used"),
        Panel::new(
            View::TimeSeries,
            Unit::Seconds,
            "Revocation propagation",
            "Time from a logout or role change on another replica to its effect here. Seconds \
             instead of milliseconds: the replicas' clocks differ, or Redis is slow, see *Redis \
             P95*.",
        )
        .runbook(&["revocation"])
        .query("P50", lag(0.5))
        .query("P95", lag(0.95))
        .steps(&[(1.0, Color::Bad)])
        .quiet("no other replica changed anything")
        .size(12, 7),
        Panel::new(
            View::TimeSeries,
            Unit::EventRate,
            "Changes from other replicas",
            "everything: the replica invalidated all its entries, because it may have missed a \
             message. If that is frequent, the subscription breaks: see *Redis P95* and the \
             network to Redis.",
        )
        .query(
            "{{kind}}",
            per_second("kind", "auth_invalidations_applied_total", ""),
        )
        .size(12, 7),
    ]
}
