//! More logins than can be hashed.

use std::time::Duration;

use rand::Rng as _;

use super::scenario::{Class, Scenario, register_and_login, step};
use crate::recorder::Outcome;
use crate::routes::Route;
use crate::user::{Body, Call, User};
use crate::verdict::{Fact, Objective};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "login-storm",
    about: "390 clients log in again and again without a pause, deaf to Retry-After; 10 others read every 20 to 60 ms",
    bottleneck: "The hash gate, on purpose: its threads are busy all the time and logins come out at the rate of \
            the hashes; the rest is told to come back. Readers run at a higher priority than the hashes and \
            hardly notice.",
    users: 400,
    rate: 40.0,
    run_time: Duration::from_secs(30),
    objectives: &[
        Objective::server_p99(Route::Me, 0.001),
        Objective::NO_FAILURES,
        Objective::MEMORY_OF_HASHING,
    ],
    facts: &[Fact::SHED, Fact::IDLE_GATE],
    saturates: true,
    accounts: 40,
    classes: || {
        vec![
            Class {
                name: "storm",
                weight: 39,
                wait: None,
                start: |_| Box::pin(async {}),
                step: step!(storm),
                arrivals: None,
            },
            Class {
                name: "reader",
                weight: 1,
                wait: Some((0.02, 0.06)),
                start: step!(register_and_login),
                step: step!(read),
                arrivals: None,
            },
        ]
    },
    ..Scenario::BASE
};

async fn storm(user: &mut User<'_>) {
    let accounts = &user.state.shared.accounts;
    let account = accounts[user.state.index % accounts.len()].clone();
    let form = [
        ("username", &*account.username),
        ("password", &*account.password),
    ];
    let call = Call::new(Route::Login, 200).body(Body::Form(&form));
    if user.call(call).await.outcome == Outcome::Refused {
        // Shorter than Retry-After asks, but longer than a network round trip.
        let millis = user.state.rng.random_range(50..150);
        user.wait(Duration::from_millis(millis)).await;
    }
}

async fn read(user: &mut User<'_>) {
    user.me().await;
}
