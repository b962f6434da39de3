//! Names of the metrics that the load lab serves while it runs.

/// Gauge: virtual users.
pub const USERS: &str = "loadtest_users";
/// Gauge: 1 during a run.
pub const ACTIVE: &str = "loadtest_run_active";
/// Info: the run, as labels.
pub const INFO: &str = "loadtest_run_info";
/// Histogram: request times as the users see them.
pub const DURATION: &str = "loadtest_request_duration_seconds";
