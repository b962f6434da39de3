//! The overview: objectives, traffic, latency, routes, replicas.

mod latency;
mod objectives;
mod replicas;
mod routes;
mod traffic;

use crate::dashboard::{Dashboard, Row};
use crate::select::DURATION;

/// The dashboard.
pub(super) fn dashboard() -> Dashboard {
    let row = |title, panels| Row { title, panels };
    Dashboard {
        uid: "auth-overview",
        title: "Overview and SLO",
        description: "Availability, latency and the error budget that is left.",
        variables: vec![routes::ROUTES],
        rows: vec![
            row("Traffic", traffic::panels()),
            row("Objectives", objectives::panels()),
            row("Latency and load", latency::panels()),
            row("By route: $route", routes::panels()),
            row("Replicas", replicas::panels()),
        ],
    }
}

fn count() -> String {
    format!("{DURATION}_count")
}

fn bucket() -> String {
    format!("{DURATION}_bucket")
}

fn seconds(bound: &str) -> f64 {
    bound
        .parse()
        .expect("the bound of an objective is a number")
}
