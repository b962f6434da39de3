//! Burn rate alerts: four pairs of windows for each objective.

use std::time::Duration;

use super::sli::{self, Sli};
use super::{Alert, Group, RuleFile, Severity, minutes};
use crate::slo::{PAIRS, Pair};

/// Hours of the budget's period.
const HOURS: f64 = 720.0;

/// Minimum number of bad events for an alert: in a quiet night a single failure is a large share of few
/// requests, five are no accident. At a threshold of `t` that takes `5 / t` events: for the budget of
/// 0.1 %, 347 in an hour and 5,000 in three days. With less traffic the synthetic probe finds faults: a
/// replica makes 240 journeys an hour, enough for every pair but the first, where
/// [`super::availability`] is faster anyway.
const MIN_BAD_EVENTS: u8 = 5;

pub(super) fn file() -> RuleFile {
    let slis = sli::all();
    let alerts = slis
        .iter()
        .flat_map(|sli| PAIRS.iter().map(|pair| alert(sli, pair)));
    RuleFile {
        name: "burn.yml",
        about: "Error budgets that burn too fast, over a long and a short window.",
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
         sum by (job) (increase({}[{long}])) > {MIN_BAD_EVENTS} / ({threshold})",
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
    // The fastest pair trips within a minute of an outage: a restart must not page.
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
