//! The built-in roles.

use super::super::{Assignment, Authority, BuiltIn, Permission, Policy, Reach, Snapshot};
use crate::metrics::RoleLabel;

fn authority(assignments: &[Assignment]) -> Authority {
    let policy = Policy::default().with_built_in();
    let snapshot = Snapshot::new(1, &policy).expect("a policy");
    let held = snapshot.held(assignments, 0);
    snapshot.authority(&held, assignments, 0)
}

fn of(names: &[&str]) -> Authority {
    let everywhere = |name: &&str| Assignment::everywhere(*name);
    authority(&names.iter().map(everywhere).collect::<Vec<_>>())
}

#[test]
fn permission_is_denied_unless_a_role_allows_it() {
    for permission in Permission::ALL {
        let by_default = *permission == Permission::Authenticated;
        for nobody in [&[][..], &["unheard-of"], &["user"]] {
            assert_eq!(of(nobody).allows(*permission), by_default, "{permission:?}");
        }
        assert!(of(&["user", "admin"]).allows(*permission));
    }
}

#[test]
fn role_label_is_that_of_the_strongest_role() {
    for (names, label) in [
        (&[][..], RoleLabel::None),
        (&["user"], RoleLabel::User),
        (&["user", "admin"], RoleLabel::Admin),
        (&["auditor"], RoleLabel::Custom),
        (&["auditor", "user"], RoleLabel::Custom),
        (&["auditor", "user", "admin"], RoleLabel::Admin),
    ] {
        assert_eq!(of(names).role(), label);
    }
}

#[test]
fn administrator_of_one_type_administers_that_alone() {
    let users = Assignment {
        role: "admin".to_owned(),
        reach: Reach::Type("users".to_owned()),
        expires_at: Some(10),
    };
    let allowed = authority(std::slice::from_ref(&users));
    assert!(allowed.allows(Permission::UsersWrite) && allowed.allows(Permission::UsersRead));
    assert!(!allowed.allows(Permission::RolesAssign));
    assert_eq!(allowed.role(), RoleLabel::Custom);
    let one = Assignment {
        reach: Reach::of("users", "1"),
        ..users.clone()
    };
    assert!(!authority(&[one]).allows(Permission::UsersWrite));
    let ended = Assignment {
        expires_at: Some(0),
        ..users
    };
    assert_eq!(authority(&[ended]).role(), RoleLabel::None);
}

#[test]
fn builtin_roles_are_declared_by_strength() {
    for pair in BuiltIn::ALL.windows(2) {
        assert!(pair[0].permissions().len() > pair[1].permissions().len());
    }
}
