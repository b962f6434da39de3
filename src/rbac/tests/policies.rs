//! Which policies are sound.

use super::super::{DEEPEST, Grant, Policy, PolicyFault, Role, Snapshot};

fn role(name: &str, parents: &[&str], grants: &[&str]) -> Role {
    let grant = |permission: &&str| Grant {
        permission: (*permission).to_owned(),
        condition: None,
    };
    Role {
        name: name.to_owned(),
        parents: parents.iter().map(|name| (*name).to_owned()).collect(),
        grants: grants.iter().map(grant).collect(),
    }
}

fn fault(permissions: &[&str], roles: Vec<Role>) -> Option<PolicyFault> {
    let policy = Policy {
        permissions: permissions.iter().map(|name| (*name).to_owned()).collect(),
        roles,
    };
    let fault = policy.check().err();
    assert_eq!(Snapshot::new(1, &policy).err(), fault);
    fault
}

fn owned(name: &str) -> String {
    name.to_owned()
}

#[test]
fn faults_are_named() {
    assert_eq!(fault(&[], vec![]), None);
    assert_eq!(
        fault(&["a:b"], vec![role("r", &[], &["a:b", "a:*", "c:*"])]),
        None
    );
    for name in ["a", "a:*", "A:b", ""] {
        assert_eq!(fault(&[name], vec![]), Some(PolicyFault::Name(owned(name))));
    }
    assert_eq!(
        fault(&[], vec![role("R", &[], &[])]),
        Some(PolicyFault::Name(owned("R")))
    );
    assert_eq!(
        fault(&["a:b", "a:b"], vec![]),
        Some(PolicyFault::Twice(owned("a:b")))
    );
    let twice = vec![role("r", &[], &[]), role("r", &[], &[])];
    assert_eq!(fault(&[], twice), Some(PolicyFault::Twice(owned("r"))));
    let unknown = PolicyFault::UnknownParent {
        role: owned("r"),
        parent: owned("p"),
    };
    assert_eq!(fault(&[], vec![role("r", &["p"], &[])]), Some(unknown));
    for permission in ["a:c", "a", "*", ":*", "A:*", "a:*:*", "*:b"] {
        let unknown = PolicyFault::UnknownPermission {
            role: owned("r"),
            permission: owned(permission),
        };
        assert_eq!(
            fault(&["a:b"], vec![role("r", &[], &[permission])]),
            Some(unknown)
        );
    }
}

#[test]
fn cycles_are_found_wherever_they_are() {
    for (parents, in_cycle) in [
        (&[("a", &["a"][..])][..], &["a"][..]),
        (&[("a", &["b"]), ("b", &["a"])], &["a", "b"]),
        // Below the cycle and above it are others.
        (
            &[
                ("d", &["a"]),
                ("a", &["b", "t"]),
                ("b", &["c"]),
                ("c", &["a"]),
                ("t", &[]),
            ],
            &["a", "b", "c"],
        ),
        (
            &[("d", &["e", "a"]), ("e", &["t"]), ("a", &["a"]), ("t", &[])],
            &["a"],
        ),
    ] {
        let roles = parents
            .iter()
            .map(|(name, parents)| role(name, parents, &[]));
        match fault(&[], roles.collect()) {
            Some(PolicyFault::Cycle(name)) => assert!(in_cycle.contains(&name.as_str()), "{name}"),
            other => panic!("{other:?}"),
        }
    }
    // A role that is reached on two ways is in no cycle.
    let diamond = vec![
        role("a", &["b", "c"], &[]),
        role("b", &["d"], &[]),
        role("c", &["d"], &[]),
        role("d", &[], &[]),
    ];
    assert_eq!(fault(&[], diamond), None);
}

#[test]
fn generations_are_bounded() {
    let chain = |length: usize| -> Vec<Role> {
        (0..length)
            .map(|at| {
                let parent = format!("r{}", at + 1);
                let parents = if at + 1 < length {
                    vec![parent]
                } else {
                    vec![]
                };
                Role {
                    name: format!("r{at}"),
                    parents,
                    grants: vec![],
                }
            })
            .collect()
    };
    assert_eq!(fault(&[], chain(DEEPEST)), None);
    let deep = PolicyFault::TooDeep(owned("r0"));
    assert_eq!(fault(&[], chain(DEEPEST + 1)), Some(deep));
    // No recursion that a policy could make as deep as it likes.
    assert!(matches!(
        fault(&[], chain(200_000)),
        Some(PolicyFault::TooDeep(_))
    ));
}
