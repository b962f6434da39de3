//! Permissions, roles and the decision. No I/O: all functions here are pure.

pub mod condition;
mod decide;
pub mod names;
mod policy;
mod question;
mod scope;
mod snapshot;
mod table;
#[cfg(test)]
mod tests;

use crate::metrics::{Decision, RoleLabel};

pub use self::decide::{Assignment, Decided, Held, Reach, Way};
pub use self::policy::{DEEPEST, EVERYONE, Grant, Policy, PolicyFault, Role};
pub use self::question::{Action, Entity, Properties, Question};
pub use self::scope::Scope;
pub use self::snapshot::Snapshot;
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

/// A set of permissions, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PermissionSet(u64);

impl PermissionSet {
    /// Whether the set holds this permission.
    #[must_use]
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u32) != 0
    }

    /// The intersection of both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(
            permissions
                .into_iter()
                .fold(0, |bits, permission| bits | 1 << permission as u32),
        )
    }
}

/// The permissions of a set of roles, and its label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority {
    permissions: PermissionSet,
    role: RoleLabel,
}

impl Authority {
    /// The permissions of these roles together. Every caller holds [`Permission::Authenticated`], even
    /// without roles; an unknown role has no permissions.
    #[must_use]
    pub fn of(roles: &[String]) -> Self {
        let built_in = || roles.iter().filter_map(|role| BuiltIn::parse(role));
        let permissions = built_in()
            .flat_map(|role| role.permissions().iter().copied())
            .chain([Permission::Authenticated])
            .collect();
        let role = if roles.is_empty() {
            RoleLabel::None
        } else {
            // `ALL` is ordered from the strongest to the weakest.
            BuiltIn::ALL
                .iter()
                .find(|role| built_in().any(|own| own == **role))
                .map_or(RoleLabel::Custom, |role| role.label())
        };
        Self { permissions, role }
    }

    /// The decision: denied unless a role allows it.
    #[must_use]
    pub const fn decide(&self, permission: Permission) -> Decision {
        if self.allows(permission) {
            Decision::Allow
        } else {
            Decision::Deny
        }
    }

    /// The strongest role, as a label.
    #[must_use]
    pub const fn role(&self) -> RoleLabel {
        self.role
    }

    /// Whether a role allows it.
    #[must_use]
    pub const fn allows(&self, permission: Permission) -> bool {
        self.permissions.contains(permission)
    }
}
