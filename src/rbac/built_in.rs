//! The permissions of this service.

use super::Permission;

/// The permissions of this service that roles grant.
pub(super) fn built_in() -> impl Iterator<Item = Permission> {
    let all = Permission::ALL.iter().copied();
    all.filter(|permission| *permission != Permission::Authenticated)
}

/// The resource of a permission of this service.
pub(super) fn resource(permission: Permission) -> &'static str {
    let name = permission.name();
    name.split_once(':').map_or(name, |(resource, _)| resource)
}
