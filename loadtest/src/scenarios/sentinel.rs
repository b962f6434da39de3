//! FastAuth-RBAC-Sentinel's published load, exactly: half of the users are a website's, half
//! administrators.

use std::time::Duration;

use rand::Rng as _;

use super::scenario::{Class, Reference, Scenario, login_as_admin, register_and_login, step};
use crate::user::User;
use crate::verdict::Objective;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "sentinel",
    about: "25 users of a website (read 3 : register 1 : log in again 1) and 25 administrators, each waiting 0.2 to 1 s",
    bottleneck: "Nothing is full: a fifth of the requests hash a password, and their time is the hash itself. \
            The 95th percentile therefore is a hash, sometimes behind another one; everything else is \
            answered in a fraction of a millisecond.",
    users: 50,
    rate: 10.0,
    run_time: Duration::from_mins(5),
    reference: Some(Reference {
        per_second: Some(70.9),
        p50: Some(0.015),
        p95: Some(0.340),
        p99: Some(0.460),
        failed: Some(0.004),
        ..Reference::of("FastAuth-RBAC-Sentinel")
    }),
    objectives: &[
        Objective::p50(0.001),
        Objective::p95(0.025),
        Objective::NO_FAILURES,
    ],
    classes: || {
        vec![
            Class {
                name: "website",
                weight: 1,
                wait: Some((0.2, 1.0)),
                start: step!(register_and_login),
                step: step!(browse),
                arrivals: None,
            },
            Class {
                name: "administrator",
                weight: 1,
                wait: Some((0.2, 1.0)),
                start: step!(login_as_admin),
                step: step!(administer),
                arrivals: None,
            },
        ]
    },
    ..Scenario::BASE
};

async fn browse(user: &mut User<'_>) {
    match user.state.rng.random_range(0..5) {
        0..3 => user.me().await,
        3 => drop(user.register().await),
        _ => user.login_again().await,
    }
}

async fn administer(user: &mut User<'_>) {
    user.admin_only(200).await;
}
