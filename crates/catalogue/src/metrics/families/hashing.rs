//! The hash gate.

use metrics::{Counter, Gauge, Histogram};

use super::buckets::{HASHES, NONE, WAITS};
use super::families;
use crate::metrics::family::{Family, OpenFamily};
use crate::metrics::labels::{HashOperation, HashRejection, Outcome};

families! {
    HASH_DURATION: Family<Histogram, HashOperation> = (
        "auth_password_hash_duration_seconds", "seconds",
        "Duration of a password hash, or of a new password's strength estimate, without the wait. The rate of _sum is the number of cores in use.", HASHES);
    HASH_WAIT: Family<Histogram, HashOperation> = (
        "auth_password_hash_queue_wait_seconds", "seconds",
        "Time that work waited in the hash gate.", WAITS);
    HASH_IN_FLIGHT: Family<Gauge, ()> = (
        "auth_password_hash_in_flight", "", "Password hashes in progress.", NONE);
    HASH_PERMITS: Family<Gauge, ()> = (
        "auth_password_hash_permits", "",
        "Threads of the hash gate: the maximum of concurrent hashes.", NONE);
    HASH_QUEUE_DEPTH: Family<Gauge, ()> = (
        "auth_password_hash_queue_depth", "", "Work waiting in the hash gate.", NONE);
    HASH_REJECTED: Family<Counter, HashRejection> = (
        "auth_password_hash_rejected_total", "", "Work that the hash gate refused with 503.", NONE);
    HASH_ABANDONED: Family<Counter, ()> = (
        "auth_password_hash_abandoned_total", "",
        "Work skipped because its client had disconnected.", NONE);
    HASH_REHASHES: Family<Counter, Outcome> = (
        "auth_password_rehashes_total", "",
        "Stored hashes renewed at login with new parameters.", NONE);
    HASH_PARAMS: OpenFamily<Gauge> = (
        "auth_password_hash_params_info", "", "The parameters of new hashes, as labels; always 1.", NONE,
        &[
            ("algorithm", "`argon2id`"),
            ("memory_kib", "one configured value"),
            ("iterations", "one configured value"),
            ("parallelism", "one configured value"),
        ],
    );
}
