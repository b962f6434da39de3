//! Background jobs: the inventory and housekeeping.

use metrics::{Counter, Gauge};

use super::buckets::NONE;
use super::families;
use crate::metrics::family::Family;
use crate::metrics::labels::{HousekeepingOutcome, Outdated, UserState};

families! {
    SESSIONS_ACTIVE: Family<Gauge, ()> = (
        "auth_sessions_active", "", "Active sessions, as last counted by the inventory.", NONE);
    USERS: Family<Gauge, UserState> = (
        "auth_users", "", "Accounts by state, as last counted by the inventory.", NONE);
    INVENTORY_LAST_SUCCESS: Family<Gauge, ()> = (
        "auth_inventory_last_success_timestamp_seconds", "seconds",
        "When the inventory last counted accounts and sessions.", NONE);
    HOUSEKEEPING_LAST_SUCCESS: Family<Gauge, ()> = (
        "auth_housekeeping_last_success_timestamp_seconds", "seconds",
        "When housekeeping last completed, on any replica.", NONE);
    HOUSEKEEPING_RUNS: Family<Counter, HousekeepingOutcome> = (
        "auth_housekeeping_runs_total", "", "Housekeeping runs by outcome.", NONE);
    HOUSEKEEPING_REMOVED: Family<Counter, Outdated> = (
        "auth_housekeeping_removed_total", "",
        "Rows removed by this replica's housekeeping, by kind.", NONE);
}
