//! Credential stuffing: names and passwords tried from many addresses.

use rand::Rng as _;

use std::time::Duration;

use super::scenario::{Class, Scenario, step};
use crate::routes::Route;
use crate::user::{Body, Call, User};
use crate::verdict::{Fact, Objective};

/// Addresses of the attack.
const SOURCES: u32 = 30;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "stuffing",
    about: "90 clients try wrong passwords, 4 times of 10 for one of 10 accounts that exist, from 30 addresses; 10 people read and log in beside them",
    bottleneck: "The hash gate at first, the rate limits then, on purpose: until each address and each account \
            has used up its share of attempts the guesses are hashed, whether the account exists or not, \
            and keep the hash threads busy; after that a guess costs neither a look into the database nor \
            a hash. People who are logged in notice nothing of either.",
    run_time: Duration::from_mins(1),
    users: 100,
    rate: 20.0,
    objectives: &[
        Objective::server_p99(Route::Me, 0.001),
        Objective::NO_FAILURES,
    ],
    facts: &[Fact::LIMITED, Fact::UNKNOWN_USERS, Fact::BAD_PASSWORDS],
    saturates: true,
    limits: true,
    // The lab acts as a trusted proxy that reports client addresses.
    settings: &[
        ("RATE_LIMITS", "on"),
        ("TRUSTED_PROXIES", "127.0.0.1/32,::1/128"),
    ],
    accounts: 10,
    classes: || {
        vec![
            Class {
                name: "attacker",
                weight: 9,
                wait: Some((0.05, 0.2)),
                start: |_| Box::pin(async {}),
                step: step!(guess),
                arrivals: None,
            },
            Class {
                name: "person",
                weight: 1,
                wait: Some((0.2, 1.0)),
                start: step!(register_at_own_address),
                step: step!(live),
                arrivals: None,
            },
        ]
    },
    ..Scenario::BASE
};

async fn guess(user: &mut User<'_>) {
    let rng = &mut user.state.rng;
    // From the network for benchmarks (RFC 2544).
    let source = rng.random_range(0..SOURCES);
    let exists = rng.random_range(0..10) < 4;
    let victim = rng.random_range(0..user.state.shared.accounts.len());
    user.state.source = Some(format!("198.18.0.{source}"));
    let mut guess = user.state.new_account();
    if exists {
        guess
            .username
            .clone_from(&user.state.shared.accounts[victim].username);
    }
    let form = [
        ("username", &*guess.username),
        ("password", &*guess.password),
    ];
    user.call(Call::new(Route::Login, 400).body(Body::Form(&form)))
        .await;
}

async fn register_at_own_address(user: &mut User<'_>) {
    // From a network for documentation (RFC 5737); each user has an address of its own.
    user.state.source = Some(format!("203.0.113.{}", user.state.index % 250));
    user.register_and_login().await;
}

async fn live(user: &mut User<'_>) {
    if user.one_in(50) {
        user.login_again().await;
    } else {
        user.me().await;
    }
}
