//! Random policies and questions, answered by the snapshot and by the definition, written down as plainly as
//! can be.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use testkit::dice::Dice;

use super::super::condition::Condition;
use super::super::{
    Action, Assignment, Decided, EVERYONE, Entity, Grant, Policy, Properties, Question, Reach,
    Role, Snapshot, Way,
};

const POLICIES: u64 = 10_000;
const QUESTIONS: u64 = 10;

pub(super) fn one_of<'a>(dice: &mut Dice, words: &[&'a str]) -> &'a str {
    words[dice.below(words.len())]
}

fn chance(dice: &mut Dice, one_in: usize) -> bool {
    dice.below(one_in) == 0
}

pub(super) const TYPES: [&str; 3] = ["post", "post.draft", "user"];
const ACTIONS: [&str; 3] = ["read", "write", "delete"];
pub(super) const IDS: [&str; 3] = ["1", "2", "alice"];
const NAMES: [&str; 3] = ["a", "b", "owner"];
const ROLES: [&str; 6] = [EVERYONE, "r1", "r2", "r3", "r4", "r5"];

/// A path of a condition: the part of the question, and the property or the id.
type Path = (&'static str, Option<&'static str>);

/// A comparison: with another path, or with one of these.
#[derive(Clone)]
struct Comparison {
    path: Path,
    with: Result<Path, Vec<Value>>,
}

/// A grant as it is thrown: the policy has the condition as text.
struct Thrown {
    role: &'static str,
    permission: String,
    comparisons: Vec<Comparison>,
}

pub(super) struct World {
    pub(super) policy: Policy,
    grants: Vec<Thrown>,
    pub(super) assignments: Vec<Assignment>,
}

fn path(dice: &mut Dice) -> Path {
    match dice.below(5) {
        0 => ("subject", None),
        1 => ("resource", None),
        2 => ("subject", Some(one_of(dice, &NAMES))),
        3 => ("resource", Some(one_of(dice, &NAMES))),
        _ => ("action", Some(one_of(dice, &NAMES))),
    }
}

fn written((part, name): Path) -> String {
    name.map_or_else(
        || format!("{part}.id"),
        |name| format!("{part}.properties.{name}"),
    )
}

fn value(dice: &mut Dice) -> Value {
    match dice.below(4) {
        0 => json!(one_of(dice, &IDS)),
        1 => json!(dice.below(3)),
        2 => json!(chance(dice, 2)),
        _ => json!(1.0),
    }
}

fn comparison(dice: &mut Dice) -> Comparison {
    let with = if chance(dice, 2) {
        Ok(path(dice))
    } else {
        let count = dice.below(3) + 1;
        Err((0..count).map(|_| value(dice)).collect())
    };
    Comparison {
        path: path(dice),
        with,
    }
}

fn text(comparisons: &[Comparison]) -> String {
    let each = comparisons.iter().map(|comparison| {
        let left = written(comparison.path);
        match &comparison.with {
            Ok(other) => format!("{left} == {}", written(*other)),
            Err(values) => format!("{left} in {}", Value::Array(values.clone())),
        }
    });
    each.collect::<Vec<_>>().join(" and ")
}

pub(super) fn world(dice: &mut Dice) -> World {
    let mut permissions = BTreeSet::new();
    for _ in 0..dice.below(9) {
        permissions.insert(format!(
            "{}:{}",
            one_of(dice, &TYPES),
            one_of(dice, &ACTIONS)
        ));
    }
    let known: Vec<_> = permissions.iter().cloned().collect();
    let mut grants = Vec::new();
    let mut roles = Vec::new();
    for (at, name) in ROLES.into_iter().enumerate() {
        // Parents come earlier, so that there is no cycle.
        let parents = ROLES[..at].iter().filter(|_| chance(dice, 3));
        let mut role = Role {
            name: name.to_owned(),
            parents: parents.map(|name| (*name).to_owned()).collect(),
            grants: Vec::new(),
        };
        for _ in 0..dice.below(4) {
            let permission = if known.is_empty() || chance(dice, 4) {
                format!("{}:*", one_of(dice, &TYPES))
            } else {
                known[dice.below(known.len())].clone()
            };
            let comparisons: Vec<_> = (0..dice.below(3)).map(|_| comparison(dice)).collect();
            let condition = (!comparisons.is_empty()).then(|| {
                let text = text(&comparisons);
                Condition::parse(&text).unwrap_or_else(|fault| panic!("{text}: {fault}"))
            });
            role.grants.push(Grant {
                permission: permission.clone(),
                condition,
            });
            grants.push(Thrown {
                role: name,
                permission,
                comparisons,
            });
        }
        roles.push(role);
    }
    let assignments = (0..dice.below(4)).map(|_| Assignment {
        role: one_of(dice, &["r1", "r2", "r3", "r4", "r5", "gone"]).to_owned(),
        reach: match dice.below(3) {
            0 => Reach::Everywhere,
            1 => Reach::Type(one_of(dice, &TYPES).to_owned()),
            _ => Reach::Resource {
                kind: one_of(dice, &TYPES).to_owned(),
                id: one_of(dice, &IDS).to_owned(),
            },
        },
        expires_at: chance(dice, 3).then(|| if chance(dice, 2) { 100 } else { 200 }),
    });
    let assignments = assignments.collect();
    let policy = Policy {
        permissions: known,
        roles,
    };
    World {
        policy,
        grants,
        assignments,
    }
}

fn properties(dice: &mut Dice) -> Map<String, Value> {
    let mut properties = Map::new();
    for name in NAMES {
        if chance(dice, 2) {
            properties.insert(name.to_owned(), value(dice));
        }
    }
    properties
}

/// What a question is made of.
pub(super) struct Asked {
    subject: (&'static str, Map<String, Value>),
    action: (&'static str, Map<String, Value>),
    resource: (&'static str, &'static str, Map<String, Value>),
}

pub(super) fn asked(dice: &mut Dice) -> Asked {
    Asked {
        subject: (one_of(dice, &IDS), properties(dice)),
        action: (one_of(dice, &ACTIONS), properties(dice)),
        resource: (one_of(dice, &TYPES), one_of(dice, &IDS), properties(dice)),
    }
}

impl Asked {
    pub(super) fn question(&self) -> Question<'_> {
        let (kind, id, resource) = &self.resource;
        Question {
            subject: Entity {
                kind: "user",
                id: self.subject.0,
                properties: Properties::of(Some(&self.subject.1)),
            },
            action: Action {
                name: self.action.0,
                properties: Properties::of(Some(&self.action.1)),
            },
            resource: Entity {
                kind,
                id,
                properties: Properties::of(Some(resource)),
            },
        }
    }
}

/// The definition of a decision.
fn allowed(world: &World, question: &Question<'_>, now: i64) -> bool {
    let resource = &question.resource;
    let name = format!("{}:{}", resource.kind, question.action.name);
    if !world.policy.permissions.contains(&name) {
        return false;
    }
    let covers = |given: &&Assignment| {
        let lives = given.expires_at.is_none_or(|at| now < at);
        lives
            && match &given.reach {
                Reach::Everywhere => true,
                Reach::Type(kind) => kind == resource.kind,
                Reach::Resource { kind, id } => kind == resource.kind && id == resource.id,
            }
    };
    let mut held: BTreeSet<&str> = BTreeSet::from([EVERYONE]);
    held.extend(
        world
            .assignments
            .iter()
            .filter(covers)
            .map(|given| given.role.as_str()),
    );
    // Until nothing is added any more.
    loop {
        let before = held.len();
        for role in &world.policy.roles {
            if held.contains(role.name.as_str()) {
                held.extend(role.parents.iter().map(String::as_str));
            }
        }
        if held.len() == before {
            break;
        }
    }
    world.grants.iter().any(|grant| {
        let wanted = grant.permission == name || grant.permission == format!("{}:*", resource.kind);
        let holds = |comparison: &Comparison| {
            let Some(left) = at(comparison.path, question) else {
                return false;
            };
            match &comparison.with {
                Ok(path) => at(*path, question).is_some_and(|right| same(&left, &right)),
                Err(values) => values.iter().any(|right| same(&left, right)),
            }
        };
        held.contains(grant.role) && wanted && grant.comparisons.iter().all(holds)
    })
}

fn at((part, name): Path, question: &Question<'_>) -> Option<Value> {
    let (id, properties) = match part {
        "subject" => (question.subject.id, question.subject.properties),
        "resource" => (question.resource.id, question.resource.properties),
        _ => ("", question.action.properties),
    };
    match name {
        None => Some(json!(id)),
        Some(name) => properties.first.and_then(|map| map.get(name)).cloned(),
    }
}

fn same(one: &Value, other: &Value) -> bool {
    one == other || one.is_number() && one.as_f64() == other.as_f64()
}

#[test]
fn decisions_are_those_of_the_definition() {
    let mut counts = [0_u32; 2];
    for seed in 0..POLICIES {
        let dice = &mut Dice::new(seed);
        let world = world(dice);
        let snapshot = Snapshot::new(seed, &world.policy).expect("a sound policy");
        for _ in 0..QUESTIONS {
            let now = [99, 100, 150, 200][dice.below(4)];
            let held = snapshot.held(&world.assignments, now);
            let asked = asked(dice);
            let question = asked.question();
            let expected = allowed(&world, &question, now);
            let decided = snapshot.decide(&held, &question);
            assert_eq!(decided.allows(), expected, "seed {seed}: {question:?}");
            counts[usize::from(expected)] += 1;
            let ways = snapshot.ways(&world.assignments, &question, now);
            assert_eq!(
                ways.iter().any(Way::allows),
                expected,
                "seed {seed}: {ways:?}"
            );
            let covering: Vec<_> = ways.iter().filter(|way| way.covers).collect();
            match decided {
                Decided::Granted => assert!(covering.iter().any(|way| way.condition.is_none())),
                Decided::ConditionHolds | Decided::ConditionFails => {
                    assert!(!covering.is_empty());
                    assert!(covering.iter().all(|way| way.condition.is_some()));
                }
                Decided::NotGranted => assert!(covering.is_empty()),
                Decided::UnknownPermission => assert!(ways.is_empty()),
                Decided::SubjectDisabled => panic!("the policy knows no accounts"),
            }
        }
    }
    // Questions that are all denied would show nothing.
    assert!(counts.iter().all(|count| *count > 5_000), "{counts:?}");
}
