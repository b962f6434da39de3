//! Judges a run: availability, identities, bounds, objectives, facts.

use crate::cli::Options;
use crate::drive::Observed;
use crate::expectation;
use crate::figures::server_times_of;
use crate::latency_bounds::{self, Allowance};
use crate::reconcile::{alone, reconcile};
use crate::result::{RunResult, Verdict};
use crate::routes::Route;
use crate::scenarios::Scenario;
use crate::target::REQUESTS;
use crate::thresholds::Threshold;
use crate::verdict::{Objective, availability};

/// Fills in what was expected, and whether it was met.
pub fn judge(result: &mut RunResult, options: &Options, scenario: &Scenario, observed: &Observed) {
    let (statistics, server) = (&observed.statistics, &observed.server.whole);
    let goose = observed.goose.as_ref();
    let slowest = Objective::slowest(scenario.saturates);
    let objectives = scenario.objectives.iter().chain(&slowest);
    let objectives = objectives.map(|objective| objective.judge(result, options.ignore_speed));
    let arrivals = result.arrivals.iter();
    let arrivals = arrivals.map(|arrivals| expectation::rate(arrivals, options.ignore_speed));
    let mut verdicts = vec![availability(result)];
    let thresholds = scenario.thresholds.iter().chain(&options.thresholds);
    let steady = observed.server.steady();
    let (steady, machine) = (steady.as_ref(), &result.yardstick);
    let judge = |one: &Threshold| one.judge(statistics, steady, machine, options.ignore_speed);
    verdicts.extend(objectives.chain(thresholds.map(judge)).chain(arrivals));
    if !observed.scraped {
        verdicts.push(Verdict {
            name: "the server's counters can be read after the run".to_owned(),
            held: false,
            detail: "nothing could be reconciled with them".to_owned(),
        });
        result.verdicts = verdicts;
        result.identities = alone(statistics, goose);
        return;
    }
    verdicts.extend(scenario.facts.iter().map(|fact| fact.judge(server)));
    result.verdicts = verdicts;

    let allowance = Allowance::new(&observed.delay, scenario.saturates);
    let allowance = (!options.ignore_speed).then_some(allowance);
    result.identities = reconcile(statistics, goose, server);
    for route in Route::ALL {
        let (times, _) = statistics.times(|(of, status, _)| of == route && status.is_some());
        let server = server_times_of(server, *route);
        let bounds = latency_bounds::quantiles(&route.name(), &times, &server, allowance);
        result.identities.extend(bounds);
    }
    let (times, _) = statistics.times(|(_, status, _)| status.is_some());
    let means = latency_bounds::means(&times, &server.buckets(REQUESTS, &[]), allowance);
    result.identities.extend(means);
}
