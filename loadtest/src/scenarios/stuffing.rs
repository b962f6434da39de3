//! An attack: stolen lists of names and passwords, tried from many addresses.

use rand::Rng as _;

use std::time::Duration;

use super::scenario::{Class, Scenario, step};
use crate::routes::Route;
use crate::verdict::{Fact, Objective};
use crate::visitor::{Body, Call, Visitor};

/// How many addresses the attack comes from.
const SOURCES: u32 = 30;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "stuffing",
    about: "90 clients try wrong passwords, 4 times of 10 for one of 10 accounts that exist, from 30 addresses; 10 people read and log in beside them",
    story: "The hash gate at first, the rate limits then, on purpose: until each address and each account \
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
    // The lab plays the proxy that says where its users come from.
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
            },
            Class {
                name: "person",
                weight: 1,
                wait: Some((0.2, 1.0)),
                start: step!(come_home),
                step: step!(live),
            },
        ]
    },
    ..Scenario::BASE
};

async fn guess(visitor: &mut Visitor<'_>) {
    let chance = &mut visitor.player.chance;
    // Of the network for benchmarks (RFC 2544).
    let source = chance.random_range(0..SOURCES);
    let exists = chance.random_range(0..10) < 4;
    let victim = chance.random_range(0..visitor.player.shared.accounts.len());
    visitor.player.source = Some(format!("198.18.0.{source}"));
    let mut guess = visitor.player.make_up();
    if exists {
        guess
            .username
            .clone_from(&visitor.player.shared.accounts[victim].username);
    }
    let form = [
        ("username", &*guess.username),
        ("password", &*guess.password),
    ];
    visitor
        .call(Call::new(Route::Login, 400).body(Body::Form(&form)))
        .await;
}

async fn come_home(visitor: &mut Visitor<'_>) {
    // Of a network for documentation (RFC 5737): everybody has a home of their own.
    visitor.player.source = Some(format!("203.0.113.{}", visitor.player.index % 250));
    visitor.arrive().await;
}

async fn live(visitor: &mut Visitor<'_>) {
    if visitor.one_in(50) {
        visitor.login_again().await;
    } else {
        visitor.me().await;
    }
}
