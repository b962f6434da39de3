//! The four dashboards.

mod dependencies;
mod load;
mod overview;
mod security;

use crate::dashboard::Dashboard;

/// All of them, in the order in which one looks at them.
#[must_use]
pub fn all() -> Vec<Dashboard> {
    vec![
        overview::dashboard(),
        security::dashboard(),
        dependencies::dashboard(),
        load::dashboard(),
    ]
}
