//! The built-in roles.

use super::super::{Authority, BuiltIn, Permission};
use crate::metrics::RoleLabel;

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
        assert_eq!(Authority::of(&roles(names)).role(), label);
    }
}

#[test]
fn builtin_roles_are_declared_by_strength() {
    for pair in BuiltIn::ALL.windows(2) {
        assert!(pair[0].permissions().len() > pair[1].permissions().len());
    }
}
