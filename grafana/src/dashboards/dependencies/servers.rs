//! PostgreSQL and Redis, from their exporters.

use crate::dashboard::{Panel, Unit, View};
use crate::known::exporters;
use crate::select::{RANGE, ratio};

/// A panel on an exporter's metric; empty with the embedded back ends.
fn panel(unit: Unit, title: &'static str, description: &'static str) -> Panel {
    Panel::new(View::TimeSeries, unit, title, description)
        .runbook(&["exporters"])
        .missing("no exporter is scraped")
}

fn selected(job: &str, series: &str) -> String {
    format!("{series}{{job=\"{job}\"}}")
}

/// The rate of a counter over the shown servers.
fn per_second(job: &str, series: &str) -> String {
    format!("sum(rate({}[{RANGE}]))", selected(job, series))
}

fn by_instance(job: &str, series: &str) -> String {
    format!("sum by (instance) ({})", selected(job, series))
}

pub(super) fn postgres() -> Vec<Panel> {
    let job = exporters::POSTGRES;
    let hits = per_second(job, "pg_stat_database_blks_hit");
    let reads = per_second(job, "pg_stat_database_blks_read");
    vec![
        panel(
            Unit::Count,
            "PostgreSQL connections",
            "Connections of all clients of the server, and its limit. Near the limit new ones are \
             refused: each replica takes `DB_MAX_CONNECTIONS` and one more; look for other clients \
             that do not close theirs, or raise the server's max_connections.",
        )
        .query(
            "used {{instance}}",
            by_instance(job, "pg_stat_database_numbackends"),
        )
        .query(
            "admitted {{instance}}",
            by_instance(job, "pg_settings_max_connections"),
        ),
        panel(
            Unit::EventRate,
            "PostgreSQL transactions",
            "Rollbacks without commits: requests are cancelled or refused, see *Dependency \
             errors*. Each deadlock is a 503; the server's log names the two statements.",
        )
        .query("commits", per_second(job, "pg_stat_database_xact_commit"))
        .query(
            "rollbacks",
            per_second(job, "pg_stat_database_xact_rollback"),
        )
        .query("deadlocks", per_second(job, "pg_stat_database_deadlocks")),
        panel(
            Unit::Ratio,
            "PostgreSQL buffer hits",
            "Share of pages found in the server's memory. Below 99 % with a growing *Statement \
             P95*: the working set no longer fits, raise shared_buffers or add memory.",
        )
        .query("hits", ratio(&hits, &format!("({hits} + {reads})")))
        .quiet("no exporter, or nothing read"),
        panel(
            Unit::Bytes,
            "PostgreSQL size",
            "Grows with accounts and stored sessions. If it grows much faster than *Accounts* on \
             Authentication, check whether *Housekeeping* completes, and check \
             `HOUSEKEEPING_RETENTION`.",
        )
        .query(
            "{{datname}}",
            format!(
                "sum by (datname) ({})",
                r#"pg_database_size_bytes{job="postgres", datname!~"template.*"}"#
            ),
        ),
    ]
}

pub(super) fn redis() -> Vec<Panel> {
    let job = exporters::REDIS;
    vec![
        panel(
            Unit::Bytes,
            "Redis memory",
            "Memory used, and the limit if there is one. At the limit keys are evicted: cached \
             entries and rate limit counters are lost. See *Redis commands and evictions*, and \
             raise maxmemory.",
        )
        .query(
            "used {{instance}}",
            by_instance(job, "redis_memory_used_bytes"),
        )
        .query(
            "limit {{instance}}",
            format!("{} > 0", by_instance(job, "redis_memory_max_bytes")),
        ),
        panel(
            Unit::EventRate,
            "Redis commands and evictions",
            "Commands follow the traffic. Evictions for minutes: *Redis memory* is at its limit \
             and rate limit counters are lost. Commands without traffic on *Redis P95*: another \
             client uses the server.",
        )
        .query(
            "commands",
            per_second(job, "redis_commands_processed_total"),
        )
        .query("evictions", per_second(job, "redis_evicted_keys_total")),
    ]
}
