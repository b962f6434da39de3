//! Administration.

pub mod assignments;
pub mod entities;
pub mod exclusive_roles;
mod names;
pub mod page;
pub mod permissions;
mod role_views;
pub mod roles;
pub mod sessions;
pub mod shadow;
pub mod usage;
pub mod users;

use crate::api::edge::operation::{Access, Operation, RateLimit};
use crate::metrics::Limiter;
use crate::rbac::Permission;
use catalogue::endpoints::Endpoint;

/// The record of an operation on accounts, roles, sessions or registered entities: for holders of the permission, under the
/// limit of administrators, which the guard checks.
const fn operation(endpoint: Endpoint, permission: Permission) -> Operation {
    Operation::new(endpoint, Access::Needs(permission))
        .rate_limit(RateLimit::ByAccount(Limiter::Admin))
}
