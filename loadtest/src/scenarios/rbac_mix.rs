//! Allowed and denied requests in known proportions.

use std::time::Duration;

use super::scenario::{Class, Scenario, login_as_admin, register_and_login, step};
use crate::user::User;
use crate::verdict::{Fact, Objective};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "rbac-mix",
    about: "35 users read, 10 administrators leaf through the accounts, 5 users ask for what they may not see, each waiting 50 to 150 ms",
    bottleneck: "Nothing is full: decisions are made from the cached principal. The slowest requests are pages of \
            accounts, which ask the database.",
    users: 50,
    rate: 10.0,
    run_time: Duration::from_mins(1),
    objectives: &[
        Objective::p50(0.001),
        Objective::p95(0.025),
        Objective::NO_FAILURES,
    ],
    facts: &[Fact::DENIALS],
    accounts: 60,
    classes: || {
        let wait = Some((0.05, 0.15));
        vec![
            Class {
                name: "reader",
                weight: 7,
                wait,
                start: step!(register_and_login),
                step: step!(read),
                arrivals: None,
            },
            Class {
                name: "administrator",
                weight: 2,
                wait,
                start: step!(login_as_admin),
                step: step!(page_accounts),
                arrivals: None,
            },
            Class {
                name: "curious",
                weight: 1,
                wait,
                start: step!(register_and_login),
                step: step!(request_forbidden),
                arrivals: None,
            },
        ]
    },
    ..Scenario::BASE
};

async fn read(user: &mut User<'_>) {
    user.me().await;
}

async fn page_accounts(user: &mut User<'_>) {
    let first = user.list_users("limit=20").await;
    if let Some(cursor) = first["next_cursor"].as_str() {
        user.list_users(&format!("limit=20&cursor={cursor}")).await;
    }
}

async fn request_forbidden(user: &mut User<'_>) {
    user.admin_only(403).await;
}
