//! The synthetic probe.

use metrics::Counter;

use super::buckets::NONE;
use super::families;
use crate::metrics::family::OpenFamily;

families! {
    CANARY_RUNS: OpenFamily<Counter> = (
        "auth_canary_runs_total", "",
        "Steps of the canary's journey by how they ended; there while the canary is on.", NONE,
        &[("step", "`login`, `me`, `refresh`, `logout`"), ("outcome", "`success` or `failure`")],
    );
}
