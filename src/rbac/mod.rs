//! Permissions, roles and the decision. No I/O: all functions here are pure.

mod authority;
mod built_in;
pub mod condition;
mod decide;
mod effective;
pub mod entities;
mod marks;
pub mod names;
mod policy;
mod question;
mod scope;
mod search;
mod snapshot;
mod table;
#[cfg(test)]
mod tests;
mod usage;

use crate::metrics::RoleLabel;

pub use self::authority::{Authority, PermissionSet};
pub use self::decide::{Assignment, Decided, Held, Reach, Way};
pub use self::effective::Effective;
pub use self::policy::{DEEPEST, EVERYONE, Grant, Policy, PolicyFault, Role};
pub use self::question::{Action, Entity, Properties, Question};
pub use self::scope::Scope;
pub use self::search::{Places, Share};
pub use self::snapshot::Snapshot;
pub use self::usage::{Usage, UsedGrant};
pub use catalogue::permissions::Permission;

/// The built-in roles. They cannot be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuiltIn {
    /// Everything.
    Admin,
    /// One's own account.
    User,
}

impl BuiltIn {
    /// Every built-in role.
    pub const ALL: &'static [Self] = &[Self::Admin, Self::User];

    /// The role's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::User => "user",
        }
    }

    /// The role of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.name() == name)
    }

    /// The permissions of the role.
    #[must_use]
    pub const fn permissions(self) -> &'static [Permission] {
        match self {
            Self::Admin => Permission::ALL,
            Self::User => &[Permission::Authenticated],
        }
    }

    /// The role as a label.
    #[must_use]
    pub const fn label(self) -> RoleLabel {
        match self {
            Self::Admin => RoleLabel::Admin,
            Self::User => RoleLabel::User,
        }
    }
}
