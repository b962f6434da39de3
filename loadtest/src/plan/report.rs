//! What a plan says.

use std::fmt::Write as _;

use super::basis::Basis;
use super::model::Plan;
use crate::capacity::form::Capacity;
use crate::percents::shown;

/// The plan as Markdown.
#[must_use]
pub fn text(plan: &Plan, basis: &Basis, capacity: Option<&Capacity>) -> String {
    let demand = plan.demand;
    let mut text = format!(
        "# {} logins and {} reads a second, with {} to spare\n\n",
        demand.logins,
        demand.reads,
        shown(demand.headroom)
    );
    if let Some(capacity) = capacity {
        let machine = &capacity.machine;
        let _ = writeln!(
            text,
            "Planned with what was measured on {}, on {} cores of {}{}.\n",
            capacity.started,
            machine.cores,
            machine.processor,
            if capacity.shared {
                ", which the lab shared with the service"
            } else {
                ", where the lab was alone"
            }
        );
    }
    let _ = writeln!(text, "| | | Derived from |");
    let _ = writeln!(text, "|---|---:|---|");
    for line in &plan.lines {
        let _ = writeln!(text, "| {} | {} | {} |", line.what, line.says, line.from);
    }
    let _ = writeln!(text, "\n| How full at this demand | | |");
    let _ = writeln!(text, "|---|---:|---|");
    for share in &plan.shares {
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            share.what,
            shown(share.full),
            share.from
        );
    }
    if let Some(next) = plan.shares.first() {
        let times = 1.0 / next.full.max(1e-9);
        let _ = writeln!(
            text,
            "\nThe next bottleneck is {}: full at {times:.2} times this demand with as many replicas.",
            next.what
        );
    }
    for problem in &plan.problems {
        let _ = writeln!(text, "\nThis does not fit: {problem}.");
    }
    if !basis.servers.0 {
        let _ = writeln!(
            text,
            "\nMeasured on the embedded database: what PostgreSQL takes of each request is not in these figures."
        );
    }
    if !basis.servers.1 {
        let _ = writeln!(
            text,
            "\nMeasured without Redis: its commands are not known."
        );
    }
    text
}
