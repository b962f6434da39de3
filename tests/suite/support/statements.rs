//! Which statements of the database a test may count.

use rbac_sentinel::testing::store::sql::{Cause, all};

/// Whether requests are what makes the service execute the statement; not jobs, which run beside any
/// test, and not the transactions around them.
pub fn caused_by_requests(name: &str) -> bool {
    all().any(|statement| statement.name == name && statement.cause == Cause::Request)
}
