//! The synthetic probe.

use metrics::Counter;

use super::buckets::NONE;
use super::families;
use crate::metrics::family::OpenFamily;

families! {
    CANARY_RUNS: OpenFamily<Counter> = (
        "auth_canary_runs_total", "",
        "Steps of the synthetic login probe by outcome. Exported only while the probe is on.", NONE,
        &[("step", "`login`, `me`, `refresh`, `logout`"), ("outcome", "`success` or `failure`")],
    );
}
