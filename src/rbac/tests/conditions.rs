//! Conditions: their grammar, their text, and when they hold.

use serde_json::{Map, Value, json};

use super::super::condition::{Condition, LONGEST};
use super::super::{Action, Entity, Properties, Question};

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("no object: {other}"),
    }
}

/// Whether the condition holds where the subject `alice`, the resource `r1` and the action have these
/// properties.
fn holds(condition: &str, subject: Value, resource: Value, action: Value) -> bool {
    let (subject, resource, action) = (map(subject), map(resource), map(action));
    let entity = |kind, id, properties| Entity {
        kind,
        id,
        properties: Properties::of(Some(properties)),
    };
    let question = Question {
        subject: entity("user", "alice", &subject),
        action: Action {
            name: "read",
            properties: Properties::of(Some(&action)),
        },
        resource: entity("record", "r1", &resource),
    };
    let parsed = Condition::parse(condition).unwrap_or_else(|fault| panic!("{condition}: {fault}"));
    let holds = parsed.holds(&question);
    assert_eq!(holds, parsed.failing(&question).count() == 0, "{condition}");
    holds
}

#[test]
fn condition_is_written_as_it_was_read() {
    let longest = "a".repeat(63);
    for text in [
        "subject.id == resource.properties.owner",
        "resource.properties.owner == subject.id",
        "resource.id == \"r1\"",
        "resource.properties.status in [\"draft\", \"review\"]",
        "action.properties.soft == true",
        "subject.properties.level == 3 and subject.properties.team_a-1 == resource.properties.Team",
        "subject.properties.x == -1.5 and resource.id in [1, false, \"and\"]",
        "subject.properties.x == \"a \\\"quoted\\\" ] and , text\"",
        &format!("subject.properties.{longest} == 1"),
    ] {
        let condition = Condition::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        assert_eq!(condition.to_string(), text);
        assert_eq!(Condition::parse(&condition.to_string()), Ok(condition));
    }
    for (loose, text) in [
        ("  subject.id==\"a\"  ", "subject.id == \"a\""),
        ("subject.id in[ 1 ,2 ]", "subject.id in [1, 2]"),
        ("subject.id in [1]", "subject.id == 1"),
    ] {
        let condition = Condition::parse(loose).unwrap_or_else(|fault| panic!("{loose}: {fault}"));
        assert_eq!(condition.to_string(), text);
    }
}

#[test]
fn fault_says_the_rule_and_where() {
    let longer = "a".repeat(64);
    let many = vec!["1"; 65].join(", ");
    let most = vec!["subject.id == 1"; 17].join(" and ");
    for (text, at, rule) in [
        ("", 0, "a path is"),
        ("subject", 0, "a path is"),
        ("subject.name == 1", 0, "a path is"),
        ("action.id == 1", 0, "a path is"),
        ("context.properties.x == 1", 0, "a path is"),
        ("subject.properties. == 1", 0, "a path is"),
        ("subject.properties.1a == 1", 0, "a path is"),
        ("subject.properties.a.b == 1", 0, "a path is"),
        (&format!("subject.properties.{longer} == 1"), 0, "a path is"),
        ("subject.id", 10, "a comparison is"),
        ("subject.id != 1", 11, "a comparison is"),
        ("subject.id = 1", 11, "a comparison is"),
        ("subject.id not in [1]", 11, "a comparison is"),
        ("subject.id == ", 14, "a value is"),
        ("subject.id == null", 14, "a value is"),
        ("subject.id == [1]", 14, "a value is"),
        ("subject.id == {}", 14, "a value is"),
        ("subject.id == 'a'", 14, "a value is"),
        ("subject.id == alice", 14, "a path is"),
        ("subject.id in 1", 14, "`in` is followed by"),
        ("subject.id in []", 15, "a value is"),
        ("subject.id in [1 2]", 17, "values of a list"),
        ("subject.id in [1", 16, "values of a list"),
        (
            &format!("subject.id in [{many}]"),
            207,
            "a list has at most",
        ),
        (
            "subject.id == 1 or subject.id == 2",
            16,
            "comparisons are joined",
        ),
        ("subject.id == 1 and", 19, "a path is"),
        (&most, 319, "a condition has at most 16"),
        (
            &" ".repeat(LONGEST + 1),
            LONGEST,
            "a condition has at most 1024",
        ),
    ] {
        let fault = Condition::parse(text).expect_err(text);
        assert!(fault.rule.starts_with(rule), "{text}: {fault}");
        assert_eq!(fault.at, at, "{text}: {fault}");
    }
}

#[test]
fn every_comparison_must_hold() {
    let nothing = || json!({});
    let held = |condition: &str| {
        holds(
            condition,
            json!({"team": "red", "level": 3}),
            json!({"owner": "alice", "status": "draft"}),
            json!({"soft": true}),
        )
    };
    assert!(held("resource.properties.owner == subject.id"));
    assert!(held(
        "action.properties.soft == true and subject.properties.level == 3"
    ));
    assert!(held(
        "resource.properties.status in [\"review\", \"draft\"]"
    ));
    assert!(!held(
        "resource.properties.status in [\"review\", \"drafts\"]"
    ));
    assert!(!held(
        "action.properties.soft == true and subject.properties.level == 4"
    ));
    assert!(!held("action.properties.soft == false"));
    assert!(!holds(
        "action.properties.soft == true",
        nothing(),
        nothing(),
        nothing()
    ));
}

#[test]
fn absent_paths_are_equal_to_nothing() {
    for condition in [
        "subject.properties.a == resource.properties.b",
        "subject.properties.a == subject.properties.a",
        "subject.properties.a == 1",
    ] {
        assert!(
            !holds(condition, json!({}), json!({}), json!({})),
            "{condition}"
        );
        let null = json!({"a": null});
        assert!(
            !holds(condition, null, json!({"b": null}), json!({})),
            "{condition}"
        );
    }
}

#[test]
fn values_are_the_same_only_with_their_type() {
    for (one, other, same) in [
        (json!(1), json!(1), true),
        (json!(1), json!(1.0), true),
        (json!(-1), json!(-1.0), true),
        (
            json!(9_007_199_254_740_993_u64),
            json!(9_007_199_254_740_992_u64),
            false,
        ),
        (json!(u64::MAX), json!(-1), false),
        (json!(1), json!("1"), false),
        (json!(1), json!(true), false),
        (json!("a"), json!("a"), true),
        (json!("a"), json!("A"), false),
        (json!([1]), json!([1]), false),
        (json!({}), json!({}), false),
    ] {
        let condition = "subject.properties.a == resource.properties.a";
        let found = holds(condition, json!({"a": one}), json!({"a": other}), json!({}));
        assert_eq!(found, same, "{one} {other}");
    }
    assert!(holds(
        "subject.id == \"alice\"",
        json!({}),
        json!({}),
        json!({})
    ));
    assert!(!holds("resource.id == 1", json!({}), json!({}), json!({})));
}

#[test]
fn what_is_sent_is_looked_at_before_what_is_registered() {
    let (sent, registered) = (map(json!({"a": 1})), map(json!({"a": 2, "b": 3})));
    let properties = Properties {
        first: Some(&sent),
        then: Some(&registered),
    };
    assert_eq!(properties.get("a"), Some(&json!(1)));
    assert_eq!(properties.get("b"), Some(&json!(3)));
    assert_eq!(properties.get("c"), None);
}
