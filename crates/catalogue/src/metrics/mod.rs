//! THE catalogue: every metric once, with its name, unit, help, closed labels and buckets.
//!
//! Recorder setup, zero-initialisation, `docs/metrics.md`, dashboards, rules and tests all derive
//! from [`CATALOGUE`]. To add a metric, add one line to the `catalogue!` block below and feed it.
//!
//! Names follow OpenTelemetry's semantic conventions in their Prometheus translation for generic
//! subsystems, and the prefix `auth_` for the domain.

mod docs;
mod family;
mod labels;
mod level;

use metrics::{Counter, Gauge, Histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

pub use docs::markdown;
pub use family::{Desc, Family, Handle, Kind, LabelDesc, LabelSet, Metric, OpenFamily};
pub use labels::*;
pub use level::Level;

/// Request durations: OpenTelemetry's fourteen bounds and twelve more, so that a service that
/// answers in under a millisecond can be seen.
const H26: &[f64] = &[
    0.000_25, 0.000_5, 0.001, 0.001_5, 0.002_5, 0.005, 0.007_5, 0.01, 0.015, 0.025, 0.035, 0.05,
    0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
/// Password hashing: fine around 10 to 50 ms.
const P16: &[f64] = &[
    0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0,
];
/// Queue waits.
const Q12: &[f64] = &[
    0.000_1, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
];
/// Database operations: a superset of OpenTelemetry's nine bounds.
const D14: &[f64] = &[
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 10.0,
];
/// Work of microseconds: token verification, authorization decisions.
const V10: &[f64] = &[
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01,
];
/// Scheduling delay of the async runtime.
const L11: &[f64] = &[
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
];
/// Response sizes, in bytes.
const B11: &[f64] = &[
    128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16384.0, 32768.0, 65536.0, 131_072.0,
];
const NONE: &[f64] = &[];

const ROUTES: &str = "the route templates of the OpenAPI document and the pages, or `unmatched`";

/// Declares the families and lists them in [`CATALOGUE`], in this order.
macro_rules! catalogue {
    ($($ident:ident: $ty:ty = ($($arg:expr),+ $(,)?);)+) => {
        $(
            #[doc = concat!("See the catalogue: `", stringify!($ident), "`.")]
            pub static $ident: $ty = <$ty>::new($($arg),+);
        )+
        /// Every family that the service exports, in the order of the documentation.
        pub static CATALOGUE: &[&dyn Metric] = &[$(&$ident),+];
    };
}

catalogue! {
    // HTTP: rate, errors, duration (OpenTelemetry's HTTP server conventions).
    HTTP_DURATION: OpenFamily<Histogram> = (
        "http_server_request_duration_seconds", "seconds",
        "Time from the request's head to the response, by route template; _count is the number of requests.",
        H26,
        &[
            ("http_request_method", "eight methods, `_OTHER` for the rest"),
            ("http_route", ROUTES),
            ("http_response_status_code", "the statuses that the service sends; empty when the client left first"),
            ("url_scheme", "`http`"),
            ("error_type", "the status for 5xx, `aborted` when the client left first, else empty"),
            ("user_agent_synthetic_type", "`test` for the canary's requests, empty for users'"),
        ],
    );
    HTTP_ACTIVE: Family<Level, (Method, Scheme)> = (
        "http_server_active_requests", "", "Requests being answered now.", NONE);
    HTTP_RESPONSE_SIZE: OpenFamily<Histogram> = (
        "http_server_response_body_size_bytes", "bytes",
        "Size of response bodies: finds the endpoint that dumps a table.", B11,
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
    HTTP_ACCEPT_ERRORS: Family<Counter, Listener> = (
        "http_server_accept_errors_total", "",
        "Connections that could not be accepted, as for want of file descriptors.", NONE);

    // Authentication.
    REGISTRATIONS: Family<Counter, RegistrationResult> = (
        "auth_registrations_total", "", "Registrations by how they ended.", NONE);
    LOGINS: Family<Counter, (LoginMethod, LoginResult)> = (
        "auth_logins_total", "", "Logins by how they ended.", NONE);
    PASSWORD_CHANGES: Family<Counter, PasswordChangeResult> = (
        "auth_password_changes_total", "", "Changes of one's own password by how they ended.", NONE);
    HASH_DURATION: Family<Histogram, HashOperation> = (
        "auth_password_hash_duration_seconds", "seconds",
        "Time one password hash takes, without its wait: the rate of _sum is cores spent hashing.", P16);
    HASH_WAIT: Family<Histogram, HashOperation> = (
        "auth_password_hash_queue_wait_seconds", "seconds",
        "Time that work waited in the hash gate before a thread took it.", Q12);
    HASH_IN_FLIGHT: Family<Gauge, ()> = (
        "auth_password_hash_in_flight", "", "Password hashes being computed now.", NONE);
    HASH_PERMITS: Family<Gauge, ()> = (
        "auth_password_hash_permits", "", "Threads of the hash gate: how many hashes can run at once.", NONE);
    HASH_QUEUE_DEPTH: Family<Gauge, ()> = (
        "auth_password_hash_queue_depth", "", "Work waiting in the hash gate.", NONE);
    HASH_REJECTED: Family<Counter, HashRejection> = (
        "auth_password_hash_rejected_total", "", "Work that the hash gate refused: answered with 503.", NONE);
    HASH_ABANDONED: Family<Counter, ()> = (
        "auth_password_hash_abandoned_total", "", "Work skipped because its client had gone.", NONE);
    HASH_REHASHES: Family<Counter, Outcome> = (
        "auth_password_rehashes_total", "",
        "Stored hashes renewed at login because the parameters had changed.", NONE);
    HASH_PARAMS: OpenFamily<Gauge> = (
        "auth_password_hash_params_info", "", "The parameters of new hashes, as labels; always 1.", NONE,
        &[
            ("algorithm", "`argon2id`"),
            ("memory_kib", "one configured value"),
            ("iterations", "one configured value"),
            ("parallelism", "one configured value"),
        ],
    );

    // Tokens and sessions.
    TOKENS_ISSUED: Family<Counter, (TokenType, Grant)> = (
        "auth_tokens_issued_total", "", "Tokens issued, by kind and grant.", NONE);
    REFRESHES: Family<Counter, RefreshResult> = (
        "auth_token_refreshes_total", "", "Refreshes by how they ended.", NONE);
    REFRESH_REUSE: Family<Counter, ReuseAction> = (
        "auth_refresh_reuse_detected_total", "",
        "Refresh tokens that came a second time, by what was done about it.", NONE);
    TOKENS_REVOKED: Family<Counter, RevocationReason> = (
        "auth_tokens_revoked_total", "", "Sessions ended before their time, with their tokens.", NONE);
    TOKEN_VERIFICATIONS: Family<Counter, VerificationResult> = (
        "auth_token_verifications_total", "",
        "Bearer tokens checked: a wrong key shows here as 401s that no 5xx alert sees.", NONE);
    TOKEN_VERIFICATION_DURATION: Family<Histogram, ()> = (
        "auth_token_verification_duration_seconds", "seconds",
        "Time to check a bearer token's signature and claims.", V10);
    SIGNING_KEY_CREATED: OpenFamily<Gauge> = (
        "auth_signing_key_created_timestamp_seconds", "seconds", "When a signing key was made.", NONE,
        &[("kid", "the keys in the database, at most 4"), ("state", "`active` or `retiring`")],
    );
    SESSIONS_ACTIVE: Family<Gauge, ()> = (
        "auth_sessions_active", "", "Sessions that are neither ended nor expired, by the inventory.", NONE);
    USERS: Family<Gauge, UserState> = (
        "auth_users", "", "Accounts by state, by the inventory.", NONE);
    INVENTORY_LAST_SUCCESS: Family<Gauge, ()> = (
        "auth_inventory_last_success_timestamp_seconds", "seconds",
        "When the inventory last counted accounts and sessions.", NONE);
    HOUSEKEEPING_LAST_SUCCESS: Family<Gauge, ()> = (
        "auth_housekeeping_last_success_timestamp_seconds", "seconds",
        "When the housekeeping last came to its end, on whichever replica it was.", NONE);
    HOUSEKEEPING_RUNS: Family<Counter, HousekeepingOutcome> = (
        "auth_housekeeping_runs_total", "", "Turns at the housekeeping by what became of them.", NONE);
    HOUSEKEEPING_REMOVED: Family<Counter, Outdated> = (
        "auth_housekeeping_removed_total", "", "Rows that the housekeeping removed here, by what they were.", NONE);

    // Authorization and administration.
    RBAC_DECISIONS: OpenFamily<Counter> = (
        "auth_rbac_decisions_total", "", "Authorization decisions by permission and the caller's role.", NONE,
        &[
            ("permission", "the permissions of the registry, and `authenticated`"),
            ("role", "`admin`, `user`, `none`, or `custom`"),
            ("outcome", "`allow` or `deny`"),
        ],
    );
    RBAC_DECISION_DURATION: Family<Histogram, PrincipalCache> = (
        "auth_rbac_decision_duration_seconds", "seconds",
        "Time to find the caller and decide, by whether the caller was cached.", V10);
    ROLE_CHANGES: Family<Counter, (RoleAction, RoleLabel)> = (
        "auth_role_changes_total", "", "Roles given and taken.", NONE);
    USER_CHANGES: Family<Counter, (UserAction, Actor)> = (
        "auth_user_changes_total", "", "Accounts made, changed and removed, apart from registrations.", NONE);

    // Rate limits.
    RATE_LIMITS: Family<Counter, (Limiter, (LimitDecision, Backend))> = (
        "auth_rate_limit_decisions_total", "",
        "Requests checked against a rate limit, by what was decided and where it was counted.", NONE);

    // Dependencies.
    DB_DURATION: OpenFamily<Histogram> = (
        "db_client_operation_duration_seconds", "seconds", "Time a database operation takes, by statement.", D14,
        &[
            ("db_system_name", "`sqlite` or `postgresql`; `redis` where it is configured"),
            ("db_query_summary", "the named statements of the store, the named operations in Redis"),
        ],
    );
    DB_ERRORS: Family<Counter, (DbSystem, DbError)> = (
        "db_client_operation_errors_total", "", "Database operations that failed.", NONE);
    DB_CONNECTIONS: Family<Gauge, (Pool, ConnectionState)> = (
        "db_client_connections", "", "Pooled connections by what they are doing.", NONE);
    DB_CONNECTION_MAX: Family<Gauge, Pool> = (
        "db_client_connection_max", "", "The most connections that a pool may have.", NONE);
    DB_PENDING: Family<Gauge, Pool> = (
        "db_client_connection_pending_requests", "", "Callers waiting for a connection.", NONE);
    DB_TIMEOUTS: Family<Counter, Pool> = (
        "db_client_connection_timeouts_total", "", "Waits for a connection that ended without one.", NONE);
    DB_WAIT: Family<Histogram, Pool> = (
        "db_client_connection_wait_time_seconds", "seconds", "Time to get a connection from the pool.", Q12);
    DB_USE: Family<Histogram, Pool> = (
        "db_client_connection_use_time_seconds", "seconds", "Time a connection was lent out.", D14);
    DEPENDENCY_UP: OpenFamily<Gauge> = (
        "auth_dependency_up", "", "1 while the dependency answers, else 0.", NONE,
        &[("dependency", "`database`; `redis` where it is configured")],
    );
    DEPENDENCY_FALLBACKS: Family<Counter, Fallback> = (
        "auth_dependency_fallbacks_total", "",
        "What was done without a dependency that does not answer.", NONE);
    REVOCATION_PROPAGATION: Family<Histogram, ()> = (
        "auth_revocation_propagation_seconds", "seconds",
        "Time from a change on another replica to its effect here; their clocks must agree.", D14);
    INVALIDATIONS: Family<Counter, Invalidation> = (
        "auth_invalidations_applied_total", "", "Changes on other replicas that took effect here.", NONE);
    CACHE_REQUESTS: Family<Counter, (CacheLookup, CacheResult)> = (
        "auth_cache_requests_total", "", "Cache lookups by result.", NONE);
    CACHE_ENTRIES: Family<Gauge, CacheName> = (
        "auth_cache_entries", "", "Entries held by a cache in process.", NONE);

    // The canary.
    CANARY_RUNS: OpenFamily<Counter> = (
        "auth_canary_runs_total", "",
        "Steps of the canary's journey by how they ended; there while the canary is on.", NONE,
        &[("step", "`login`, `me`, `refresh`, `logout`"), ("outcome", "`success` or `failure`")],
    );

    // The process itself.
    READY: Family<Gauge, ()> = (
        "auth_ready", "", "1 while the service is ready, as its load balancer sees it.", NONE);
    BUILD_INFO: OpenFamily<Gauge> = (
        "auth_build_info", "", "What is running, as labels; always 1.", NONE,
        &[
            ("version", "one"), ("revision", "one"), ("rust_version", "one"), ("target", "one"),
        ],
    );
    LOG_EVENTS: Family<Counter, LogLevel> = (
        "auth_log_events_total", "", "Log lines at warn and above.", NONE);
    RENDER_DURATION: Family<Gauge, ()> = (
        "auth_metrics_render_duration_seconds", "seconds", "Time the last scrape took to render.", NONE);
    TOKIO_WORKERS: Family<Gauge, ()> = (
        "tokio_runtime_workers", "", "Worker threads of the async runtime.", NONE);
    TOKIO_TASKS: Family<Gauge, ()> = (
        "tokio_runtime_alive_tasks", "", "Tasks alive in the async runtime.", NONE);
    TOKIO_QUEUE: Family<Gauge, ()> = (
        "tokio_runtime_global_queue_depth", "", "Tasks waiting in the runtime's global queue.", NONE);
    TOKIO_BUSY: Family<Gauge, ()> = (
        "tokio_runtime_busy_ratio", "", "Share of the last five seconds that workers were busy, 0 to 1.", NONE);
    TOKIO_DELAY: Family<Histogram, ()> = (
        "tokio_runtime_scheduling_delay_seconds", "seconds",
        "How much later than asked a sleeping task is woken: shows a blocked runtime.", L11);
    PROCESS_CPU: OpenFamily<Counter> = (
        "process_cpu_seconds_total", "seconds", "User and system CPU time, whole seconds.", NONE, &[]);
    PROCESS_FDS: OpenFamily<Gauge> = (
        "process_open_fds", "", "Open file descriptors.", NONE, &[]);
    PROCESS_MAX_FDS: OpenFamily<Gauge> = (
        "process_max_fds", "", "The most file descriptors the process may open.", NONE, &[]);
    PROCESS_VIRTUAL: OpenFamily<Gauge> = (
        "process_virtual_memory_bytes", "bytes", "Virtual memory size.", NONE, &[]);
    PROCESS_VIRTUAL_MAX: OpenFamily<Gauge> = (
        "process_virtual_memory_max_bytes", "bytes", "The most virtual memory there may be.", NONE, &[]);
    PROCESS_RESIDENT: OpenFamily<Gauge> = (
        "process_resident_memory_bytes", "bytes", "Resident memory size.", NONE, &[]);
    PROCESS_START: OpenFamily<Gauge> = (
        "process_start_time_seconds", "seconds", "When the process started.", NONE, &[]);
    PROCESS_THREADS: OpenFamily<Gauge> = (
        "process_threads", "", "Threads of the process.", NONE, &[]);
}

/// A recorder builder that knows the buckets of every histogram in the catalogue.
///
/// A histogram without a matcher would turn into a summary, which cannot be aggregated.
///
/// # Panics
/// When the catalogue holds a histogram without buckets: a test keeps that from happening.
#[must_use]
pub fn recorder_builder() -> PrometheusBuilder {
    CATALOGUE
        .iter()
        .map(|metric| metric.desc())
        .filter(|desc| desc.kind == Kind::Histogram)
        .fold(PrometheusBuilder::new(), |builder, desc| {
            builder
                .set_buckets_for_metric(Matcher::Full(desc.name.to_owned()), desc.buckets)
                .expect("every histogram of the catalogue has buckets")
        })
}

/// Describes every family and creates every series that can be known at compile time with the
/// value 0, so that rates and alerts see the first event. Call once, after the recorder is set.
pub fn initialise() {
    for metric in CATALOGUE {
        metric.desc().describe();
        metric.zero();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_conventions() {
        let mut seen = std::collections::HashSet::new();
        for metric in CATALOGUE {
            let desc = metric.desc();
            assert!(seen.insert(desc.name), "{} is declared twice", desc.name);
            assert_eq!(
                desc.kind == Kind::Counter,
                desc.name.ends_with("_total"),
                "{}",
                desc.name
            );
            assert_eq!(
                desc.kind == Kind::Histogram,
                !desc.buckets.is_empty(),
                "{}",
                desc.name
            );
            assert!(desc.help.ends_with('.'), "{}", desc.name);
            assert!(
                desc.name.contains(desc.unit),
                "{} lacks its unit",
                desc.name
            );
            assert!(desc.buckets.is_sorted_by(|a, b| a < b), "{}", desc.name);
        }
    }

    #[test]
    fn label_sets_enumerate_without_gaps() {
        let all: Vec<_> = (0..<(LoginMethod, LoginResult)>::COUNT)
            .map(<(LoginMethod, LoginResult)>::values_at)
            .collect();
        assert_eq!(all.len(), LoginResult::ALL.len());
        assert_eq!(all[0], ["password", "success", "none"]);
        assert_eq!(
            (LoginMethod::Password, LoginResult::Error).index(),
            all.len() - 1
        );
    }
}
