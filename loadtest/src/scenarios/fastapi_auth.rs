//! FastAPI-Authentication-System's published loads: users that register, log in and read, 1 : 2 : 5.

use super::scenario::{Class, Reference, Scenario, register_and_login, step};
use crate::user::User;

const SYSTEM: &str = "FastAPI-Authentication-System";

/// Its users, whatever their number.
const BASE: Scenario = Scenario {
    saturates: true,
    classes,
    ..Scenario::BASE
};

const STORY: &str = "The hash gate. These users ask for more password hashes than two cores compute, so the \
                     gate's queue fills up, and what would wait longer than its deadline is turned away \
                     with 503 and Retry-After; readers come between the hashes and stay fast.";

pub(super) const WITH_300: Scenario = Scenario {
    name: "fastapi-auth-300",
    about: "300 users at 10/s: register (wait 2 to 5 s) 1 : log in (1 to 3 s) 2 : read 4 and log in again 1 (1 to 2 s) 5",
    bottleneck: "Hashing: the logins and registrations of 300 users keep the hash threads nearly busy, and \
            waits in their queue make up the slow percentiles.",
    users: 300,
    reference: Some(Reference {
        per_second: Some(155.0),
        p95: Some(1.4),
        failed: Some(0.0009),
        ..Reference::of(SYSTEM)
    }),
    ..BASE
};

pub(super) const WITH_500: Scenario = Scenario {
    name: "fastapi-auth-500",
    about: "The same with 500 users",
    bottleneck: STORY,
    users: 500,
    reference: Some(Reference {
        per_second: Some(93.0),
        p95: Some(5.5),
        failed: Some(0.03),
        ..Reference::of(SYSTEM)
    }),
    ..BASE
};

pub(super) const WITH_800: Scenario = Scenario {
    name: "fastapi-auth-800",
    about: "The same with 800 users at 5/s",
    bottleneck: STORY,
    users: 800,
    rate: 5.0,
    reference: Some(Reference {
        per_second: Some(116.0),
        p95: Some(14.0),
        ..Reference::of(SYSTEM)
    }),
    ..BASE
};

pub(super) const BURST: Scenario = Scenario {
    name: "fastapi-auth-burst",
    about: "The same with 400 users at 10/s: the burst that broke it",
    bottleneck: STORY,
    users: 400,
    reference: Some(Reference {
        per_second: Some(40.0),
        p95: Some(16.0),
        failed: Some(0.14),
        ..Reference::of(SYSTEM)
    }),
    ..BASE
};

/// Its three kinds of users.
pub(super) fn classes() -> Vec<Class> {
    vec![
        Class {
            name: "newcomer",
            weight: 1,
            wait: Some((2.0, 5.0)),
            start: |_| Box::pin(async {}),
            step: step!(register),
            arrivals: None,
        },
        Class {
            name: "returner",
            weight: 2,
            wait: Some((1.0, 3.0)),
            start: step!(register_and_login),
            step: step!(log_in),
            arrivals: None,
        },
        Class {
            name: "reader",
            weight: 5,
            wait: Some((1.0, 2.0)),
            start: step!(register_and_login),
            step: step!(read),
            arrivals: None,
        },
    ]
}

async fn register(user: &mut User<'_>) {
    user.register().await;
}

async fn log_in(user: &mut User<'_>) {
    user.login_again().await;
}

async fn read(user: &mut User<'_>) {
    if user.one_in(5) {
        user.login_again().await;
    } else {
        user.me().await;
    }
}
