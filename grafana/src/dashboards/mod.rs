//! The five dashboards.

mod authorization;
mod dependencies;
mod load;
mod overview;
mod security;

use crate::dashboard::Dashboard;

/// All of them, in reading order.
#[must_use]
pub fn all() -> Vec<Dashboard> {
    vec![
        overview::dashboard(),
        security::dashboard(),
        authorization::dashboard(),
        dependencies::dashboard(),
        load::dashboard(),
    ]
}
