//! What is allowed and what is not, in known proportions.

use std::time::Duration;

use super::scenario::{Class, Scenario, arrive, arrive_as_admin, step};
use crate::verdict::{Fact, Objective};
use crate::visitor::Visitor;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "rbac-mix",
    about: "35 users read, 10 administrators leaf through the accounts, 5 users ask for what they may not see, each waiting 50 to 150 ms",
    story: "Nothing is full: decisions are made from the cached principal. The slowest requests are pages of \
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
                start: step!(arrive),
                step: step!(read),
            },
            Class {
                name: "administrator",
                weight: 2,
                wait,
                start: step!(arrive_as_admin),
                step: step!(leaf),
            },
            Class {
                name: "curious",
                weight: 1,
                wait,
                start: step!(arrive),
                step: step!(pry),
            },
        ]
    },
    ..Scenario::BASE
};

async fn read(visitor: &mut Visitor<'_>) {
    visitor.me().await;
}

async fn leaf(visitor: &mut Visitor<'_>) {
    let first = visitor.list_users("limit=20").await;
    if let Some(cursor) = first["next_cursor"].as_str() {
        visitor
            .list_users(&format!("limit=20&cursor={cursor}"))
            .await;
    }
}

async fn pry(visitor: &mut Visitor<'_>) {
    visitor.admin_only(403).await;
}
