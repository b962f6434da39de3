//! The grammar of names. The database schema repeats that of roles in a constraint.

use super::Permission;

/// Longest name of a role, and of each part of a permission.
const LONGEST: usize = 63;
/// Longest name of a permission.
pub const LONGEST_PERMISSION: usize = 2 * LONGEST + 1;
/// The grammar of a role's name as a regular expression, for documents.
pub const ROLE_NAME_PATTERN: &str = "^[a-z][a-z0-9_.-]{0,62}$";

/// The form of a permission's name: resource and action.
pub const PERMISSION_NAME_PATTERN: &str = "^[a-z][a-z0-9_.-]{0,62}:[a-z][a-z0-9_.-]{0,62}$";

/// Whether a role may have this name: [`ROLE_NAME_PATTERN`].
#[must_use]
pub const fn is_role_name(name: &str) -> bool {
    is_name(name.as_bytes())
}

/// Whether a permission of roles may have this name: `resource:action`, both of the form of role names.
#[must_use]
pub const fn is_permission_name(name: &str) -> bool {
    let name = name.as_bytes();
    let mut colon = 0;
    while colon < name.len() && name[colon] != b':' {
        colon += 1;
    }
    if colon == name.len() {
        return false;
    }
    let (resource, action) = name.split_at(colon);
    let (_, action) = action.split_at(1);
    is_name(resource) && is_name(action)
}

const fn is_name(name: &[u8]) -> bool {
    if name.is_empty() || name.len() > LONGEST || !name[0].is_ascii_lowercase() {
        return false;
    }
    let mut at = 1;
    while at < name.len() {
        if !matches!(name[at], b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-') {
            return false;
        }
        at += 1;
    }
    true
}

// A permission of roles with a name of another form does not compile.
const _: () = {
    let mut at = 0;
    while at < Permission::ALL.len() {
        let permission = Permission::ALL[at];
        let given_by_roles = !matches!(permission, Permission::Authenticated);
        assert!(is_permission_name(permission.name()) == given_by_roles);
        at += 1;
    }
};

#[cfg(test)]
mod tests {
    use super::super::BuiltIn;
    use super::*;

    #[test]
    fn role_names_have_one_grammar() {
        let longest = "a".repeat(63);
        for good in ["a", "admin", "team-7_b.c", &longest] {
            assert!(is_role_name(good), "{good}");
        }
        let longer = "a".repeat(64);
        for bad in [
            "",
            "A",
            "Admin",
            "7a",
            "-a",
            ".a",
            "_a",
            "a b",
            " a",
            "a ",
            "a,b",
            "a:b",
            "a/b",
            "a\n",
            "a\0",
            "\u{e4}",
            "\u{430}dmin",
            "\u{ff41}",
            "a\u{200b}",
            "admin\u{ad}",
            "%61",
            &longer,
        ] {
            assert!(!is_role_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn permission_names_are_two_names_with_a_colon() {
        let part = "a".repeat(63);
        for good in ["users:read", "a:b", &format!("{part}:{part}")] {
            assert!(is_permission_name(good), "{good}");
        }
        for bad in [
            "",
            ":",
            "users",
            "users:",
            ":read",
            "users:read:all",
            "users:*",
            "*:read",
            "Users:read",
            "users: read",
            "users:read ",
            "users:read,users:write",
            "users\u{a789}read",
            &format!("{part}a:read"),
        ] {
            assert!(!is_permission_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn built_in_names_fit() {
        for role in BuiltIn::ALL {
            assert!(is_role_name(role.name()));
        }
    }
}
