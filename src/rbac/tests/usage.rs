//! Which grants count as used.

use super::super::condition::Condition;
use super::super::{
    Action, Assignment, Entity, Grant, Permission, Policy, Properties, Question, Reach, Role,
    Snapshot, Usage, UsedGrant,
};

fn snapshot() -> Snapshot {
    let grant = |permission: &str, condition: Option<&str>| Grant {
        permission: permission.to_owned(),
        condition: condition.map(|text| Condition::parse(text).expect("a condition")),
    };
    let role = |name: &str, parents: &[&str], grants: Vec<Grant>| Role {
        name: name.to_owned(),
        parents: parents.iter().map(|parent| (*parent).to_owned()).collect(),
        grants,
    };
    let policy = Policy {
        permissions: ["posts:read", "posts:write"].map(str::to_owned).into(),
        roles: vec![
            role(
                "author",
                &[],
                vec![
                    grant("posts:*", None),
                    grant("posts:write", Some("subject.id == resource.id")),
                ],
            ),
            role(
                "owner",
                &[],
                vec![grant("posts:write", Some("subject.id == resource.id"))],
            ),
            role("editor", &["author"], vec![grant("users:read", None)]),
        ],
    };
    Snapshot::new(1, &policy.with_built_in()).expect("a policy")
}

fn question<'a>(action: &'a str, id: &'a str) -> Question<'a> {
    Question {
        subject: Entity::bare("user", "alice"),
        action: Action {
            name: action,
            properties: Properties::default(),
        },
        resource: Entity::bare("posts", id),
    }
}

fn used(grants: &[(&str, &str, &str)], roles: &[&str]) -> Usage {
    let grant = |(role, permission, condition): &(&str, &str, &str)| UsedGrant {
        role: (*role).to_owned(),
        permission: (*permission).to_owned(),
        condition: (*condition).to_owned(),
    };
    Usage {
        grants: grants.iter().map(grant).collect(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
    }
}

#[test]
fn grants_that_allowed_something_count_once() {
    let snapshot = snapshot();
    let given = |roles: &[&str]| -> Vec<Assignment> {
        roles
            .iter()
            .map(|role| Assignment::everywhere(*role))
            .collect()
    };
    let editor = snapshot.held(&given(&["editor", "user"]), 0);
    assert!(snapshot.take_usage().is_empty());
    // A decision that nobody acts on, and a denial, use nothing.
    assert!(snapshot.decide(&editor, &question("read", "1")).allows());
    assert!(
        !snapshot
            .decide_and_note(&editor, &question("fly", "1"))
            .allows()
    );
    assert!(snapshot.take_usage().is_empty());
    for _ in 0..2 {
        assert!(
            snapshot
                .decide_and_note(&editor, &question("read", "1"))
                .allows()
        );
    }
    assert_eq!(
        snapshot.take_usage(),
        used(&[("author", "posts:read", "")], &["editor"])
    );
    assert!(snapshot.take_usage().is_empty());

    let owner = snapshot.held(&given(&["owner", "user"]), 0);
    assert!(
        !snapshot
            .decide_and_note(&owner, &question("write", "bob"))
            .allows()
    );
    assert!(snapshot.take_usage().is_empty());
    assert!(
        snapshot
            .decide_and_note(&owner, &question("write", "alice"))
            .allows()
    );
    assert_eq!(
        snapshot.take_usage(),
        used(
            &[("owner", "posts:write", "subject.id == resource.id")],
            &["owner"]
        )
    );

    snapshot.note_built_in(&editor, Permission::UsersRead);
    snapshot.note_built_in(&editor, Permission::UsersWrite);
    assert_eq!(
        snapshot.take_usage(),
        used(&[("editor", "users:read", "")], &["editor"])
    );
    let elsewhere = Assignment {
        reach: Reach::Type("posts".to_owned()),
        ..Assignment::everywhere("editor")
    };
    let elsewhere = snapshot.held(&[elsewhere], 0);
    snapshot.note_built_in(&elsewhere, Permission::UsersRead);
    assert!(snapshot.take_usage().is_empty());
}
