//! Administration.

pub mod page;
pub mod roles;
pub mod sessions;
pub mod users;

use crate::api::edge::operation::{Access, Operation, RateLimit};
use crate::metrics::Limiter;
use crate::rbac::Permission;
use catalogue::endpoints::Endpoint;

/// The record of an operation on accounts, roles or sessions: for holders of the permission, under the
/// limit of administrators, which the guard checks.
const fn operation(endpoint: Endpoint, permission: Permission) -> Operation {
    Operation::new(endpoint, Access::Needs(permission))
        .rate_limit(RateLimit::ByAccount(Limiter::Admin))
}
