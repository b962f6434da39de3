//! The four dashboards.

mod overview;

use crate::dashboard::Dashboard;

/// All of them, in the order in which one looks at them.
#[must_use]
pub fn all() -> Vec<Dashboard> {
    vec![overview::dashboard()]
}
