//! As many reads as the machine can do.

use std::time::Duration;

use super::scenario::{Class, Scenario, register_and_login, step};
use crate::user::User;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "peak",
    about: "32 users read without a pause",
    bottleneck: "The processor: the generator takes the larger part of it, the server the rest. On a machine of \
            its own the server answers more, in proportion to its share here.",
    users: 32,
    rate: 32.0,
    run_time: Duration::from_secs(30),
    saturates: true,
    classes: || {
        vec![Class {
            name: "reader",
            weight: 1,
            wait: None,
            start: step!(register_and_login),
            step: step!(read),
            arrivals: None,
        }]
    },
    ..Scenario::BASE
};

async fn read(user: &mut User<'_>) {
    user.me().await;
}
