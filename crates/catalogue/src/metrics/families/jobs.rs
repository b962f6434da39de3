//! Background jobs: the inventory and housekeeping.

use metrics::{Counter, Gauge};

use super::buckets::NONE;
use super::families;
use crate::metrics::family::Family;
use crate::metrics::labels::{HousekeepingOutcome, Outdated, UserState};

families! {
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
}
