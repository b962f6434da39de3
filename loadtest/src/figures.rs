//! Fills a result from the measurements of both sides.

use std::collections::BTreeMap;

use testkit::exposition::{Between, Buckets, Exposition};
use testkit::machine::Machine;

use crate::recorder::{Outcome, Statistics};
use crate::result::{Figures, Operation, RunResult, Scrape, VERSION};
use crate::routes::Route;
use crate::target::{About, REQUESTS};

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

/// The figures of both sides.
#[must_use]
pub fn figures(statistics: &Statistics, between: &Between) -> RunResult {
    let seconds = statistics.seconds();
    let (times, corrected) = statistics.times(|_| true);
    let all = times.len().max(1) as f64;
    let share = |outcome: Outcome| statistics.count(|(.., of)| *of == outcome) as f64 / all;
    let about = About::read(&between.after);
    let hashing = between.rise("auth_password_hash_duration_seconds_sum", &[]);
    RunResult {
        version: VERSION,
        machine: Machine::this(),
        seconds,
        users: Figures::of_times(&times, seconds),
        corrected: Figures::of_times(&corrected, seconds),
        server: Figures::of_buckets(&between.buckets(REQUESTS, &[]), seconds).unwrap_or_default(),
        failed: share(Outcome::Failure),
        refused: share(Outcome::Refused),
        operations: operations(statistics, between, seconds),
        failures: failures(statistics),
        counters: counters(between),
        hashing: hashing / (seconds * about.hash_permits.max(1.0)),
        scrape: scrape(&between.before, &between.after),
        about,
        ..RunResult::default()
    }
}

fn operations(statistics: &Statistics, between: &Between, seconds: f64) -> Vec<Operation> {
    let mut operations = Vec::new();
    for route in Route::ALL {
        let (times, _) = statistics.times(|(of, ..)| of == route);
        if times.is_empty() {
            continue;
        }
        let mut operation = Operation {
            name: route.name(),
            users: Figures::of_times(&times, seconds),
            server: Figures::of_buckets(&server_times(between, *route), seconds),
            ..Operation::default()
        };
        for ((_, status, _), row) in statistics.rows.iter().filter(|((of, ..), _)| of == route) {
            let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
            *operation.statuses.entry(status).or_default() += row.times.len();
        }
        operations.push(operation);
    }
    operations
}

/// The server's latencies of an operation.
#[must_use]
pub fn server_times(between: &Between, route: Route) -> Buckets {
    let labels = [
        ("http_request_method", route.verb()),
        ("http_route", route.template()),
    ];
    between.buckets(REQUESTS, &labels)
}

fn failures(statistics: &Statistics) -> Vec<(String, u16, String, u64)> {
    let failures = statistics.failures.iter();
    failures
        .map(|((route, status, word), count)| {
            (
                route.name(),
                status.unwrap_or_default(),
                word.clone(),
                *count,
            )
        })
        .collect()
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
