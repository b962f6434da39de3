//! Alerts on budgets that burn too fast: four pairs of windows for each objective.

use std::time::Duration;

use super::sli::{self, Sli};
use super::{Alert, Group, RuleFile, Severity, minutes};
use crate::slo::{PAIRS, Pair};

/// The hours that a budget is for.
const HOURS: f64 = 720.0;

/// How many bad events a burn is made of at least. A single failure in a quiet night is a large share
/// of few requests; five are no accident any more. At a threshold of `t` that takes `5 / t` events: for
/// the budget of 0.1 %, 347 in an hour, and 5,000 in three days, the same handful of failures each time.
/// With less traffic the canary says what is wrong: a replica makes 240 journeys an hour, so that one
/// alone passes for every pair but the first, where [`super::availability`] is faster anyway.
const LEAST_BAD: u8 = 5;

pub(super) fn file() -> RuleFile {
    let slis = sli::all();
    let alerts = slis
        .iter()
        .flat_map(|sli| PAIRS.iter().map(|pair| alert(sli, pair)));
    RuleFile {
        name: "burn.yml",
        about: "Error budgets that burn too fast: over a long window, and still over a short one.",
        groups: vec![Group {
            name: "auth-budget-burn",
            records: Vec::new(),
            alerts: alerts.collect(),
        }],
    }
}

fn alert(sli: &Sli, pair: &Pair) -> Alert {
    let Pair {
        burn,
        long,
        short,
        pages,
    } = *pair;
    let budget = sli.slo.budget;
    let threshold = format!("{burn} * {budget}");
    let ratio = |window| format!("{}{window}", sli.slo.record);
    let expr = format!(
        "{} > {threshold}\nand\n{} > {threshold}\nand on (job)\n\
         sum by (job) (increase({}[{long}])) > {LEAST_BAD} / ({threshold})",
        ratio(long),
        ratio(short),
        sli.events,
    );
    let description = format!(
        "Bad events come at least {burn} times as fast as the objective allows ({} % over 30 days), \
         over {long} and over {short}: the whole budget is spent in {} hours or less.",
        budget * 100.0,
        HOURS / burn,
    );
    Alert::new(
        if pages {
            Severity::Page
        } else {
            Severity::Ticket
        },
        sli.slo.alert,
        expr,
    )
    // The fastest pair trips within a minute of an outage: a restart shall not wake anybody.
    .lasts(if pair.long == PAIRS[0].long {
        minutes(2)
    } else {
        Duration::ZERO
    })
    .window(long)
    .text(
        format!(
            "{{{{ $labels.job }}}}: {{{{ $value | humanizePercentage }}}} {} over {long}",
            sli.failing
        ),
        description,
    )
    .links("budget-burn", "auth-overview")
}
