//! Fills a result from the measurements of both sides.

use std::collections::{BTreeMap, BTreeSet};

use testkit::exposition::{Between, Buckets, Exposition};
use testkit::machine::Machine;

use crate::about::About;
use crate::outcome::Outcome;
use crate::replica::Replica;
use crate::result::{Failure, Operation, ReplicaResult, RunResult, Scrape, VERSION};
use crate::routes::Route;
use crate::statistics::{Part, Statistics};
use crate::target::{REQUESTS, Target};
use crate::times::Figures;

/// Counters in the report, with the labels to group by.
const COUNTERS: [(&str, &[&str]); 9] = [
    ("auth_logins_total", &["outcome", "reason"]),
    ("auth_registrations_total", &["outcome", "reason"]),
    ("auth_token_refreshes_total", &["outcome", "reason"]),
    ("auth_refresh_reuse_detected_total", &["action"]),
    ("auth_rbac_decisions_total", &["permission", "outcome"]),
    (
        "auth_rate_limit_decisions_total",
        &["limiter", "decision", "backend"],
    ),
    ("auth_password_hash_rejected_total", &["reason"]),
    ("auth_cache_requests_total", &["cache", "result"]),
    ("http_server_requests_aborted_total", &["http_route"]),
];

/// The server's metrics before the run, at the end of the ramp, and after the run.
#[derive(Clone, Debug)]
pub struct Scrapes {
    /// Before and after.
    pub whole: Between,
    /// At the end of the ramp, if the run came so far.
    pub middle: Option<Exposition>,
}

impl Scrapes {
    /// What came after the ramp.
    #[must_use]
    pub fn steady(&self) -> Option<Between> {
        let [_, steady] = self.parts();
        steady
    }

    /// The ramp, and what came after it.
    fn parts(&self) -> [Option<Between>; 2] {
        let Between { before, after } = &self.whole;
        let part = |before: &Exposition, after: &Exposition| Between {
            before: before.clone(),
            after: after.clone(),
        };
        match &self.middle {
            Some(middle) => [Some(part(before, middle)), Some(part(middle, after))],
            None => [Some(part(before, after)), None],
        }
    }
}

/// The figures of both sides.
#[must_use]
pub fn figures(statistics: &Statistics, scrapes: &Scrapes) -> RunResult {
    let between = &scrapes.whole;
    let seconds = statistics.seconds();
    let requests = statistics.count(|_| true);
    let unsent = statistics.unsent();
    let all = (requests + unsent).max(1) as f64;
    let count = |outcome: Outcome| statistics.count(|(.., of)| *of == outcome);
    let about = About::read(&between.after);
    let hashing = between.rise("auth_password_hash_duration_seconds_sum", &[]);
    let [ramp, steady] = scrapes.parts();
    let parts = [
        (&statistics.ramp, ramp, true),
        (&statistics.steady, steady, false),
    ];
    let operations = parts
        .iter()
        .flat_map(|(part, server, is_ramp)| operations(part, server.as_ref(), *is_ramp));
    let part = &statistics.steady;
    let of = |part: &Part, outcome: Outcome| {
        let (times, corrected) = part.times(|(.., of)| *of == outcome);
        [times, corrected].map(|times| Figures::of_times(&times, part.seconds()))
    };
    let [users, corrected] = of(part, Outcome::Success);
    let server = parts[1].1.as_ref();
    let server = server.map(|server| success_times(part, server, None));
    let server = server.and_then(|times| Figures::of_buckets(&times, part.seconds()));
    RunResult {
        version: VERSION,
        machine: Machine::this(),
        seconds,
        requests,
        users,
        corrected,
        refusals: of(part, Outcome::Refused)[0],
        failing: of(part, Outcome::Failure)[0],
        ramp: of(&statistics.ramp, Outcome::Success)[0],
        server: server.unwrap_or_default(),
        failed: (count(Outcome::Failure) + unsent) as f64 / all,
        refused: count(Outcome::Refused) as f64 / all,
        silence: statistics.silence,
        operations: operations.collect(),
        failures: failures(statistics),
        counters: counters(between),
        hashing: hashing / (seconds * about.hash_permits.max(1.0)),
        scrape: scrape(&between.before, &between.after),
        about,
        ..RunResult::default()
    }
}

/// What each replica did between two scrapes of all.
#[must_use]
pub fn replicas(
    target: &Target,
    before: &[Exposition],
    after: &[Exposition],
) -> Vec<ReplicaResult> {
    let scrapes = before.iter().zip(after).zip(&target.replicas);
    let result = |((before, after), replica): ((&Exposition, &Exposition), &Replica)| {
        let count = |scrape: &Exposition| scrape.sum(&format!("{REQUESTS}_count"), &[]);
        ReplicaResult {
            ops: replica.ops().to_string(),
            version: after.info("auth_build_info", "version").unwrap_or_default(),
            started: after.sum("process_start_time_seconds", &[]),
            answered_before: Some(count(before)),
            requests: count(after) - count(before),
            memory_mib: after.sum("process_resident_memory_bytes", &[]) / f64::from(1 << 20),
        }
    };
    scrapes.map(result).collect()
}

fn operations(part: &Part, server: Option<&Between>, ramp: bool) -> Vec<Operation> {
    let mut operations = Vec::new();
    for route in Route::ALL {
        let rows = || part.rows.iter().filter(|((of, ..), _)| of == route);
        if rows().next().is_none() {
            continue;
        }
        let of = |outcome| {
            let (times, _) = part.times(|(of, _, is)| of == route && *is == outcome);
            Figures::of_times(&times, part.seconds())
        };
        let server = server.and_then(|server| {
            let times = success_times(part, server, Some(*route));
            Figures::of_buckets(&times, part.seconds())
        });
        let mut operation = Operation {
            name: route.name(),
            ramp,
            users: of(Outcome::Success),
            refusals: of(Outcome::Refused),
            server,
            ..Operation::default()
        };
        for ((_, status, _), row) in rows() {
            let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
            *operation.statuses.entry(status).or_default() += row.times.len();
        }
        operations.push(operation);
    }
    operations
}

/// The server's latencies of the successes of one operation, or of all, in a part of a run.
#[must_use]
pub fn success_times(part: &Part, server: &Between, route: Option<Route>) -> Buckets {
    server_times(server, &successes(part, route))
}

/// Operations with the statuses that were expected of them.
fn successes(part: &Part, route: Option<Route>) -> BTreeSet<(Route, u16)> {
    let keys = part.rows.keys().filter(|(of, _, outcome)| {
        *outcome == Outcome::Success && route.is_none_or(|route| route == *of)
    });
    keys.filter_map(|(route, status, _)| Some((*route, (*status)?)))
        .collect()
}

/// The server's latencies of answers with these statuses.
fn server_times(between: &Between, which: &BTreeSet<(Route, u16)>) -> Buckets {
    let mut all = Buckets {
        cumulated: Vec::new(),
        sum: 0.0,
        count: 0.0,
    };
    for (route, status) in which {
        let labels = [
            ("http_request_method", route.verb()),
            ("http_route", route.template()),
            ("http_response_status_code", &*status.to_string()),
        ];
        let buckets = between.buckets(REQUESTS, &labels);
        all.sum += buckets.sum;
        all.count += buckets.count;
        if all.cumulated.is_empty() {
            all.cumulated = buckets.cumulated;
            continue;
        }
        for (sum, (_, count)) in all.cumulated.iter_mut().zip(buckets.cumulated) {
            sum.1 += count;
        }
    }
    all
}

/// The server's latencies of all answers of an operation.
#[must_use]
pub fn server_times_of(between: &Between, route: Route) -> Buckets {
    let labels = [
        ("http_request_method", route.verb()),
        ("http_route", route.template()),
    ];
    between.buckets(REQUESTS, &labels)
}

fn failures(statistics: &Statistics) -> Vec<Failure> {
    let failures = statistics.failures.iter();
    let failures = failures.map(|((route, status, word), failures)| Failure {
        operation: route.name(),
        status: status.unwrap_or_default(),
        word: word.clone(),
        sent: true,
        count: failures.count,
        request_ids: failures.request_ids.clone(),
    });
    let unsent = statistics.unsent.iter();
    let unsent = unsent.map(|((route, word), count)| Failure {
        operation: route.name(),
        word: word.clone(),
        count: *count,
        ..Failure::default()
    });
    failures.chain(unsent).collect()
}

fn counters(between: &Between) -> BTreeMap<String, BTreeMap<String, f64>> {
    let counters = COUNTERS.iter().map(|(metric, labels)| {
        let rises = between.rises(metric, labels).into_iter();
        let rises = rises
            .map(|(values, rise)| (values.join(" "), rise))
            .collect();
        ((*metric).to_owned(), rises)
    });
    counters
        .filter(|(_, rises): &(_, BTreeMap<_, _>)| !rises.is_empty())
        .collect()
}

fn scrape(before: &Exposition, after: &Exposition) -> Scrape {
    Scrape {
        series_before: before.series.len(),
        series_after: after.series.len(),
        bytes: after.bytes,
    }
}
