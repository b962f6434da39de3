//! The metrics of the PostgreSQL and Redis exporters that are used here. All versions since 2022 have
//! these names and labels.

use catalogue::metrics::Kind;

/// The PostgreSQL exporter's job.
pub const POSTGRES: &str = "postgres";
/// The Redis exporter's job.
pub const REDIS: &str = "redis";

/// Job, name, kind, and the label beside job and instance.
pub(super) const METRICS: [(&str, &str, Kind, &[&str]); 14] = [
    (POSTGRES, "pg_up", Kind::Gauge, &[]),
    (POSTGRES, "pg_settings_max_connections", Kind::Gauge, &[]),
    (
        POSTGRES,
        "pg_stat_database_numbackends",
        Kind::Gauge,
        &["datname"],
    ),
    (
        POSTGRES,
        "pg_stat_database_xact_commit",
        Kind::Counter,
        &["datname"],
    ),
    (
        POSTGRES,
        "pg_stat_database_xact_rollback",
        Kind::Counter,
        &["datname"],
    ),
    (
        POSTGRES,
        "pg_stat_database_deadlocks",
        Kind::Counter,
        &["datname"],
    ),
    (
        POSTGRES,
        "pg_stat_database_blks_hit",
        Kind::Counter,
        &["datname"],
    ),
    (
        POSTGRES,
        "pg_stat_database_blks_read",
        Kind::Counter,
        &["datname"],
    ),
    (
        POSTGRES,
        "pg_database_size_bytes",
        Kind::Gauge,
        &["datname"],
    ),
    (REDIS, "redis_up", Kind::Gauge, &[]),
    (REDIS, "redis_memory_used_bytes", Kind::Gauge, &[]),
    (REDIS, "redis_memory_max_bytes", Kind::Gauge, &[]),
    (REDIS, "redis_commands_processed_total", Kind::Counter, &[]),
    (REDIS, "redis_evicted_keys_total", Kind::Counter, &[]),
];
