//! Expectations that the load states itself: its rates.

use crate::pacer::Arrivals;
use crate::result::Verdict;

/// Whether a rate was reached.
#[must_use]
pub fn rate(arrivals: &Arrivals, ignore_speed: bool) -> Verdict {
    let mut detail = format!("{} of {} begun", arrivals.begun, arrivals.due);
    if let Some(reason) = &arrivals.reason {
        detail = format!("{detail}: {reason}");
    }
    if ignore_speed {
        detail.push_str(" (not judged)");
    }
    Verdict {
        name: format!("{} arrive at {}", arrivals.kind, arrivals.rates),
        held: arrivals.reached || ignore_speed,
        detail,
    }
}
