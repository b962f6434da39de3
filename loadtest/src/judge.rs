//! Judges a run: availability, identities, bounds, objectives, facts.

use crate::delay::Delay;
use crate::expectation::{self, Expectations};
use crate::figures::{Scrapes, server_times_of};
use crate::latency_bounds::{self, Allowance};
use crate::own::Rows;
use crate::reconcile::{Counts, alone, reconcile};
use crate::result::{RunResult, Verdict};
use crate::routes::Route;
use crate::statistics::{Statistics, Times};
use crate::target::REQUESTS;
use crate::thresholds::Threshold;
use crate::verdict::{Objective, availability};

/// What is known of the server's counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// They are of these requests.
    Alone,
    /// They are of other generators' requests as well.
    Shared,
    /// They could not be read after the run.
    Unread,
}

/// What is judged, and by what.
#[derive(Debug)]
pub struct Case<'a> {
    /// What was expected.
    pub expected: &'a Expectations,
    /// Whether the scenario fills the machine.
    pub saturates: bool,
    /// Whether speed is not judged.
    pub ignore_speed: bool,
    /// The users' measurements.
    pub statistics: &'a Statistics,
    /// What the lab itself asked for between the server's scrapes.
    pub own: &'a Rows,
    /// Goose's counts, where they are known.
    pub goose: Option<&'a Counts>,
    /// The server's metrics.
    pub server: &'a Scrapes,
    /// Of what they are.
    pub counted: Counted,
    /// How late the lab was woken.
    pub delay: &'a Delay,
}

/// Fills in what was expected, and whether it was met.
pub fn judge(result: &mut RunResult, case: &Case<'_>) {
    let (statistics, server) = (case.statistics, &case.server.whole);
    let (expected, ignore_speed) = (case.expected, case.ignore_speed);
    // What the server measured of the others says nothing about this run.
    let is_judged = |of_server: bool| !(of_server && case.counted == Counted::Shared);
    let slowest = Objective::slowest(case.saturates);
    let objectives = expected.objectives.iter().chain(&slowest);
    let objectives = objectives.filter(|one| is_judged(one.is_of_server()));
    let objectives = objectives.map(|objective| objective.judge(result, ignore_speed));
    let arrivals = result.arrivals.iter();
    let arrivals = arrivals.map(|arrivals| expectation::rate(arrivals, ignore_speed));
    let mut verdicts = vec![availability(result)];
    let thresholds = expected.thresholds.iter();
    let thresholds = thresholds.filter(|one| is_judged(one.is_of_server()));
    let steady = case.server.steady();
    let (steady, machine) = (steady.as_ref(), &result.yardstick);
    let judge = |one: &Threshold| one.judge(statistics, steady, machine, ignore_speed);
    verdicts.extend(objectives.chain(thresholds.map(judge)).chain(arrivals));
    if case.counted == Counted::Unread {
        verdicts.push(Verdict {
            name: "the server's counters can be read after the run".to_owned(),
            held: false,
            detail: "nothing could be reconciled with them".to_owned(),
        });
    }
    if case.counted != Counted::Alone {
        result.verdicts = verdicts;
        result.identities = alone(statistics, case.goose);
        return;
    }
    verdicts.extend(expected.facts.iter().map(|fact| fact.judge(server)));
    result.verdicts = verdicts;

    let allowance = Allowance::new(case.delay, case.saturates);
    let allowance = (!ignore_speed).then_some(allowance);
    result.identities = reconcile(statistics, case.own, case.goose, server);
    for route in Route::ALL {
        let times = answered(case, Some(*route));
        let server = server_times_of(server, *route);
        let bounds = latency_bounds::quantiles(&route.name(), &times, &server, allowance);
        result.identities.extend(bounds);
    }
    let server = server.buckets(REQUESTS, &[]);
    let means = latency_bounds::means(&answered(case, None), &server, allowance);
    result.identities.extend(means);
}

/// The latencies of what was answered of one operation, or of all: to users and to the lab itself.
fn answered(case: &Case<'_>, route: Option<Route>) -> Times {
    let is = |of: &Route| route.is_none_or(|route| route == *of);
    let (mut times, _) = case
        .statistics
        .times(|(of, status, _)| is(of) && status.is_some());
    let name = route.map(Route::name);
    for ((operation, _), own) in case.own {
        if name.as_ref().is_none_or(|name| name == operation) {
            times += own;
        }
    }
    times
}

#[cfg(test)]
mod tests {
    use testkit::exposition::{Between, Exposition};

    use super::*;

    /// What is missed of a run without requests, where so much is known of the server's counts.
    fn missed(counted: Counted) -> Vec<String> {
        let words = [
            "p99 of POST /login on the server <= 1 hashes",
            "p95 of POST /login on the server < 1ms",
            "denials are counted",
        ];
        let expected = Expectations::read(&words.map(str::to_owned)).expect("words");
        let text = format!("{REQUESTS}_count{{http_route=\"/login\"}} 3\n");
        let server = Scrapes {
            whole: Between {
                before: Exposition::default(),
                after: Exposition::parse(&text).expect("series"),
            },
            middle: None,
        };
        let mut result = RunResult::default();
        let case = Case {
            expected: &expected,
            saturates: false,
            ignore_speed: false,
            statistics: &Statistics::default(),
            own: &Rows::new(),
            goose: None,
            server: &server,
            counted,
            delay: &Delay::none(),
        };
        judge(&mut result, &case);
        let expectations = result.expectations();
        let missed = expectations.filter(|(_, held, _)| !held);
        missed.map(|(name, ..)| name.to_owned()).collect()
    }

    #[test]
    fn what_the_server_counted_for_others_is_not_judged() {
        assert_eq!(missed(Counted::Shared), [""; 0]);
        let unread = missed(Counted::Unread).concat();
        assert!(unread.contains("counters can be read"), "{unread}");
        let alone = missed(Counted::Alone).join("; ");
        for part in [
            "P99 of POST /login on the server",
            "P95 of POST /login on the server",
            "denials are counted",
            "users = server",
        ] {
            assert!(alone.contains(part), "{part}: {alone}");
        }
    }
}
