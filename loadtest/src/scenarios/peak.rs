//! The most reads that the machine gives.

use std::time::Duration;

use super::{Class, Scenario, arrive, step};
use crate::verdict::Target;
use crate::visitor::Visitor;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "peak",
    about: "32 users read without a pause",
    story: "The processor, and the generator takes the larger part of it: compare the two shares. On a \
            machine of its own the server would answer about so many times more as the machine is larger \
            than its share here.",
    users: 32,
    rate: 32.0,
    run_time: Duration::from_secs(30),
    reference: None,
    targets: &[Target::NO_FAILURES],
    facts: &[],
    saturates: true,
    limits: false,
    settings: &[],
    accounts: 0,
    classes: || {
        vec![Class {
            name: "reader",
            weight: 1,
            wait: None,
            start: step!(arrive),
            step: step!(read),
        }]
    },
};

async fn read(visitor: &mut Visitor<'_>) {
    visitor.me().await;
}
