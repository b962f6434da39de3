//! Moderate load for a long time: what grows, and should not?

use std::time::Duration;

use super::scenario::{Class, Scenario, arrive, step};
use crate::verdict::Objective;
use crate::visitor::Visitor;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "soak",
    about: "50 users read, now and then refresh, log in again or register, each waiting 50 to 250 ms; nobody scrapes",
    story: "Nothing is full. Memory rises while caches and the heap fill up in the first minutes, and then \
            should not.",
    users: 50,
    rate: 10.0,
    run_time: Duration::from_hours(1),
    objectives: &[
        Objective::NO_FAILURES,
        Objective::FLAT_MEMORY,
        Objective::FEW_NEW_SERIES,
    ],
    classes: || {
        vec![Class {
            name: "resident",
            weight: 1,
            wait: Some((0.05, 0.25)),
            start: step!(arrive),
            step: step!(live),
        }]
    },
    ..Scenario::BASE
};

async fn live(visitor: &mut Visitor<'_>) {
    if visitor.one_in(500) {
        visitor.register().await;
    } else if visitor.one_in(100) {
        visitor.login_again().await;
    } else if visitor.one_in(50) {
        visitor.refresh().await;
    } else {
        visitor.me().await;
    }
}
