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
            "Of everybody who uses the server, below what it admits. Near it, new ones are refused: \
             count `DB_MAX_CONNECTIONS` and one more for each replica, look for others who do not \
             give theirs back, or raise the server's max_connections.",
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
            "Rollbacks without commits: requests give up or are refused, see *Dependency errors*. \
             Any deadlock is answered with 503: the server's log names the two statements.",
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
            "Pages that were in the server's memory already. Below 99 % with a *Statement P95* that \
             grows: what is in use no longer fits, raise the server's shared_buffers or its memory.",
        )
        .query("hits", ratio(&hits, &format!("({hits} + {reads})")))
        .quiet("no exporter, or nothing read"),
        panel(
            Unit::Bytes,
            "PostgreSQL size",
            "Grows with accounts and with sessions that are remembered. Much faster than *Accounts* \
             on Authentication: look whether *Housekeeping* comes to its end, and at \
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
            "Below its limit, if it has one. At the limit keys are driven out, which costs look-ups \
             and counters of rate limits: see *Redis commands and evictions*, and raise maxmemory.",
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
            "Commands follow the traffic. Evictions for minutes: *Redis memory* is at its limit, and \
             rate limits forget. Commands without traffic on *Redis P95*: somebody else uses it.",
        )
        .query("commands", per_second(job, "redis_commands_processed_total"))
        .query("evictions", per_second(job, "redis_evicted_keys_total")),
    ]
}
