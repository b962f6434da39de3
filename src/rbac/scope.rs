//! OAuth scopes (RFC 6749 section 3.3): names of permissions, separated by spaces.

use super::{Authority, Permission};

/// Whether a scope names permissions alone.
#[must_use]
pub fn is_known(scope: &str) -> bool {
    let known = |name: &str| {
        Permission::ALL
            .iter()
            .any(|permission| permission.name() == name)
    };
    scope.split(' ').filter(|name| !name.is_empty()).all(known)
}

/// The scope of a token: everything that the authority allows.
#[must_use]
pub fn granted(authority: &Authority) -> String {
    let held = Permission::ALL
        .iter()
        .filter(|permission| authority.allows(**permission))
        .map(|permission| permission.name());
    held.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_names_permissions() {
        for known in ["", "users:read", "users:read  admin:access"] {
            assert!(is_known(known), "{known}");
        }
        for unknown in ["users", "users:read everything", "users:read,admin:access"] {
            assert!(!is_known(unknown), "{unknown}");
        }
    }

    #[test]
    fn the_granted_scope_is_what_the_roles_allow() {
        let granted = |roles: &[&str]| {
            let roles: Vec<_> = roles.iter().map(|role| (*role).to_owned()).collect();
            granted(&Authority::of(&roles))
        };
        assert_eq!(granted(&["user"]), "authenticated");
        let all = Permission::ALL.iter().map(|permission| permission.name());
        assert_eq!(granted(&["admin"]), all.collect::<Vec<_>>().join(" "));
    }
}
