//! Permissions, roles and the decision. No I/O: everything here is a function of its arguments.

pub mod scope;

use std::sync::OnceLock;

use metrics::Counter;

use crate::metrics::{Decision, RBAC_DECISIONS, RoleLabel};

use crate::request_context::is_synthetic;
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

    /// What the role allows.
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

/// What a set of roles amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority {
    permissions: PermissionSet,
    role: RoleLabel,
}

impl Authority {
    /// What these roles allow together. Everybody who is logged in is [`Permission::Authenticated`],
    /// also with no role left; a role that is not known allows nothing.
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

    /// Decides and counts, but for the canary. Denied unless a role allows it.
    #[must_use]
    pub fn decide(&self, permission: Permission) -> Decision {
        let decision = if self.permissions.contains(permission) {
            Decision::Allow
        } else {
            Decision::Deny
        };
        if !is_synthetic() {
            decisions()[counter_index(permission, self.role, decision)].increment(1);
        }
        decision
    }

    /// The same question without counting, for choices that are not a guard's.
    #[must_use]
    pub const fn allows(&self, permission: Permission) -> bool {
        self.permissions.contains(permission)
    }
}

fn counter_index(permission: Permission, role: RoleLabel, decision: Decision) -> usize {
    (permission as usize * RoleLabel::ALL.len() + role as usize) * Decision::ALL.len()
        + decision as usize
}

/// One counter for every permission, role and decision, made at start so that each exists at 0.
fn decisions() -> &'static [Counter] {
    static COUNTERS: OnceLock<Vec<Counter>> = OnceLock::new();
    COUNTERS.get_or_init(|| {
        let mut counters = Vec::new();
        for permission in Permission::ALL {
            for role in RoleLabel::ALL {
                for decision in Decision::ALL {
                    let values = [permission.name(), role.word(), decision.word()];
                    counters.push(RBAC_DECISIONS.series(&values));
                }
            }
        }
        counters
    })
}

/// Creates the decision counters. Call once, after the recorder is set.
pub fn initialise() {
    decisions();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn permission_is_denied_unless_a_role_allows_it() {
        for permission in Permission::ALL {
            let by_default = *permission == Permission::Authenticated;
            for nobody in [&[][..], &["unheard-of"], &["user"]] {
                assert_eq!(
                    Authority::of(&roles(nobody)).allows(*permission),
                    by_default,
                    "{permission:?}"
                );
            }
            assert!(Authority::of(&roles(&["user", "admin"])).allows(*permission));
        }
    }

    #[test]
    fn role_label_is_the_strongest_builtin_role() {
        for (names, label) in [
            (&[][..], RoleLabel::None),
            (&["user"], RoleLabel::User),
            (&["user", "admin"], RoleLabel::Admin),
            (&["alice's role"], RoleLabel::Custom),
            (&["alice's role", "user"], RoleLabel::User),
        ] {
            assert_eq!(Authority::of(&roles(names)).role, label);
        }
    }

    #[test]
    fn builtin_roles_are_declared_by_strength() {
        for pair in BuiltIn::ALL.windows(2) {
            assert!(pair[0].permissions().len() > pair[1].permissions().len());
        }
    }

    #[test]
    fn decision_counters_have_distinct_places() {
        let mut seen = std::collections::HashSet::new();
        for permission in Permission::ALL {
            for role in RoleLabel::ALL {
                for decision in Decision::ALL {
                    assert!(seen.insert(counter_index(*permission, *role, *decision)));
                }
            }
        }
        assert_eq!(seen.iter().max(), Some(&(seen.len() - 1)));
    }
}
