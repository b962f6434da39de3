//! What was in use after the ramp: by the server's own metrics, and of this machine's processor.

use serde::{Deserialize, Serialize};
use testkit::exposition::Between;

use crate::usage::Usage;

/// Resources in use after the ramp, of all replicas together. Times are in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Resources {
    /// Seconds from the first request to the last answer.
    pub seconds: f64,
    /// Cores in use by the server: exact where its processes are known, otherwise from its own metric, which has
    /// whole seconds.
    pub server_cores: f64,
    /// By the lab.
    pub lab_cores: Option<f64>,
    /// By everything on the lab's machine.
    pub machine_cores: Option<f64>,
    /// Hash threads.
    pub hash_threads: f64,
    /// Share of the time in which they were busy.
    pub hashing: f64,
    /// Mean time of a hash.
    pub hash_ms: Option<f64>,
    /// How long 99 of 100 waited for a hash thread at most.
    pub hash_wait_p99_ms: Option<f64>,
    /// Work that the hash gate refused.
    pub hash_refused: f64,
    /// Connections to the database at most.
    pub connections: f64,
    /// How many were borrowed on average.
    pub connections_busy: f64,
    /// How long 99 of 100 waited for one at most.
    pub connection_wait_p99_ms: Option<f64>,
    /// Waits that timed out.
    pub connection_timeouts: f64,
    /// Statements a second.
    pub statements_per_second: f64,
    /// Operations of Redis a second; each is one command.
    pub redis_per_second: f64,
    /// The slowest that 99 of 100 of them were.
    pub redis_p99_ms: Option<f64>,
    /// Requests that rate limits denied.
    pub limited: f64,
    /// Resident memory at the end.
    pub memory_mib: f64,
}

impl Resources {
    /// Of this part of a run, which took so many seconds; `used` is the processor time.
    #[must_use]
    pub fn of(server: &Between, seconds: f64, used: Option<Usage>) -> Option<Self> {
        if seconds <= 0.0 {
            return None;
        }
        let gauge = |name| server.after.sum(name, &[]);
        let p99 = |histogram, labels: &[(&str, &str)]| {
            let value = server.buckets(histogram, labels).quantile(0.99)?;
            Some(value * 1e3)
        };
        let operations = "db_client_operation_duration_seconds";
        let redis = [("db_system_name", "redis")];
        let all = server.rise(&format!("{operations}_count"), &[]);
        let of_redis = server.rise(&format!("{operations}_count"), &redis);
        let hashes = server.buckets("auth_password_hash_duration_seconds", &[]);
        let hash_threads = gauge("auth_password_hash_permits");
        let own = server.rise("process_cpu_seconds_total", &[]);
        let denied = [("decision", "deny")];
        Some(Self {
            seconds,
            server_cores: used.and_then(|used| used.server).unwrap_or(own) / seconds,
            lab_cores: used.map(|used| used.lab / seconds),
            machine_cores: used
                .and_then(|used| used.machine)
                .map(|used| used / seconds),
            hash_threads,
            hashing: hashes.sum / (seconds * hash_threads.max(1.0)),
            hash_ms: hashes.mean().map(|mean| mean * 1e3),
            hash_wait_p99_ms: p99("auth_password_hash_queue_wait_seconds", &[]),
            hash_refused: server.rise("auth_password_hash_rejected_total", &[]),
            connections: gauge("db_client_connection_max"),
            connections_busy: server.rise("db_client_connection_use_time_seconds_sum", &[])
                / seconds,
            connection_wait_p99_ms: p99("db_client_connection_wait_time_seconds", &[]),
            connection_timeouts: server.rise("db_client_connection_timeouts_total", &[]),
            statements_per_second: (all - of_redis) / seconds,
            redis_per_second: of_redis / seconds,
            redis_p99_ms: p99(operations, &redis),
            limited: server.rise("auth_rate_limit_decisions_total", &denied),
            memory_mib: gauge("process_resident_memory_bytes") / f64::from(1 << 20),
        })
    }
}

#[cfg(test)]
mod tests {
    use testkit::exposition::Exposition;

    use super::*;

    #[test]
    fn what_was_in_use_is_what_rose_a_second() {
        let after = "process_cpu_seconds_total 13\nauth_password_hash_permits 2\n\
                     auth_password_hash_duration_seconds_bucket{le=\"0.05\"} 400\n\
                     auth_password_hash_duration_seconds_bucket{le=\"+Inf\"} 400\n\
                     auth_password_hash_duration_seconds_sum 10\nauth_password_hash_duration_seconds_count 400\n\
                     db_client_connection_max 10\ndb_client_connection_use_time_seconds_sum 5\n\
                     db_client_operation_duration_seconds_count{db_system_name=\"redis\"} 900\n\
                     db_client_operation_duration_seconds_count{db_system_name=\"postgresql\"} 1600\n\
                     auth_rate_limit_decisions_total{decision=\"deny\"} 0\n\
                     auth_rate_limit_decisions_total{decision=\"allow\"} 70\n\
                     process_resident_memory_bytes 52428800\n";
        let between = Between {
            before: Exposition::parse("process_cpu_seconds_total 3\n").expect("series"),
            after: Exposition::parse(after).expect("series"),
        };
        let found = Resources::of(&between, 10.0, None).expect("known");
        for (value, expected) in [
            (found.server_cores, 1.0),
            (found.hashing, 0.5),
            (found.hash_ms.expect("hashes"), 25.0),
            (found.connections_busy, 0.5),
            (found.statements_per_second, 160.0),
            (found.redis_per_second, 90.0),
            (found.limited, 0.0),
            (found.memory_mib, 50.0),
        ] {
            assert!((value - expected).abs() < 1e-9, "{found:?}");
        }
        assert_eq!((found.lab_cores, found.redis_p99_ms), (None, None));
        let used = Usage {
            lab: 5.0,
            server: Some(12.0),
            machine: Some(19.0),
        };
        let found = Resources::of(&between, 10.0, Some(used)).expect("known");
        assert!((found.server_cores - 1.2).abs() < 1e-9);
        assert_eq!(
            (found.lab_cores, found.machine_cores),
            (Some(0.5), Some(1.9))
        );
        assert_eq!(Resources::of(&between, 0.0, None), None);
    }
}
