//! Dependencies and saturation.

mod database;
mod hashing;
mod process;
mod servers;

use crate::dashboard::{Dashboard, Row};

/// The dashboard.
pub(super) fn dashboard() -> Dashboard {
    let row = |title, panels| Row { title, panels };
    Dashboard {
        uid: "auth-dependencies",
        title: "Dependencies and saturation",
        description: "The service's dependencies, and how close it is to its limits.",
        variables: Vec::new(),
        rows: vec![
            row(
                "Password hashing",
                [hashing::queue(), hashing::work()].concat(),
            ),
            row(
                "Database",
                [database::pool(), database::statements()].concat(),
            ),
            row("Dependencies", database::dependencies()),
            row("Redis, caches and other replicas", database::caches()),
            row(
                "PostgreSQL and Redis themselves",
                [servers::postgres(), servers::redis()].concat(),
            ),
            row("Process", process::process()),
            row("Async runtime", process::runtime()),
            row("Housekeeping and monitoring", process::upkeep()),
        ],
    }
}
