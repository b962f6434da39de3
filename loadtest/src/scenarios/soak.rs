//! Moderate load for a long time, to find growth.

use std::time::Duration;

use super::scenario::{Class, Scenario, register_and_login, step};
use crate::user::User;
use crate::verdict::Objective;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "soak",
    about: "50 users read, now and then refresh, log in again or register, each waiting 50 to 250 ms; nobody scrapes",
    bottleneck: "Nothing is full. Memory rises while caches and the heap fill up in the first minutes, and then \
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
            start: step!(register_and_login),
            step: step!(live),
            arrivals: None,
        }]
    },
    ..Scenario::BASE
};

async fn live(user: &mut User<'_>) {
    if user.one_in(500) {
        user.register().await;
    } else if user.one_in(100) {
        user.login_again().await;
    } else if user.one_in(50) {
        user.refresh().await;
    } else {
        user.me().await;
    }
}
