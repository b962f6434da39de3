//! Decisions about one small policy.

use super::super::condition::Condition;
use super::super::{
    Action, Assignment, Decided, EVERYONE, Entity, Grant, Policy, Properties, Question, Reach,
    Role, Snapshot,
};

/// An editor is an author, and may delete; an author writes what is theirs; everyone reads.
fn policy() -> Policy {
    let role = |name: &str, parents: &[&str], grants: &[(&str, Option<&str>)]| Role {
        name: name.to_owned(),
        parents: parents.iter().map(|name| (*name).to_owned()).collect(),
        grants: grants
            .iter()
            .map(|(permission, condition)| Grant {
                permission: (*permission).to_owned(),
                condition: condition.map(|text| Condition::parse(text).expect("a condition")),
            })
            .collect(),
    };
    Policy {
        permissions: [
            "posts:read",
            "posts:write",
            "posts:delete",
            "postscript:read",
            "a:z",
        ]
        .map(str::to_owned)
        .into(),
        roles: vec![
            role(
                "author",
                &[],
                &[("posts:write", Some("resource.id == subject.id"))],
            ),
            role("editor", &["author"], &[("posts:delete", None)]),
            role("owner", &["editor"], &[("posts:*", None)]),
            role(EVERYONE, &[], &[("posts:read", None)]),
        ],
    }
}

fn given(role: &str, reach: Reach, expires_at: Option<i64>) -> Assignment {
    Assignment {
        role: role.to_owned(),
        reach,
        expires_at,
    }
}

fn question<'a>(action: &'a str, kind: &'a str, id: &'a str) -> Question<'a> {
    Question {
        subject: Entity::bare("user", "alice"),
        action: Action {
            name: action,
            properties: Properties::default(),
        },
        resource: Entity::bare(kind, id),
    }
}

#[track_caller]
fn assert_decided(assignments: &[Assignment], asked: (&str, &str, &str), decided: Decided) {
    let snapshot = Snapshot::new(1, &policy()).expect("sound");
    let held = snapshot.held(assignments, 0);
    let (action, kind, id) = asked;
    let found = snapshot.decide(&held, &question(action, kind, id));
    assert_eq!(found, decided, "{asked:?}");
}

#[test]
fn decisions_have_their_reason() {
    let editor = [given("editor", Reach::Everywhere, None)];
    for (assignments, asked, decided) in [
        (&editor[..], ("delete", "posts", "1"), Decided::Granted),
        (
            &editor,
            ("write", "posts", "alice"),
            Decided::ConditionHolds,
        ),
        (&editor, ("write", "posts", "bob"), Decided::ConditionFails),
        (&editor, ("z", "a", "1"), Decided::NotGranted),
        (&editor, ("fly", "posts", "1"), Decided::UnknownPermission),
        (&editor, ("", "", ""), Decided::UnknownPermission),
        // The colon ends the type, wherever the caller puts one.
        (&editor, ("read:", "posts", "1"), Decided::UnknownPermission),
        (&editor, (":read", "posts", "1"), Decided::UnknownPermission),
        (&editor, ("read", "posts:", "1"), Decided::UnknownPermission),
        (&[], ("read", "posts", "1"), Decided::Granted),
        (&[], ("read", "postscript", "1"), Decided::NotGranted),
        (&[], ("write", "posts", "alice"), Decided::NotGranted),
    ] {
        assert_decided(assignments, asked, decided);
    }
    let gone = [given("gone", Reach::Everywhere, None)];
    assert_decided(&gone, ("delete", "posts", "1"), Decided::NotGranted);
}

#[test]
fn assignment_holds_where_it_reaches() {
    let on = |reach| [given("editor", reach, None)];
    let one = || Reach::Resource {
        kind: "posts".to_owned(),
        id: "1".to_owned(),
    };
    for (reach, kind, id, decided) in [
        (
            Reach::Type("posts".to_owned()),
            "posts",
            "1",
            Decided::Granted,
        ),
        (
            Reach::Type("a".to_owned()),
            "posts",
            "1",
            Decided::NotGranted,
        ),
        (one(), "posts", "1", Decided::Granted),
        (one(), "posts", "2", Decided::NotGranted),
    ] {
        assert_decided(&on(reach), ("delete", kind, id), decided);
    }
    // What a wildcard grants ends with its resource.
    let owner = [given("owner", Reach::Everywhere, None)];
    assert_decided(&owner, ("read", "postscript", "1"), Decided::NotGranted);
    assert_decided(&owner, ("write", "posts", "bob"), Decided::Granted);
}

#[test]
fn assignment_ends_in_its_microsecond() {
    let snapshot = Snapshot::new(1, &policy()).expect("sound");
    let assignments = [
        given("editor", Reach::Everywhere, Some(1_000)),
        given("author", Reach::Everywhere, Some(2_000)),
    ];
    let asked = question("delete", "posts", "1");
    let before = snapshot.held(&assignments, 999);
    assert!(snapshot.decide(&before, &asked).allows());
    assert!(before.is_current(&snapshot, 999));
    assert!(
        !before.is_current(&snapshot, 1_000),
        "what was held is made anew"
    );
    let after = snapshot.held(&assignments, 1_000);
    assert!(!snapshot.decide(&after, &asked).allows());
    assert!(after.is_current(&snapshot, 1_999) && !after.is_current(&snapshot, 2_000));
    let never = snapshot.held(&assignments, 2_000);
    assert!(never.is_current(&snapshot, i64::MAX));
    let next = Snapshot::new(2, &policy()).expect("sound");
    assert!(!never.is_current(&next, 0), "of another version");
}

#[test]
fn ways_name_the_roles_and_what_is_missing() {
    let snapshot = Snapshot::new(1, &policy()).expect("sound");
    let assignments = [
        given("editor", Reach::Everywhere, None),
        given("author", Reach::Type("a".to_owned()), None),
        given("owner", Reach::Everywhere, Some(5)),
    ];
    let asked = question("write", "posts", "bob");
    let ways = snapshot.ways(&assignments, &asked, 5);
    let condition = "resource.id == subject.id";
    let described: Vec<_> = ways
        .iter()
        .map(|way| (way.roles.join(" → "), way.covers, way.failing.join(", ")))
        .collect();
    assert_eq!(
        described,
        [
            ("editor → author".to_owned(), true, condition.to_owned()),
            ("author".to_owned(), false, condition.to_owned()),
        ]
    );
    assert!(
        ways.iter()
            .all(|way| way.condition.as_deref() == Some(condition))
    );
    let before = snapshot.ways(&assignments, &asked, 4);
    assert!(
        before
            .iter()
            .any(|way| way.allows() && way.roles == ["owner"])
    );
}

#[test]
fn permissions_held_are_listed_with_wildcards_expanded() {
    let snapshot = Snapshot::new(1, &policy()).expect("sound");
    for (role, expected) in [
        ("author", &["posts:read"][..]),
        ("editor", &["posts:delete", "posts:read"]),
        ("owner", &["posts:delete", "posts:read", "posts:write"]),
    ] {
        let held = snapshot.held(&[given(role, Reach::Everywhere, None)], 0);
        let listed: Vec<_> = snapshot.permissions_held(&held).collect();
        assert_eq!(listed, expected, "{role}");
        let held = snapshot.held(&[given(role, Reach::Type("posts".to_owned()), None)], 0);
        let listed: Vec<_> = snapshot.permissions_held(&held).collect();
        assert_eq!(listed, ["posts:read"], "{role}, not everywhere");
    }
}
